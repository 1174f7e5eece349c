"""Types of columns: stored ones decide, given ones replace them, and numbers written as text have a decimal sign."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.model.errors import InputError
from penstock.sources.chunks import read_frozen
from support.kernel.source_rows import rows_of, types_of


def test_a_later_value_that_does_not_fit_quarantines_only_its_record(opened):
    schema = opened("a.csv", "id,n,b\n1,70,true\n").detect().schema
    dataset = opened("a.csv", "id,n,b\n1,007,true\n2,8,yes\n3,9,false\n")
    chunk = next(dataset.read(schema))
    assert chunk.records.to_pylist() == [
        {"id": 1, "n": None, "b": True},
        {"id": 2, "n": 8, "b": None},
        {"id": 3, "n": 9, "b": False},
    ]
    assert {row: (one.rule, one.field, one.value) for row, one in chunk.misfits.items()} == {
        0: ("type", "n", "007"),
        1: ("type", "b", "yes"),
    }
    assert chunk.misfits[0].accepted == "a whole number such as 70"


def test_a_given_type_replaces_the_detected_one_and_loses_no_digit(opened):
    types = {"a": "text", "b": "integer", "c": "number", "d": "date", "e": "timestamp", "f": "json", "g": "boolean"}
    body = (
        "id,a,b,c,d,e,f,g\n"
        '1,70,007,1.10,2026-01-31,2026-01-31T10:00:00+05:30,"{""x"":1.10}",1\n'
        '2,8,1.5,0.12345678901234567890,2026-02-30,yesterday,{x},t\n'
        "3,,,,,,,\n"
    )  # fmt: skip
    dataset = opened("a.csv", body, types=types)
    detected = dataset.detect()
    chunk = detected.samples
    assert types_of(detected) == {"id": "integer", **types}
    assert chunk.records.to_pylist()[0] == {
        "id": 1, "a": "70", "b": 7, "c": 1.1, "d": date(2026, 1, 31), "e": datetime(2026, 1, 31, 4, 30, tzinfo=UTC),
        "f": '{"x":1.10}', "g": True,
    }  # fmt: skip
    assert set(chunk.misfits) == {1}
    assert chunk.misfits[1].field == "b"
    assert set(chunk.records.to_pylist()[2].values()) == {3, None}
    assert chunk.records.schema.field("f").metadata == {b"penstock": b"json"}


def test_a_type_for_a_column_that_is_not_there_names_the_nearest(opened):
    with pytest.raises(InputError, match="there is no column emial") as caught:
        opened("a.csv", "id,email\n1,x\n", types={"emial": "text"}).detect()
    problem = caught.value.problems[0]
    assert (problem.path, problem.hint) == ("datasets.people.types.emial", "did you mean email?")


def test_a_key_column_that_is_not_there_names_the_nearest(opened):
    dataset = opened("a.csv", "customerID,c\n1,x\n")
    problems = dataset.check_columns(dataset.detect().schema, ["customerid", "c"])
    assert [(one.path, one.found, one.hint) for one in problems] == [
        ("datasets.people.key", "customerid", "did you mean customerID?")
    ]


def test_a_column_that_is_gone_is_absent_a_needed_one_stops_and_a_new_one_is_named(opened):
    schema = opened("a.csv", "id,c\n1,x\n").detect().schema
    dataset = opened("a.csv", "id,c,d\n1,x,y\n")
    assert rows_of(dataset.read(schema)) == [{"id": 1, "c": "x"}]
    assert dataset.new_columns(schema) == ("d",)
    dataset = opened("a.csv", "id,d\n1,x\n")
    (chunk,) = dataset.read(schema)
    assert (chunk.records.to_pylist(), chunk.absent) == ([{"id": 1, "c": None}], {"c": frozenset({0})})
    assert dataset.gone_columns(schema) == ("c",)
    dataset.need(["c"])
    with pytest.raises(InputError, match="the column c is gone") as caught:
        dataset.read(schema)
    assert "penstock schema people --refresh" in caught.value.problems[0].hint


@pytest.mark.parametrize(("skip", "rows"), [(0, 3), (2, 4), (9, 5), (10, 5), (11, 5), (0, 10), (3, 100)])
def test_chunks_have_the_requested_size_and_begin_at_the_requested_row(opened, skip, rows):
    body = "\n".join(["{}" if n % 4 == 1 else f'{{"id": {n}, "v": {"1e999" if n == 6 else n}}}' for n in range(10)])
    dataset = opened("a.ndjson", body)
    schema = dataset.detect().schema
    chunks = list(dataset.read(schema, skip=skip, rows=rows))
    lengths = [chunk.records.num_rows for chunk in chunks]
    assert sum(lengths) == max(10 - skip, 0)
    assert all(length == rows for length in lengths[:-1])
    assert [chunk.first for chunk in chunks] == [skip + rows * number for number in range(len(chunks))]
    for name, gone in (("id", {1, 5, 9}), ("v", {1, 5, 9})):
        found = {chunk.first + row for chunk in chunks for row in chunk.absent.get(name, ())}
        assert found == {row for row in gone if row >= skip}
    assert {chunk.first + row for chunk in chunks for row in chunk.misfits} == ({6} if skip <= 6 else set())


def test_a_frozen_copy_equals_the_dataset_and_is_private(opened, tmp_path):
    dataset = opened("a.ndjson", '{"id":1,"v":2}\n{"id":2}\n{"id":3,"v":1e999}\n')
    schema = dataset.detect().schema
    path = tmp_path / "run.arrow"
    assert dataset.freeze(schema, path, None).rows == 3
    assert path.stat().st_mode & 0o777 == 0o600
    before, after = list(dataset.read(schema, skip=1, rows=1)), list(read_frozen(path, skip=1, rows=1))
    assert [(c.records, c.first, c.absent, c.misfits) for c in before] == [
        (c.records, c.first, c.absent, c.misfits) for c in after
    ]
    assert list(tmp_path.glob("*.part")) == []


def test_the_identity_changes_with_the_input_and_with_what_is_made_of_it(opened):
    first = opened("a.csv", "id\n1\n").identity()
    assert first == opened("a.csv").identity()
    assert first != opened("a.csv", types={"id": "text"}).identity()
    assert first != opened("a.csv", sql="select * from source").identity()
    assert first != opened("a.csv", "id\n1\n2\n").identity()


def test_the_schema_has_examples_and_nullability(opened):
    schema = opened("a.csv", 'id,c,d\n1,x,\n2,x,"  "\n3,y,5\n').detect().schema
    assert [(c.name, c.nullable, c.examples) for c in schema.columns] == [
        ("id", False, ("1", "2", "3")),
        ("c", False, ("x", "y")),
        ("d", True, ("  ", "5")),
    ]
    assert pa.types.is_int64(next(opened("a.csv").read(schema)).records.schema.field("d").type)


# ── numbers written as text ───────────────────────────────────────────────────

GERMAN, ENGLISH = ["12.000", "980,5", "1.299,00"], ["12.000", "980.5", "1,299.00"]


def written(opened, tmp_path, kind, values, **settings):
    """A file of this format with the values as text."""
    if kind == "csv":
        return opened("a.csv", "c;d\n" + "".join(f"{value};x\n" for value in values), **settings)
    if kind == "ndjson":
        return opened("a.ndjson", "".join(json.dumps({"c": value}) + "\n" for value in values), **settings)
    pq.write_table(pa.table({"c": values}), tmp_path / "a.parquet")
    return opened("a.parquet", **settings)


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize(("values", "meant"), [(GERMAN, [12000, 980.5, 1299]), (ENGLISH, [12, 980.5, 1299])])
def test_types_number_reads_a_column_by_its_own_sign(opened, tmp_path, kind, values, meant):
    dataset = written(opened, tmp_path, kind, values, types={"c": "number"})
    assert [row["c"] for row in rows_of(dataset.read(dataset.detect().schema))] == meant


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_a_number_whose_sign_no_value_decides_is_quarantined_with_a_hint(opened, tmp_path, kind):
    dataset = written(opened, tmp_path, kind, ["12.000", "70"], types={"c": "number"})
    chunk = next(dataset.read(dataset.detect().schema))
    assert [row["c"] for row in chunk.records.to_pylist()] == [None, 70]
    assert {row: one.rule for row, one in chunk.misfits.items()} == {0: "ambiguous"}
    assert 'decimal: ","' in chunk.misfits[0].accepted


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet", "sqlite", "postgres"])
def test_decimal_at_the_source_makes_its_columns_numbers(opened, queried, sqlite, tmp_path, kind, request):
    values = ["12.000", "980,5", None, "70"]
    if kind == "sqlite":
        sqlite.execute("create table t as select 1 as id, 'x' as name, null as c where false")
        sqlite.executemany("insert into t values (1, 'x', ?)", [(value,) for value in values])
        dataset = queried("sqlite:///data.db", table="t", decimal=",")
    elif kind == "postgres":
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("drop table if exists written; create table written (id int, name text, c text)")
            for value in values:
                connection.execute("insert into written values (1, 'x', %s)", (value,))
        dataset = queried(url, table="written", decimal=",")
    else:
        shown = ["" if value is None and kind == "csv" else value for value in values]
        dataset = written(opened, tmp_path, kind, shown, decimal=",")
    schema = dataset.detect().schema
    assert (schema.column("c").type, schema.column("c").decimal) == ("number", ",")
    assert [row["c"] for row in rows_of(dataset.read(schema))] == [12000, 980.5, None, 70]


def test_a_column_keeps_its_sign(opened):
    schema = opened("a.csv", "c;d\n12.000;x\n980,5;x\n", types={"c": "number"}).detect().schema
    assert schema.column("c").decimal == ","
    later = opened("a.csv", "c;d\n1.500;x\n", types={"c": "number"})
    assert [row["c"] for row in rows_of(later.read(schema))] == [1500]
