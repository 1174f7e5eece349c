"""The columns of the exported ledger. They are a public interface: a column is never renamed, removed or retyped.

A change that adds columns or tables keeps `VERSION`; anything else raises it. The run's id is the partition, so it is
not among the columns: of files it is in the name of the folder, of tables it is the first column. Moments are in UTC,
without a zone in files, since DuckDB shows moments with a zone only where another library is installed.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from penstock.model.outcome import COUNT_NAMES

VERSION = 1
ExportedTable = Literal["runs", "requests", "records"]
TABLES: tuple[ExportedTable, ...] = ("records", "requests", "runs")  # in the order they are written: the run is last

_MOMENT = pa.timestamp("ms")


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()), metadata={"penstock.ledger": str(VERSION)})


COLUMNS: dict[ExportedTable, pa.Schema] = {
    "runs": _schema(
        kind=pa.string(),
        destination=pa.string(),
        flow=pa.string(),
        parent=pa.string(),
        status=pa.string(),
        started_at=_MOMENT,
        finished_at=_MOMENT,
        **dict.fromkeys(COUNT_NAMES, pa.int64()),
        deleted=pa.int64(),
        requests=pa.int64(),
        retries=pa.int64(),
        duration_s=pa.float64(),
        reason=pa.string(),
        stopped_by=pa.string(),
        notes=pa.string(),
        pruned=pa.bool_(),
        version=pa.int32(),
    ),
    "requests": _schema(
        destination=pa.string(),
        request=pa.string(),
        method=pa.string(),
        url=pa.string(),
        status=pa.int32(),
        attempts=pa.int32(),
        requests=pa.int32(),
        duration_ms=pa.float64(),
        at=_MOMENT,
        outcome=pa.string(),
        reason=pa.string(),
        records=pa.int64(),
    ),
    "records": _schema(
        destination=pa.string(),
        key=pa.string(),
        outcome=pa.string(),
        reason=pa.string(),
        at=_MOMENT,
        request=pa.string(),
        attempts=pa.int32(),
    ),
}
