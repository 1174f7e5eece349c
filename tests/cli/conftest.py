import pytest

from sandbox_process import sandbox, shared_sandbox

__all__ = ["sandbox", "shared_sandbox"]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch):
    """Whoever runs the tests may sit at a terminal of any width."""
    monkeypatch.delenv("COLUMNS", raising=False)
