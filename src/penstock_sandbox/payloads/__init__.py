"""Checks payloads and applies them to the account, for both dialects."""
