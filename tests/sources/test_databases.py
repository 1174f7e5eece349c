"""SQLite and databases behind SQLAlchemy: exact values, cursors that lose no row and read none twice, errors in the database's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import NullPool, create_engine

from penstock.model.errors import EnvironmentFailure, InputError
from penstock.model.record import ReadWindow
from penstock.model.spec import CursorSpec, Secret, SqlSource
from penstock.run.preparation.cursor_reading import in_any_zone
from penstock.sources.databases.other import OtherDatabase, keep_own_session
from penstock.sources.databases.url import SqlUrl
from support.kernel.source_rows import frozen_ids, rows_of, types_of

LITE = "sqlite:///data.db"


def test_sqlite_values_decide_the_types(sqlite, queried):
    sqlite.execute("create table t (id integer, z, n, b, mixed, empty)")
    rows = [(1, "007", 1.5, b"\x01\xff", 7, None), (2, "", 70, None, "007", None), (3, None, 2**53 + 1, b"", 1.5, None)]
    sqlite.executemany("insert into t values (?,?,?,?,?,?)", rows[:2])
    dataset = queried(LITE, table="t")
    detected = dataset.detect()
    assert types_of(detected) == {
        "id": "integer", "z": "text", "n": "number", "b": "text", "mixed": "json", "empty": "text",
    }  # fmt: skip
    assert rows_of(dataset.read(detected.schema)) == [
        {"id": 1, "z": "007", "n": 1.5, "b": "01ff", "mixed": "7", "empty": None},
        {"id": 2, "z": "", "n": 70.0, "b": None, "mixed": '"007"', "empty": None},
    ]
    sqlite.execute("insert into t values (?,?,?,?,?,?)", rows[2])
    chunk = next(dataset.read(detected.schema))
    assert {row: (one.field, one.value) for row, one in chunk.misfits.items()} == {2: ("n", str(2**53 + 1))}


def test_text_that_is_not_utf8_quarantines_only_its_record(sqlite, queried):
    sqlite.execute("create table t as select 1 as id, cast(x'ff41' as text) as c union all select 2, 'ok'")
    samples = queried(LITE, table="t").detect().samples
    assert {row: one.value for row, one in samples.misfits.items()} == {0: "\\xffA"}
    assert samples.records.to_pylist()[1] == {"id": 2, "c": "ok"}


def test_sqlite_is_only_read(sqlite, queried):
    sqlite.execute("create table t as select 1 as id")
    with pytest.raises(InputError, match="SQLite says: near"):
        queried(LITE, query="delete from t returning id")
    assert sqlite.execute("select count(*) from t").fetchone() == (1,)


def test_a_locked_sqlite_file_is_a_failure_of_the_environment(sqlite, queried, monkeypatch):
    monkeypatch.setattr("penstock.sources.databases.sqlite.PATIENCE", 0.01)
    sqlite.execute("create table t as select 1 as id")
    dataset = queried(LITE, table="t")
    sqlite.execute("begin exclusive")
    with pytest.raises(EnvironmentFailure, match="database is locked"):
        dataset.detect()


@pytest.mark.parametrize(
    ("settings", "said", "hint"),
    [
        ({"table": "invoice"}, "no such table: invoice", "did you mean invoices?"),
        ({"query": "select id, foo from invoices"}, "no such column: foo", ""),
        ({"table": "invoices", "cursor": "updated"}, "there is no column updated to be the cursor", "updated_at?"),
    ],
)
def test_sqlite_errors_come_in_its_own_words(sqlite, queried, settings, said, hint):
    sqlite.execute("create table invoices (id, updated_at)")
    with pytest.raises(InputError, match=said) as caught:
        queried(LITE, **settings)
    assert hint in caught.value.problems[0].hint


def test_a_value_of_sqlite_beyond_the_bound_is_an_error_in_a_run_too(sqlite, queried):
    sqlite.execute("create table t (id)")
    with pytest.raises(InputError, match="a value of the query is longer than 16 MB") as caught:
        queried(LITE, query="select 1 as id, hex(zeroblob(250000000)) as t").detect()
    assert (caught.value.problems[0].code, "PENSTOCK_MAX_CELL" in caught.value.problems[0].hint) == ("too-long", True)
    within = queried(LITE, query="select 1 as id, hex(zeroblob(7500000)) as t")
    assert [len(row["t"]) for row in rows_of(within.read(within.detect().schema))] == [15_000_000]


def test_a_missing_sqlite_file_is_named(queried):
    with pytest.raises(InputError, match=r"no SQLite file \$\{env:URL\}"):  # the reference, never its value
        queried("sqlite:///nowhere.db", table="t")


def test_a_cursor_loses_no_row_at_an_equal_value_and_reads_none_twice(sqlite, queried, tmp_path):
    sqlite.execute("create table t (id, at, note)")
    sqlite.executemany("insert into t values (?,?,?)", [(1, 5, "a"), (2, 5, "a"), (3, 6, "a"), (4, 6, "b")])
    dataset = queried(LITE, table="t", cursor="at")
    schema = dataset.detect().schema
    path = tmp_path / "run"
    ids, window = frozen_ids(dataset, schema, path)
    assert ids == [1, 2, 3, 4]
    assert frozen_ids(dataset, schema, path, window) == ([], window)
    # rows arrive at exactly the last value: a new one, an exact copy, one changed in place; and a late one below it
    sqlite.executemany("insert into t values (?,?,?)", [(5, 6, "c"), (3, 6, "a"), (9, 5, "late")])
    sqlite.execute("update t set note = 'z' where id = 4")
    ids, later = frozen_ids(dataset, schema, path, window)
    assert sorted(ids) == [3, 4, 5]
    assert frozen_ids(dataset, schema, path, later) == ([], later)
    sqlite.execute("insert into t values (6, 7, 'd')")
    assert frozen_ids(dataset, schema, path, later)[0] == [6]
    overlapping = queried(LITE, table="t", cursor=CursorSpec("at", "1"))
    assert sorted(frozen_ids(overlapping, schema, path, later)[0]) == [1, 2, 6, 9]


def test_ties_longer_than_a_piece_are_counted_too(sqlite, queried, tmp_path):
    sqlite.execute("create table t (id, at)")
    sqlite.execute(
        "with recursive n(i) as (select 0 union all select i + 1 from n where i < 9999) "
        "insert into t select i % 100, 1 from n"
    )
    dataset = queried(LITE, query="select * from t;  -- all of it", cursor="at")
    schema = dataset.detect().schema
    ids, window = frozen_ids(dataset, schema, tmp_path / "run")
    assert len(ids) == 10_000
    sqlite.execute("insert into t values (7, 1)")
    assert frozen_ids(dataset, schema, tmp_path / "run", window)[0] == [7]


def test_a_cursor_over_times_as_text_begins_earlier_by_its_overlap(sqlite, queried, tmp_path):
    sqlite.execute("create table t (id, at)")
    sqlite.executemany("insert into t values (?,?)", [(1, "2026-01-01 10:00:00"), (2, "2026-01-01 12:00:00")])
    dataset = queried(LITE, table="t", cursor=CursorSpec("at", "1h"))
    schema = dataset.detect().schema
    _, window = frozen_ids(dataset, schema, tmp_path / "run")
    sqlite.execute("insert into t values (3, '2026-01-01 11:30:00')")
    assert frozen_ids(dataset, schema, tmp_path / "run", window)[0] == [3]
    wrong = queried(LITE, table="t", cursor=CursorSpec("at", "7"))
    with pytest.raises(InputError, match="the overlap 7 does not fit the cursor at") as caught:
        frozen_ids(wrong, schema, tmp_path / "run", window)
    assert caught.value.problems[0].path == "sources.billing.cursor.overlap"


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "odd", "after"),
    [
        ("2026-01-01", "2999-12-31", "2026-01-02"),
        ("2026-01-01 10:00:00", "2026-03-01 12:00:01", "2026-03-01 11:59:59"),
        ("2026-01-01T10:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T10:00:01Z"),
        ("2026-01-01 10:00:00", "never", "2026-01-01 10:00:00"),
        (7, float("inf"), 8),
        (7, "n/a", 8),
        ("v1", b"v2", "v2"),
    ],
)
def test_a_value_that_a_cursor_may_not_stop_at_does_not_move_it(sqlite, queried, tmp_path, before, odd, after):
    sqlite.execute("create table t (id, at)")
    sqlite.executemany("insert into t values (?,?)", [(1, before), (2, odd), (3, odd)])
    dataset = queried(LITE, table="t", cursor="at")
    schema = dataset.detect().schema
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", None, NOW)
    assert ids == [1, 2, 3]
    sqlite.execute("insert into t values (4, ?)", (after,))
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", window, NOW)
    assert ids == [4]
    sqlite.executemany("insert into t values (?,?)", [(2, odd), (5, odd)])  # an equal row more, and a new one
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", window, NOW)
    assert sorted(ids) == [2, 5]
    assert frozen_ids(dataset, schema, tmp_path / "run", window, NOW) == ([], window)


@pytest.mark.parametrize("odd", [["2999-12-31"], ["2999-12-31", "2999-12-30"], [float("inf")], ["n/a", "2999-12-31"]])
def test_new_rows_below_a_value_that_a_cursor_may_not_stop_at_are_noticed(sqlite, queried, odd):
    low, new = (7, 8) if isinstance(odd[0], float) else ("2026-01-01", "2026-01-02")
    sqlite.execute("create table t (id, at)")
    sqlite.executemany("insert into t values (?,?)", [(1, low), *[(2, value) for value in odd]])
    rows = queried(LITE, table="t", cursor="at")._rows
    before = rows.newest(CursorSpec("at"), NOW)
    assert rows.newest(CursorSpec("at"), NOW) == before
    sqlite.execute("insert into t values (3, ?)", (new,))
    assert rows.newest(CursorSpec("at"), NOW) != before


def test_a_first_value_is_looked_for_where_the_run_reads(sqlite, queried, tmp_path):
    sqlite.execute("create table t (id, at, late)")
    sqlite.executemany("insert into t values (?,?,?)", [(1, 1, None), (2, 2, None)])
    dataset = queried(LITE, table="t", cursor="at")
    schema = dataset.detect().schema
    assert [column.name for column in schema.columns if column.open] == ["late"]
    _, window = frozen_ids(dataset, schema, tmp_path / "run")
    assert dataset.with_first_values(schema, window) is schema
    sqlite.execute("insert into t values (3, 3, 5)")
    typed = dataset.with_first_values(schema, window)
    assert [(column.type, column.open) for column in typed.columns] == [("integer", False)] * 3
    assert rows_of(dataset.read(typed))[-1] == {"id": 3, "at": 3, "late": 5}


def test_a_date_that_has_come_is_not_read_a_second_time(sqlite, queried, tmp_path):
    sqlite.execute("create table t (id, at)")
    sqlite.executemany("insert into t values (?,?)", [(1, "2026-03-02"), (2, "2026-03-03"), (3, "2026-04-01")])
    dataset = queried(LITE, table="t", cursor="at")
    schema = dataset.detect().schema
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", None, NOW)
    assert (ids, window.value) == ([1, 2, 3], None)
    sqlite.execute("insert into t values (4, '2026-03-02')")
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", window, NOW.replace(day=9))
    assert (ids, window.value) == ([4], "2026-03-03")
    assert frozen_ids(dataset, schema, tmp_path / "run", window, NOW.replace(day=10)) == ([], window)


def test_any_other_database_is_read_by_sqlalchemy(sqlite, tmp_path):
    sqlite.execute("create table t as select 1 as id, 'a:b' as \"c:d\" union all select 2, null")
    source = SqlSource("billing", Secret(()), tmp_path, table="t")
    database = OtherDatabase(source, SqlUrl(f"sqlite:///{tmp_path / 'data.db'}", "sqlite:///data.db"))
    query = 'select * from t where "c:d" is null or "c:d" like \'a:%\''
    assert [column.name for column in database.columns(query)] == ["id", "c:d"]
    statement = f"select * from ({database.escaped(query)}) as source where id >= {database.placeholder}"
    assert [list(rows) for rows in database.rows(statement, (2,))] == [[(2, None)]]
    assert [list(rows) for rows in database.rows(query, ())] == [[(1, "a:b"), (2, None)]]
    with pytest.raises(InputError, match="no such table: nowhere"):
        database.columns("select * from nowhere")


class Spoken:
    """A driver of DBAPI without a server: it writes down what each connection is asked to execute."""

    paramstyle, threadsafety, apilevel, Error = "format", 1, "2.0", Exception
    version_info, __version__ = (1, 1, 0), "1.1.0"

    def __init__(self):
        self.said = []

    def connect(self, *_args, **_named):
        self.said.append([])
        return self

    def cursor(self):
        return self

    def execute(self, statement):
        self.said[-1].append(statement)

    def close(self):
        pass

    def rollback(self):
        pass


@pytest.mark.parametrize("name", ["mysql+pymysql", "mariadb+pymysql"])
def test_every_connection_sets_its_time_zone_first(name):
    driver = Spoken()  # no MySQL server can be had here: what is sent to one is seen, not what it answers
    engine = create_engine(f"{name}://me@127.0.0.1/shop", module=driver, poolclass=NullPool, _initialize=False)
    keep_own_session(engine)
    for _ in range(2):
        engine.raw_connection().close()
    assert driver.said == [["set time_zone = '+00:00'"]] * 2


def test_a_cursor_from_the_servers_time_zone_skips_no_row():
    before = ReadWindow("2026-03-01 12:00:00", frozenset({1}), kind="timestamp")
    window, notes = in_any_zone(before, ())
    assert (window, [note.action for note in notes]) == (
        ReadWindow("2026-02-28 22:00:00", kind="timestamp"),
        ["read again"],
    )
    for certain in (ReadWindow("7", kind="integer"), ReadWindow("2026-03-01T12:00:00+00:00", kind="timestamp")):
        assert in_any_zone(certain, ()) == (certain, ())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("oracle+cx_oracle://me:hunter22@127.0.0.1/x", "the driver cx_Oracle for this database is not installed"),
        ("nodb://me:hunter22@127.0.0.1/x", "nodb"),
        ("me:hunter22", "this is no database URL"),
    ],
)
def test_a_url_without_a_driver_says_so_and_shows_no_password(queried, url, said):
    with pytest.raises(InputError, match=said) as caught:
        queried(url, table="t")
    assert "hunter22" not in repr(caught.value.problems)
