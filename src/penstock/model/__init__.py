"""Frozen data types that every other package shares. This package imports no other package of Penstock."""
