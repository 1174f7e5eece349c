"""The exported ledger as Parquet files: `runs/`, `requests/` and `records/`, in each a folder `run=<id>` for a run.

A file is written beside its place and renamed, so that readers see a whole file or none, and a repeat replaces it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
from sqlalchemy import Connection

from penstock.store.ledger_export.columns import COLUMNS, TABLES, ExportedTable
from penstock.store.ledger_export.rows import tables_of
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
