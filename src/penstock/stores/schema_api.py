"""Tables of what the REST API remembers."""
