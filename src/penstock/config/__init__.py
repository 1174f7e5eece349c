"""Reads the project file: YAML to checked specs, with all errors reported at once."""
