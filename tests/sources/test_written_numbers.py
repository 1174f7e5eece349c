"""Numbers written as text are read by the decimal sign of their column, in every format."""

from __future__ import annotations

import json

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.kernel.source_rows import rows_of

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
