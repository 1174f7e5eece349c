import pytest

from support.servers.postgres import postgres, server
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["postgres", "sandbox", "server", "shared_sandbox"]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    """Whoever runs the tests may sit at a terminal of any width."""
    monkeypatch.delenv("COLUMNS", raising=False)
