"""Fixtures of a running service, which `security_service` makes."""

import pytest
from argon2 import PasswordHasher

from penstock.service.people import accounts
from support.service.security_service import empty, open_service, service

__all__ = ["empty", "open_service", "service"]


@pytest.fixture(autouse=True)
def _quick_hashes(request, monkeypatch):
    """Cheap password hashes, since the tests create many users; the fixture `true_hashes` restores the real ones."""
    if "true_hashes" not in request.fixturenames:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        monkeypatch.setattr(accounts, "_hasher", lambda: quick)
    accounts._nobody.cache_clear()


@pytest.fixture
def true_hashes():
    """Password hashes as outside tests."""
