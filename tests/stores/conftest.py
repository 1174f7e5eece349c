"""Every law of the stores is shown on every database that can keep the state: SQLite so far."""

import pytest

from penstock.stores.database import Database


@pytest.fixture(params=["sqlite"])
def url(request, tmp_path):
    return f"{request.param}:///{tmp_path / 'state' / 'state.db'}"


@pytest.fixture
def database(url):
    opened = Database.open(url)
    yield opened
    opened.close()
