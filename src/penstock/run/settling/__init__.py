"""Finds out what became of records whose request had no answer."""
