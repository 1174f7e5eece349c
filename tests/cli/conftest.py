import pytest

from support.servers.postgres import postgres, server
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["postgres", "sandbox", "server", "shared_sandbox"]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    """A fixed width, whatever the terminal of the person who runs the tests."""
    monkeypatch.delenv("COLUMNS", raising=False)
