"""The exported ledger as Parquet files: `runs/`, `requests/` and `records/`, in each a folder `run=<id>` for a run.

A file is written elsewhere first and put in its place whole, so that readers see a whole file or none, and a repeat
replaces it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection

from penstock.store.ledger_export.columns import COLUMNS, TABLES, ExportedTable
from penstock.store.ledger_export.rows import GROUP_ROWS, tables_of
from penstock.store.runs.erasure import ERASED
from penstock.store.runs.runs import RunRow, is_pruned

FILE = "part.parquet"
UNFINISHED = ".part.parquet.unfinished"  # no reader of `*.parquet` finds it


class UnfinishedFile(Protocol):
    """A file that no reader sees until `finish` puts it in its place."""

    @property
    def file(self) -> IO[bytes]: ...

    def finish(self) -> None: ...


class LedgerFolder(Protocol):
    """Where the files are. Names are relative to it, such as `runs/run=1/part.parquet`."""

    def unfinished(self, name: str) -> AbstractContextManager[UnfinishedFile]:
        """A new file for this name; dropped at the end of the block unless it was finished."""

    def exists(self, name: str) -> bool: ...

    def open(self, name: str) -> Any:
        """The finished file, to be closed by the caller."""

    def names(self, table: str) -> Iterator[str]:
        """The names of the finished files of a table."""


class LocalFolder:
    """A folder of this machine, which is made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def unfinished(self, name: str) -> Iterator[_LocalFile]:
        path = self._folder / name
        beside = path.with_name(UNFINISHED)
        beside.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                yield _LocalFile(file, path)
        finally:
            beside.unlink(missing_ok=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()

    def exists(self, name: str) -> bool:
        return (self._folder / name).exists()

    def open(self, name: str) -> Any:
        return (self._folder / name).open("rb")

    def names(self, table: str) -> Iterator[str]:
        for path in self._folder.glob(f"{table}/run=*/{FILE}"):
            yield path.relative_to(self._folder).as_posix()


class _LocalFile:
    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.file = file
        self._path = path

    def finish(self) -> None:
        self._path.with_name(UNFINISHED).replace(self._path)


class ParquetLedger:
    """Writes runs to Parquet files below a folder."""

    def __init__(self, folder: LedgerFolder) -> None:
        self.folder = folder

    def write(self, conn: Connection, run: RunRow) -> None:
        """Write what the ledger has about a run, in place of what was written before. OSError if the folder fails.

        Of a run whose records were pruned only the run itself is written: its earlier files have more than the state.
        """
        with ExitStack() as stack:
            written = []
            for name in TABLES:
                if name == "runs" or not is_pruned(run):
                    new = stack.enter_context(self.folder.unfinished(f"{name}/run={run.id}/{FILE}"))
                    _write(conn, run, name, new.file)
                    written.append(new)
            for new in written:
                new.finish()

    def erase(self, key: str, *, dry_run: bool) -> int:
        """Remove a key and the reasons of its records from every file; returns of how many records."""
        return sum(self._erase(name, key, dry_run=dry_run) for name in self.folder.names("records"))

    def _erase(self, name: str, key: str, *, dry_run: bool) -> int:
        compute: Any = pc
        mine = compute.fill_null(compute.equal(self._read(name, ["key"]).column("key"), key), False)
        count = int(compute.sum(mine).as_py() or 0)
        if count and not dry_run:
            records = self._read(name)
            requests = set(records.filter(mine).column("request").to_pylist())
            self._replace(name, _erased(records, mine, ("key", "reason")))
            sent = f"requests/{name.partition('/')[2]}"
            if self.folder.exists(sent):
                table = self._read(sent)
                theirs = compute.is_in(table.column("request"), pa.array(sorted(filter(None, requests)), pa.string()))
                self._replace(sent, _erased(table, theirs, ("url", "reason")))
        return count

    def close(self) -> None:
        """Does nothing: no file stays open."""

    def _read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        with self.folder.open(name) as file, closing(pq.ParquetFile(file)) as parquet:
            return parquet.read(columns)

    def _replace(self, name: str, table: pa.Table) -> None:
        with self.folder.unfinished(name) as new:
            pq.write_table(table, new.file, compression="zstd", row_group_size=GROUP_ROWS)
            _to_disk(new.file)
            new.finish()


def _write(conn: Connection, run: RunRow, name: ExportedTable, file: IO[bytes]) -> None:
    with closing(pq.ParquetWriter(file, COLUMNS[name], compression="zstd")) as writer:
        for table in tables_of(conn, run, name):
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
    _to_disk(file)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _erased(table: pa.Table, rows: Any, columns: Sequence[str]) -> pa.Table:
    """The table whose values in these rows and columns are erased; nulls stay."""
    compute: Any = pc
    for name in columns:
        column = table.column(name)
        new = compute.if_else(compute.and_(rows, compute.is_valid(column)), ERASED, column)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), new)
    return table
