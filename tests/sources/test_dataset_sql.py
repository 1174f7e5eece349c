"""A dataset's SQL: its result is typed and read like any source, and it can read nothing but `source`."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from penstock.model.errors import InputError
from penstock.model.spec import DatasetSpec, ResponseSource
from penstock.sources.pushed_rows import StoredReplies
from penstock.sources.source import Tools, open_dataset
from support.kernel.source_rows import rows_of, types_of

BODY = "id,A,n\n1,x,007\n2,y,8\n3,,9\n"


def test_sql_shapes_the_typed_source(opened):
    sql = "select id, upper(a) as letter, id * 1.5 as half, sum(id) over () as total from source order by id desc"
    dataset = opened("a.csv", BODY, sql=sql)
    detected = dataset.detect()
    assert types_of(detected) == {"id": "integer", "letter": "text", "half": "number", "total": "integer"}
    assert detected.schema.source.names() == ("id", "A", "n")
    found = rows_of(dataset.read(detected.schema, rows=2))
    assert [row["letter"] for row in found] == [None, "Y", "X"]
    assert [row["half"] for row in found] == [Decimal("4.5"), Decimal("3.0"), Decimal("1.5")]
    assert dataset.volatile


def test_a_result_of_too_many_columns_is_an_error(opened):
    columns = ", ".join(f"id as c{number}" for number in range(5001))
    with pytest.raises(InputError, match="the result has more than 5,000 columns") as caught:
        opened("a.csv", BODY, sql=f"select {columns} from source").detect()
    (problem,) = caught.value.problems
    assert (problem.path, problem.code, problem.found) == ("datasets.people.sql", "too-many-columns", "5,001")


def test_source_may_be_read_more_than_once(opened, tmp_path):
    sql = "select a.id, b.n from source a join source b using (id) where id > (select min(id) from source) order by 1"
    dataset = opened("a.csv", BODY, sql=sql)
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"id": 2, "n": "8"}, {"id": 3, "n": "9"}]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_every_result_type_has_a_column_type(opened):
    sql = """select 1 as id, interval 1 day as span, '101'::bit as bits, time '12:00:00' as at, [1] as list,
      {'a': 1} as struct, '[1]'::json as j, 12345678901234567890123::hugeint as huge, 'a'::enum('a') as e,
      uuid '6f1d9d90-66e6-4b50-9f0c-0d6d3ae1c001' as u, 'x'::blob as b, 3::utinyint as tiny, null as nothing,
      date '2026-01-31' as day, timestamptz '2026-01-31 10:00+02' as zoned, 1.5::float as f -- the end"""
    detected = opened("a.csv", BODY, sql=sql).detect()
    assert types_of(detected) == {
        "id": "integer", "span": "text", "bits": "text", "at": "text", "list": "json", "struct": "json", "j": "json",
        "huge": "number", "e": "text", "u": "text", "b": "text", "tiny": "integer", "nothing": "text", "day": "date",
        "zoned": "timestamp", "f": "number",
    }  # fmt: skip
    row = detected.samples.records.to_pylist()[0]
    assert (row["span"], row["bits"], row["b"], row["j"]) == ("1 day", "101", "78", "[1]")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select foo\nfrom source", 'line 1, column 8 of the SQL: DuckDB says: Binder Error: Referenced column "foo"'),
        ("select id,\n  lwer(A) from source", "line 2, column 3 of the SQL: DuckDB says: Catalog Error"),
        ("selec 1", "line 1, column 1 of the SQL: DuckDB says: Parser Error: syntax error at or near"),
        ("select 'é', 1\n  + from source", "line 2, column 5 of the SQL"),
        ("select\n max(cast(A as int)) as i, interval 1 day as d from source", "Could not convert string 'x' to INT32"),
        ("select id, id from source", "the column id occurs twice in the result"),
        ("select 1 as id; select 2 as id", "the sql of a dataset is one SELECT"),
        ("", "the sql of a dataset is one SELECT"),
    ],
)
def test_sql_errors_point_into_the_sql(opened, sql, said):
    with pytest.raises(InputError) as caught:
        opened("a.csv", BODY, sql=sql).detect()
    assert said in caught.value.problems[0].message
    assert caught.value.problems[0].path == "datasets.people.sql"


secret = pa.table({"x": ["a table of the program that runs the SQL"]})


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "select * from read_parquet('http://127.0.0.1:1/x')",
        "copy source to '/tmp/penstock-test.csv'",
        "copy (select 1) to '/tmp/penstock-test.csv'",
        "attach '/tmp/penstock-test.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "pragma enable_external_access = true",
        "create table t as select 1",
        "export database '/tmp/penstock-test'",
        "call pragma_version()",
        "select getenv('HOME')",
        "select * from secret",
        "select * from BODY",
    ],
)
def test_sql_reaches_nothing_but_source(opened, sql):
    assert secret.num_rows == 1
    with pytest.raises(InputError):
        opened("a.csv", BODY, sql=sql).detect()


def test_columns_that_differ_only_in_case_are_refused(opened):
    with pytest.raises(InputError, match="the columns A and a of the source differ only in case"):
        opened("a.csv", "id,A,a\n1,2,3\n", sql="select * from source").detect()


def test_a_value_that_no_longer_fits_is_an_error_where_the_sql_could_hide_its_record(opened):
    sql = "select count(n) as id from source"
    schema = opened("a.csv", "id,n\n1,7\n", sql=sql).detect().schema
    with pytest.raises(InputError, match="column n is integer, and this value does not fit it") as caught:
        rows_of(opened("a.csv", "id,n\n1,x\n", sql=sql).read(schema))
    assert caught.value.problems[0].found == "x"


@pytest.mark.parametrize(
    ("sql", "rows", "refused"),
    [
        ("select id, n + 1 as m from source", [(1, 8), (2, None), (3, 10)], {1: "type"}),
        ("select id from source where n > 7", [(2,), (3,)], {0: "type"}),  # the condition may hold for it
        ("select id from source where id > 2", [(3,)], {}),
        ("select id, cast(a as int) as b from source", [(1, 5), (2, 6), (3, None)], {1: "type", 2: "sql"}),
        ("select id, n from source order by id desc", [(3, 9), (1, 7), (2, None)], {2: "type"}),
        ("select id from source where n > 7 order by n", [(3,), (2,)], {1: "type"}),
        (
            "select id, unnest([n, 0]) as m from source where id < 3",
            [(1, 7), (1, 0), (2, None), (2, 0)],
            dict.fromkeys((2, 3), "type"),
        ),
        ("select id, unnest(range(n - 7)) as m from source", [(2, None), (3, 0), (3, 1)], {0: "type"}),
    ],
)
def test_a_record_for_which_the_sql_fails_is_refused_alone(opened, sql, rows, refused):
    body, types = "id,n,a\n1,7,5\n", {"a": "text"}
    schema = opened("a.csv", body, sql=sql, types=types).detect().schema
    chunk = next(opened("a.csv", body + "2,x,6\n3,9,six\n", sql=sql, types=types).read(schema))
    assert [tuple(row.values()) for row in chunk.records.to_pylist()] == rows
    assert {row: one.rule for row, one in chunk.misfits.items()} == refused


def test_given_types_apply_before_and_after_the_sql(opened):
    sql = "select id, n, n || '!' as shout, '5' as five from source"
    detected = opened("a.csv", "id,n\n1,7\n", sql=sql, types={"n": "text", "five": "integer"}).detect()
    assert types_of(detected) == {"id": "integer", "n": "text", "shout": "text", "five": "integer"}
    with pytest.raises(InputError, match="there is no column fife"):
        opened("a.csv", sql=sql, types={"fife": "integer"}).detect()


def test_the_error_of_a_torn_source_is_reported_as_it_is(opened):
    schema = opened("a.csv", "id,n\n1,7\n", sql="select * from source").detect().schema
    with pytest.raises(InputError, match="line 3 has 1 cell, the header has 2"):
        rows_of(opened("a.csv", "id,n\n1,7\n2\n", sql="select * from source").read(schema))


def test_replies_are_a_source_like_any_other(tmp_path):
    marked = pa.field("request", pa.string(), metadata={b"penstock": b"json"})
    schema = pa.schema([pa.field("id", pa.int64()), marked])
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2]), pa.array(['{"method":"POST"}', None])], schema=schema)
    spec, source = DatasetSpec("log", "people.responses", ("id",)), ResponseSource("people.responses", "people")

    def tools(parts):
        def replies(_):
            return StoredReplies("people.responses", schema, lambda after: (part for part in parts if part[0] > after))

        return Tools(lambda _: "", tmp_path, replies)

    dataset = open_dataset(spec, source, tools([(1, batch), (2, batch)]))
    detected = dataset.detect()
    assert types_of(detected) == {"id": "integer", "request": "json"}
    assert rows_of(dataset.read(detected.schema)) == batch.to_pylist() * 2
    assert (dataset.volatile, dataset.identity()) == (True, None)
    frozen = dataset.freeze(detected.schema, tmp_path / "one", None)
    assert (frozen.rows, dataset.freeze(detected.schema, tmp_path / "two", frozen.window).rows) == (4, 0)
    empty = open_dataset(spec, source, tools([]))
    assert empty.detect().schema.records == 0
    assert [(c.name, c.type) for c in empty.detect().schema.columns] == [("id", "integer"), ("request", "json")]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from source",
        "select id, upper(a) as letter, n::int as n, [id] as several, {'a': id} as nested from source",
        "select id, a from source where id is not null order by 1",
    ],
)
def test_sql_over_a_file_with_only_a_header(opened, sql):
    full = opened("a.csv", BODY, sql=sql).detect().schema
    dataset = opened("a.csv", BODY.partition("\n")[0] + "\n", sql=sql)
    detected = dataset.detect()
    assert detected.schema.records == 0
    assert rows_of(dataset.read(detected.schema)) == []
    assert rows_of(dataset.read(full)) == [], "rows were there when it was looked at"
