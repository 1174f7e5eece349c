"""PostgreSQL: exact values of every type, cursors over them, errors in its own words."""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime

import psycopg
import pytest

from penstock.model.errors import CredentialRefused, HostUnreachable, InputError
from support.kernel.source_rows import frozen_ids, types_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def postgres(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop schema public cascade; create schema public")
        yield connection


def test_postgres_types_are_exact(postgres, postgres_url, queried):
    postgres.execute("""
        create type mood as enum ('ok');
        create table t (id bigint, n numeric, p numeric(10,2), at timestamp, zoned timestamptz, day date, j jsonb,
          list int[], b bytea, u uuid, m mood, x text, yes boolean, span interval, f real, empty int);
        insert into t values
          (1, 1.5, 2.50, '2026-01-01 10:00', '2026-01-01 10:00+05:30', '2026-02-03', '{"a": [12345678901234567890123]}',
           array[1,2], '\\x01ff', '6f1d9d90-66e6-4b50-9f0c-0d6d3ae1c001', 'ok', '007', false, '1 day', 29.85, null),
          (2, 'NaN', null, 'infinity', null, null, null, null, null, null, null, '', null, null, null, null)""")
    detected = queried(postgres_url, table="t").detect()
    assert types_of(detected) == {
        "id": "integer", "n": "number", "p": "number", "at": "timestamp", "zoned": "timestamp", "day": "date",
        "j": "json", "list": "json", "b": "text", "u": "text", "m": "text", "x": "text", "yes": "boolean",
        "span": "text", "f": "number", "empty": "integer",
    }  # fmt: skip
    first, second = detected.samples.records.to_pylist()
    assert first == {
        "id": 1, "n": 1.5, "p": decimal.Decimal("2.50"), "at": datetime.fromisoformat("2026-01-01T10:00"),
        "zoned": datetime(2026, 1, 1, 4, 30, tzinfo=UTC), "day": date(2026, 2, 3),
        "j": '{"a":[12345678901234567890123]}', "list": "[1,2]", "b": "01ff",
        "u": "6f1d9d90-66e6-4b50-9f0c-0d6d3ae1c001", "m": "ok", "x": "007", "yes": False, "span": "1 day", "f": 29.85,
        "empty": None,
    }  # fmt: skip
    assert second["x"] == ""
    assert set(detected.samples.misfits) == {1}  # NaN and infinity: that record only


@pytest.mark.parametrize("column", ["at", "money", "code", "part"])
def test_a_postgres_cursor_of_any_type_continues(postgres, postgres_url, queried, tmp_path, column):
    postgres.execute("""
        create table t (id int, at timestamptz, money numeric, code text, part uuid);
        insert into t select n, '2026-01-01'::timestamptz + n * interval '1 us', n * 1.10, 'c%' || n,
          lpad(n::text, 32, '0')::uuid from generate_series(1, 5) n""")
    dataset = queried(postgres_url, query="select * from t where code like 'c%'", cursor=column)
    schema = dataset.detect().schema
    ids, window = frozen_ids(dataset, schema, tmp_path / "run")
    assert ids == [1, 2, 3, 4, 5]
    postgres.execute("insert into t select 6, at, money, code, part from t where id = 5")
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", window)
    assert ids == [6]
    assert frozen_ids(dataset, schema, tmp_path / "run", window)[0] == []


@pytest.mark.parametrize("kind", ["real", "float8", "date", "timestamp", "char(4)", "varchar(4)", "bit(3)", "boolean"])
def test_rows_at_exactly_the_cursors_value_are_found(postgres, postgres_url, queried, tmp_path, kind):
    values = {"date": "2026-01-02", "timestamp": "2026-01-02 10:00:00.000001", "bit(3)": "101", "boolean": "true"}
    value = values.get(kind, "0.7")
    postgres.execute(f"create table t (id int, at {kind})")
    postgres.execute(f"insert into t values (1, '{value}')")
    dataset = queried(postgres_url, table="t", cursor="at")
    schema = dataset.detect().schema
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", None, NOW)
    assert ids == [1]
    postgres.execute(f"insert into t values (2, '{value}')")
    ids, window = frozen_ids(dataset, schema, tmp_path / "run", window, NOW)
    assert ids == [2]
    assert frozen_ids(dataset, schema, tmp_path / "run", window, NOW)[0] == []


@pytest.mark.parametrize(
    ("kind", "odd"),
    [("date", ["infinity", "20000-01-01"]), ("timestamp", ["infinity"]), ("numeric", ["NaN"]), ("real", ["infinity"])],
)
def test_a_cursor_does_not_stop_at_infinity(postgres, postgres_url, queried, tmp_path, kind, odd):
    postgres.execute(f"create table t (id int, at {kind})")
    one, two = ("2026-01-01", "2026-01-02") if kind in ("date", "timestamp") else ("1.5", "2.5")
    for number, value in enumerate([one, *odd, None]):
        postgres.execute(f"insert into t values ({number}, %s::{kind})", (value,))
    dataset = queried(postgres_url, table="t", cursor="at")
    schema = dataset.detect().schema
    _, window = frozen_ids(dataset, schema, tmp_path / "run", None, NOW)
    postgres.execute(f"insert into t values (9, %s::{kind})", (two,))
    ids, _ = frozen_ids(dataset, schema, tmp_path / "run", window, NOW)
    assert ids == [9, len(odd) + 1]  # and the row without a value, which is read every time


def test_text_of_a_server_that_checks_no_encoding(postgres, postgres_url, queried):
    postgres.execute("drop database if exists unchecked")
    postgres.execute("create database unchecked template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    url = postgres_url.replace("/postgres?", "/unchecked?")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table t (id int, x text, j json)")
        connection.execute(
            r"""insert into t values (1, 'Ze' || E'\303\251', '{"a":1}'), (2, E'\351', null), (3, 'a', (E'"\351"')::json)"""
        )
    samples = queried(url, table="t").detect().samples
    assert samples.records.to_pylist()[0] == {"id": 1, "x": "Zeé", "j": '{"a":1}'}
    assert {row: (one.field, one.reason) for row, one in samples.misfits.items()} == {
        1: ("x", "not UTF-8 text"),
        2: ("j", "not UTF-8 text"),
    }


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select id,\n  foo from t", 'line 2, column 3 of the SQL: PostgreSQL says: column "foo" does not exist\n'),
        ("select * from nowhere", 'line 1, column 15 of the SQL: PostgreSQL says: relation "nowhere" does not exist\n'),
        ("select id, id from t", "the column id occurs twice in the result"),
        ("delete from t returning *", "PostgreSQL says: syntax error"),
        ("select nextval('s')", "cannot execute nextval() in a read-only transaction"),
    ],
)
def test_postgres_errors_point_into_the_sql(postgres, postgres_url, queried, query, said):
    postgres.execute("create table t (id int); create sequence s")
    with pytest.raises(InputError) as caught:
        queried(postgres_url, query=query).detect()
    assert said in caught.value.problems[0].message


def test_a_postgres_that_does_not_answer_and_one_that_refuses_have_different_errors(postgres, postgres_url, queried):
    with pytest.raises(HostUnreachable) as caught:
        queried("postgresql://me:hunter22@127.0.0.1:1/x", table="t")
    assert "hunter22" not in repr(caught.value.problems)
    with pytest.raises(CredentialRefused, match="login"):
        queried(postgres_url.replace("postgres:@", "nobody:hunter22@"), table="t")
