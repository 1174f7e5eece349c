"""The project file: YAML in, checked specs out, every error at once."""
