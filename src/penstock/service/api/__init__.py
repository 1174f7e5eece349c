"""The REST API: turns requests into calls of `App`, and results into one shape of success or one shape of error."""
