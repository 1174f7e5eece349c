"""The command line: commands → App → text or one JSON document, and an exit code. Translates, never decides."""
