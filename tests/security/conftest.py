"""Fixtures of a running service; how it is made stands in `security_service`."""

from security_service import empty, open_service, service

__all__ = ["empty", "open_service", "service"]
