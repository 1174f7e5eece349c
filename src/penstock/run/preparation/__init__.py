"""Prepares a run: its dataset, its compiled settings, and where it begins to read."""
