"""The tests of the store run on every database that can have the state: SQLite and PostgreSQL."""

import pytest

from penstock.store.database import Database
from support.kernel.states import database, sqlite, url
from support.servers.postgres import empty_postgres, postgres, server

__all__ = ["database", "empty_postgres", "postgres", "server", "sqlite", "url"]


@pytest.fixture
def sqlite_database(sqlite):
    opened = Database.open(sqlite)
    yield opened
    opened.close()
