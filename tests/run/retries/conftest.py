import pytest

from penstock.delivery import retry
from penstock.delivery.limit import rate_limit


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """The pauses between the attempts of one request take a moment; the rules that decide are the same."""
    policy = retry.DEFAULT_POLICY
    short = {"base": 0.001, "clamp": 0.01, "patience": 3.0, "rate_limited_s": 3.5}
    usual = {name: getattr(policy, name) for name in short}
    for name, value in short.items():
        object.__setattr__(policy, name, value)
    monkeypatch.setattr(rate_limit, "RETRY_AFTER_MISSING", 0.4)
    monkeypatch.setattr(rate_limit, "LONGEST_BLOCK", 2.0)
    yield
    for name, value in usual.items():
        object.__setattr__(policy, name, value)
