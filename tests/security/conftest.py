"""Fixtures of a running service; how it is made stands in `security_service`."""

import pytest
from argon2 import PasswordHasher

from penstock.service.people import accounts
from support.service.security_service import empty, open_service, service

__all__ = ["empty", "open_service", "service"]


@pytest.fixture(autouse=True)
def _quick_hashes(request, monkeypatch):
    """Many people are made here. What hashing costs elsewhere is shown by the test that asks for `true_hashes`."""
    if "true_hashes" not in request.fixturenames:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        monkeypatch.setattr(accounts, "_hasher", lambda: quick)
    accounts._nobody.cache_clear()


@pytest.fixture
def true_hashes():
    """Hashes as they are made outside tests."""
