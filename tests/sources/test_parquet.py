"""Parquet: every Arrow type has a column type, and values do not change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.model.errors import InputError
from support.kernel.source_rows import rows_of, types_of

MOMENT = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        (pa.array([1, None], pa.int8()), "integer", [1, None]),
        (pa.array([1, None], pa.uint64()), "integer", [1, None]),
        (pa.array([2**64 - 1, None], pa.uint64()), "number", [Decimal(2**64 - 1), None]),
        (pa.array([29.85, None], pa.float32()), "number", [29.85, None]),
        (pa.array([29.85, None], pa.float64()), "number", [29.85, None]),
        (pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)), "number", [Decimal("1.10"), None]),
        (pa.array([False, None]), "boolean", [False, None]),
        (pa.array(["007", ""], pa.large_string()), "text", ["007", ""]),
        (pa.array(["a", None, "a"]).dictionary_encode(), "text", ["a", None, "a"]),
        (pa.array([b"\x01\xff", None]), "text", ["01ff", None]),
        (pa.array([date(2026, 1, 31), None]), "date", [date(2026, 1, 31), None]),
        (pa.array([MOMENT, None], pa.timestamp("ns", "Asia/Kolkata")), "timestamp", [MOMENT, None]),
        (pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ms")), "timestamp", [MOMENT.replace(tzinfo=None)]),
        (pa.array([time(12, 30), None]), "text", ["12:30:00", None]),
        (pa.array([timedelta(seconds=90, milliseconds=500), None]), "text", ["PT90.5S", None]),
        (pa.array([{"x": 1}, None]), "json", [{"x": 1}, None]),
        (pa.array([[1, None], None]), "json", [[1, None], None]),
        (pa.nulls(2), "text", [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_the_values_of_every_arrow_type_do_not_change(opened, tmp_path, column, kind, values):
    pq.write_table(pa.table({"c": column}), tmp_path / "a.parquet")
    dataset = opened("a.parquet")
    detected = dataset.detect()
    assert types_of(detected) == {"c": kind}
    assert [row["c"] for row in rows_of(dataset.read(detected.schema))] == values
    assert detected.schema.columns[0].nullable == (None in values)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([1714521600123456789], pa.timestamp("ns")), "2024-05-01T00:00:00.123456"),
        (pa.array([1714521600123], pa.timestamp("ms", "Etc/Nowhere")), "2024-05-01T00:00:00.123Z"),
        (pa.array([45000123456789], pa.int64()).cast(pa.time64("ns")), "12:30:00.123456"),
        (pa.array([2**62], pa.int64()).cast(pa.duration("s")), f"PT{2**62}S"),
        (pa.array([-1500], pa.int64()).cast(pa.duration("ms")), "PT-1.5S"),
        (pa.array([{"f": 29.85}], pa.struct([("f", pa.float32())])), '{"f":29.85}'),
        (pa.array([b"c1"]), "c1"),
        (pa.array([1234567890123456.0]), "1234567890123456"),
        (pa.array([16777216.0], pa.float32()), "16777216"),
        (pa.array([29.85], pa.float32()), "29.85"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_every_value_can_be_read_as_text(opened, tmp_path, column, text):
    pq.write_table(pa.table({"c": column}), tmp_path / "a.parquet")
    dataset = opened("a.parquet", types={"c": "text"})
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"c": text}]


def test_bytes_that_are_not_utf8_are_quarantined_when_read_as_text(opened, tmp_path):
    pq.write_table(pa.table({"c": [b"c1", b"\xff"]}), tmp_path / "a.parquet")
    dataset = opened("a.parquet", types={"c": "text"})
    chunk = next(dataset.read(dataset.detect().schema))
    assert chunk.records.to_pylist() == [{"c": "c1"}, {"c": None}]
    assert {row: (one.value, one.reason) for row, one in chunk.misfits.items()} == {
        1: ("\\xff", "column c: is not UTF-8 text")
    }


def test_a_later_file_of_another_type_is_read_as_the_stored_one(opened, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"c": [1, 2]}), path)
    schema = opened("a.parquet").detect().schema
    pq.write_table(pa.table({"c": pa.array([7.0, 7.5, None])}), path)
    chunk = next(opened("a.parquet").read(schema))
    assert chunk.records.to_pylist() == [{"c": 7}, {"c": None}, {"c": None}]
    assert {row: one.value for row, one in chunk.misfits.items()} == {1: "7.5"}


def test_several_files_are_joined_by_name_and_their_numbers_widened(opened, tmp_path):
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [2.5]}), tmp_path / "2.parquet")
    dataset = opened("*.parquet")
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"a": 1.0, "b": "x"}, {"a": 2.5, "b": "y"}]
    pq.write_table(pa.table({"b": ["y"], "a": [[1]]}), tmp_path / "3.parquet")
    with pytest.raises(InputError, match=r"3\.parquet: column a is list"):
        opened("*.parquet")


def test_a_damaged_file_is_refused(opened, tmp_path):
    pq.write_table(pa.table({"a": list(range(100_000))}), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(InputError, match=r"a\.parquet is no readable Parquet file"):
        opened("a.parquet", whole[:1000])
    opened("b.csv", "id\n1\n")
    with pytest.raises(InputError, match=r"matches files of several formats"):
        opened("*.*")
