"""The export of a large run to files: all of its records, with little memory; and of a run that changes meanwhile."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from penstock.model.outcome import Counts, Outcome
from penstock.store.ledger_export import marks
from penstock.store.ledger_export.files import LocalFolder, ParquetLedger
from penstock.store.runs import ledger, runs
from penstock.store.runs.ledger import LedgerEntry, LedgerException
from penstock.store.runs.runs import RunRow

AT = "2026-01-31T12:00:00.000Z"
CHUNK = 4096
GROUP = 65_536


def finished(conn, **counts):
    row = RunRow("r-1", "destination", "people", AT, counts=Counts(**counts))
    runs.start(conn, row)
    return runs.finish(conn, row, "succeeded", AT)


def exported(database, folder):
    with database.read() as conn:
        ParquetLedger(LocalFolder(folder)).write(conn, runs.get(conn, "r-1"))
    return folder / "records" / "run=r-1" / "part.parquet"


def test_a_million_unchanged_records_are_row_groups_without_keys_and_need_little_memory(database, tmp_path):
    count = 1_000_000
    with database.begin() as conn:
        finished(conn, read=count, unchanged=count)
        chunks = (np.arange(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK))
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.UNCHANGED, chunk, AT) for chunk in chunks])
    before = pa.default_memory_pool().max_memory()
    file = pq.ParquetFile(exported(database, tmp_path / "ledger"))
    assert pa.default_memory_pool().max_memory() - before < 64 << 20
    assert file.metadata.num_rows == count
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    assert max(group.num_rows for group in groups) == GROUP
    keys = [group.column(file.schema_arrow.names.index("key")).statistics.null_count for group in groups]
    assert sum(keys) == count
    assert file.read(["outcome"]).column(0).unique().to_pylist() == ["unchanged"]


def test_records_of_one_batch_beyond_a_row_group_keep_their_own_outcomes(database, tmp_path):
    count = GROUP + 10
    odd = [LedgerException(0, Outcome.QUARANTINED, "first"), LedgerException(GROUP + 3, Outcome.UNKNOWN, "late")]
    with database.begin() as conn:
        finished(conn)
        keys = [f"k{number}" for number in range(count)]
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.DELIVERED, range(count), AT, keys=keys, exceptions=odd)])
    table = pq.read_table(exported(database, tmp_path / "ledger"), partitioning=None)
    assert table.num_rows == count
    rows = [row for row in table.to_pylist() if row["outcome"] != "delivered"]
    assert [(row["key"], row["outcome"], row["reason"]) for row in rows] == [
        ("k0", "quarantined", "first"),
        (f"k{GROUP + 3}", "unknown", "late"),
    ]


def test_a_run_that_changes_while_it_is_written_is_still_missing(database):
    with database.begin() as conn:
        finished(conn)
        marks.begin(conn, "r-1")
        runs.recount(conn, "r-1", {"accepted": -1, "delivered": 1})
        marks.end(conn, "r-1", "files-1")
    with database.read() as conn:
        assert marks.unexported(conn, "files-1", 10) == ["r-1"]
    with database.begin() as conn:
        marks.begin(conn, "r-1")
        marks.end(conn, "r-1", "files-1")
        assert marks.unexported(conn, "files-1", 10) == []
        assert marks.unexported(conn, "files-2", 10) == ["r-1"]


def test_a_run_that_has_not_ended_and_a_test_are_not_exported(database):
    with database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
        runs.start(conn, RunRow("r-2", "test", "people", AT, status="succeeded", finished_at=AT))
        assert marks.unexported(conn, "files-1", 10) == []
