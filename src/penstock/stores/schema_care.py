"""Tables of the service's own settings and alerts."""
