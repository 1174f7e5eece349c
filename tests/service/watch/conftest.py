from support.servers.sandbox import sandbox, shared_sandbox
from support.service.watch_service import service

__all__ = ["database", "sandbox", "service", "shared_sandbox"]


import pytest

from penstock.store.database import Database


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield opened
    opened.close()
