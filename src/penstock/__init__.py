"""Penstock keeps Custify true to your own data."""
