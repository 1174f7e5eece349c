"""Every law of the stores is shown on every database that can keep the state: SQLite and PostgreSQL."""

import pytest

from penstock.store.database import Database
from support.servers.postgres import empty_postgres, postgres, server

__all__ = ["empty_postgres", "postgres", "server"]


@pytest.fixture
def sqlite(tmp_path):
    return f"sqlite:///{tmp_path / 'state' / 'state.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def database(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the local folder of a PostgreSQL state is made here
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite):
    opened = Database.open(sqlite)
    yield opened
    opened.close()
