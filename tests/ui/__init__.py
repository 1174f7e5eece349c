"""A package, so that the services of `conftest.py` end with the last test of this folder."""
