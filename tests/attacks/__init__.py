"""A package, so that the service of `conftest.py` ends with the last test of this folder."""
