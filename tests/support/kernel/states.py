"""Fixtures of state databases: SQLite and PostgreSQL, so that the tests of the store run on both."""

import pytest

from penstock.store.database import Database


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
