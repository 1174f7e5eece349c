"""Real files, a real SQLite file, a real PostgreSQL: what the tests of sources read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from penstock.model.spec import CursorSpec, DatasetSpec, FileSource, Secret, SqlSource
from penstock.sources.dataset import Dataset
from penstock.sources.source import Tools, open_dataset
from support.servers.postgres import server

__all__ = ["server"]

Opener = Callable[..., Dataset]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Write a file and open it as a dataset; `body` None opens what is there."""

    def open_file(
        name: str,
        body: str | bytes | None = None,
        *,
        types: Mapping[str, Any] | None = None,
        sql: str | None = None,
        **settings: Any,
    ) -> Dataset:
        if body is not None:
            data = body.encode() if isinstance(body, str) else body
            (tmp_path / name).write_bytes(data)
        spec = DatasetSpec("people", "crm", ("id",), sql=sql, types=types or {})
        source = FileSource("crm", name, tmp_path, **settings)
        return open_dataset(spec, source, Tools(lambda _: "", tmp_path))

    return open_file


@pytest.fixture
def queried(tmp_path: Path) -> Opener:
    """Open a database as a dataset."""

    def open_database(
        url: str,
        *,
        cursor: str | CursorSpec | None = None,
        types: Mapping[str, Any] | None = None,
        sql: str | None = None,
        **settings: Any,
    ) -> Dataset:
        spec = DatasetSpec("people", "billing", ("id",), sql=sql, types=types or {})
        followed = CursorSpec(cursor) if isinstance(cursor, str) else cursor
        source = SqlSource("billing", Secret((("env", "URL"),)), tmp_path, cursor=followed, **settings)
        return open_dataset(spec, source, Tools(lambda _: url, tmp_path))

    return open_database


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite file `data.db` beside the project file."""
    connection = sqlite3.connect(tmp_path / "data.db", isolation_level=None)
    connection.execute("pragma synchronous = off")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def postgres_url(server: str) -> str:
    """A PostgreSQL server of this test session."""
    return server
