"""Settling what is unknown by reading back from the API: task by `externalId`, note by listing.

The room is kept; nothing is settled here yet. Until then an unknown record waits in the quarantine for a person.
"""
