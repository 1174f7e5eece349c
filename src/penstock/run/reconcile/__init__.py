"""Compares what Custify has with what a destination would send, and sends again what differs."""
