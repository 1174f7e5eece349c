"""The exported ledger as Parquet files: `runs/`, `requests/` and `records/`, in each a folder `run=<id>` for a run.

A file is written beside its place and renamed, so that readers see a whole file or none, and a repeat replaces it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

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


class ParquetLedger:
    """Writes runs to Parquet files below a folder, which is made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, conn: Connection, run: RunRow) -> None:
        """Write what the ledger has about a run, in place of what was written before. OSError if the disk fails.

        Of a run whose records were pruned only the run itself is written: its earlier files have more than the state.
        """
        written: dict[ExportedTable, Path] = {}
        try:
            for name in TABLES:
                written[name] = self._place(name, run.id) / UNFINISHED
                self._write(conn, run, name, written[name])
            self._rename(written, run)
        finally:
            for path in written.values():
                path.unlink(missing_ok=True)

    def erase(self, key: str, *, dry_run: bool) -> int:
        """Remove a key and the reasons of its records from every file; returns of how many records."""
        return sum(self._erase(path, key, dry_run=dry_run) for path in self.folder.glob(f"records/run=*/{FILE}"))

    def _erase(self, path: Path, key: str, *, dry_run: bool) -> int:
        compute: Any = pc
        mine = compute.fill_null(compute.equal(pq.ParquetFile(path).read(["key"]).column("key"), key), False)
        count = int(compute.sum(mine).as_py() or 0)
        if count and not dry_run:
            records = pq.ParquetFile(path).read()
            requests = set(records.filter(mine).column("request").to_pylist())
            _replace(path, _erased(records, mine, ("key", "reason")))
            sent = self.folder / "requests" / path.parent.name / FILE
            if sent.exists():
                table = pq.ParquetFile(sent).read()
                theirs = compute.is_in(table.column("request"), pa.array(sorted(filter(None, requests)), pa.string()))
                _replace(sent, _erased(table, theirs, ("url", "reason")))
        return count

    def close(self) -> None:
        """Does nothing: no file stays open."""

    def _place(self, name: ExportedTable, run: str) -> Path:
        return self.folder / name / f"run={run}"

    def _write(self, conn: Connection, run: RunRow, name: ExportedTable, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            with closing(pq.ParquetWriter(file, COLUMNS[name], compression="zstd")) as writer:
                for table in tables_of(conn, run, name):
                    writer.write_table(table, row_group_size=max(table.num_rows, 1))
            file.flush()
            os.fsync(file.fileno())

    def _rename(self, written: Mapping[ExportedTable, Path], run: RunRow) -> None:
        for name, path in written.items():
            if name == "runs" or not is_pruned(run):
                path.replace(path.with_name(FILE))
            elif not path.with_name(FILE).exists():
                path.unlink()
                path.parent.rmdir()


def _erased(table: pa.Table, rows: Any, columns: Sequence[str]) -> pa.Table:
    """The table whose values in these rows and columns are erased; nulls stay."""
    compute: Any = pc
    for name in columns:
        column = table.column(name)
        new = compute.if_else(compute.and_(rows, compute.is_valid(column)), ERASED, column)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), new)
    return table


def _replace(path: Path, table: pa.Table) -> None:
    unfinished = path.with_name(UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            pq.write_table(table, file, compression="zstd", row_group_size=GROUP_ROWS)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
