"""The project file: reads YAML, returns checked specs, and reports every error at once."""
