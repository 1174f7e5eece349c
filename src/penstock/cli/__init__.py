"""The command line: turns commands into calls of `App`, and results into text, JSON and an exit code."""
