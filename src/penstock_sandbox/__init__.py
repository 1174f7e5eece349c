"""A faithful local stand-in for Custify's API.

Imports nothing of `penstock`, and `penstock` nothing of it, so that one mistake cannot hide another.
"""
