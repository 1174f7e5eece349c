"""Checks payloads and applies them to the account: what both dialects have in common."""
