"""The rows of a database query, all of them or only those at and past a cursor.

A preview reads long rows a few at a time, and stops when its deadline has passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa

from penstock.bounds import MAX_COLUMNS, bounds
from penstock.deadline import Deadline
from penstock.model.errors import InputError, Problem
from penstock.model.record import ReadWindow
from penstock.model.spec import ColumnType, CursorSpec, SqlSource
from penstock.model.text import column_hint, repeated
from penstock.sources.cursor import CursorProgress, as_written, bound_like, may_stop_at, moment_of, value_of
from penstock.sources.sql_text import quoted, quoted_table, subquery, without_semicolon
from penstock.sources.typing.exact_json import Unfit
from penstock.sources.typing.pieces import Caster, Judge, Piece, RowsLike
from penstock.sources.typing.values import ValueJudge, value_caster

WIDEST_ROW = 4  # times the bound of a cell: the most that one row may take

PIECE_ROWS = 4096
ODD_ENDS = 3  # at the end of an order may be NaN, infinity, and dates to come
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}  # seconds
Rowset = Sequence[Sequence[object]]


def bounded_lists(
    rows: Iterable[Sequence[object]], most: int, waiting: Deadline, path: str
) -> Iterator[list[Sequence[object]]]:
    """The rows in lists of at most `most`, each of little more bytes than the bound of a cell.

    Raises InputError `too-slow` once the time is over; `path` is the place of the query.
    """
    some: list[Sequence[object]] = []
    size, most_bytes = 0, bounds().cell
    for row in rows:
        if waiting.is_over:
            raise waiting.too_slow(path, "the query")
        some.append(row)
        size += sum(map(_bytes, row))
        if len(some) == most or size > most_bytes:
            yield some
            some, size = [], 0
    if some:
        yield some


def longest_value(columns: int) -> int:
    """The bytes that a value may have so that a row of so many columns is within its bound."""
    most = bounds().cell
    return min(most, max(most * WIDEST_ROW // max(columns, 1), 1000))


def not_utf8(data: bytes) -> Unfit:
    """The value of a text that is not UTF-8."""
    return Unfit(data.decode(errors="backslashreplace"), "not UTF-8 text")


def _bytes(value: object) -> int:
    if isinstance(value, (str, bytes, memoryview)):
        return len(value)
    return len(value.text) if isinstance(value, Unfit) else 8


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """A column of a result. `kind` and `arrow` are set where the database itself declares them.

    `sql` is the name of its type, where a value has to be cast to it to be compared with the column as it is.
    """

    name: str
    kind: ColumnType | None = None
    arrow: pa.DataType | None = None
    sql: str | None = None


class SourceDatabase(Protocol):
    """One kind of database. Every method raises InputError or EnvironmentFailure with the database's own words."""

    mark: str  # what names are quoted with
    placeholder: str  # the placeholder of a value in a statement
    sets_zone: bool  # whether times without a zone are in UTC now, and were in the server's zone in release 0.1.0

    def columns(self, query: str) -> list[SqlColumn]:
        """The columns that a query would give, without running it."""
        ...

    def rows(self, statement: str, values: Sequence[object]) -> Iterator[Rowset]:
        """The rows of a statement, some thousand at a time, from one consistent snapshot."""
        ...

    def escaped(self, query: str) -> str:
        """A query, escaped for a statement that has placeholders."""
        ...


class SqlRows:
    """The rows of a query or table."""

    open_ended = False

    def __init__(self, source: SqlSource, database: SourceDatabase) -> None:
        self.source = source
        self.sets_zone = database.sets_zone
        self._database = database
        if source.query is not None:
            self._query = without_semicolon(source.query)
        else:
            self._query = f"select * from {quoted_table(source.table or '', database.mark)}"
        self._columns = {column.name: column for column in self._described()}

    def names(self) -> list[str]:
        return list(self._columns)

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, name: str) -> Judge:
        return ValueJudge(self._columns[name].kind or "text")

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        column = self._columns[name]
        return value_caster(name, kind, column.arrow if kind == column.kind else None, given=given)

    def pieces(self) -> Iterator[Piece]:
        for rows in self._database.rows(self._query, ()):
            yield self.piece(rows)

    def since(self, cursor: CursorSpec, window: ReadWindow | None, now: datetime | None) -> Increment:
        """Only the rows at and past `window`, in the order of the cursor, which does not move past `now`."""
        return Increment(self, cursor, window, now)

    def ordered(self, cursor: CursorSpec, window: ReadWindow | None) -> Iterator[Rowset]:
        """The rows from the window's value (less the overlap) on, and those without a value, in order."""
        name = quoted(cursor.column, self._database.mark)
        if window is None or window.value is None:
            return self._database.rows(f"select * from {subquery(self._query)} order by {name}", ())
        query = self._database.escaped(self._query)
        name = self._database.escaped(name)
        statement = (
            f"select * from {subquery(query)} "
            f"where {name} >= {self._placeholder(cursor.column)} or {name} is null order by {name}"
        )
        return self._database.rows(statement, (_start(self.source, cursor, window),))

    def has_value(self, names: Sequence[str], window: ReadWindow | None) -> bool:
        """Whether some row, from the window's value on, has a value in one of these columns."""
        mark, cursor = self._database.mark, self.source.cursor
        query, escaped = self._query, [quoted(name, mark) for name in names]
        values: tuple[Any, ...] = ()
        since = ""
        if window is not None and window.value is not None and cursor is not None:
            query, escaped = self._database.escaped(query), [self._database.escaped(name) for name in escaped]
            column = self._database.escaped(quoted(cursor.column, mark))
            since = f"({column} >= {self._placeholder(cursor.column)} or {column} is null) and "
            values = (value_of(window),)
        there = " or ".join(f"{name} is not null" for name in escaped)
        rows = self._database.rows(f"select 1 from {subquery(query)} where {since}({there})", values)
        return any(bool(some) for some in rows)

    def _placeholder(self, column: str) -> str:
        """The placeholder of a value of the column: of the column's type, so that 0.7 in a `real` column equals 0.7."""
        kind = self._columns[column].sql
        return self._database.placeholder if kind is None else f"cast({self._database.placeholder} as {kind})"

    def newest(self, cursor: CursorSpec, now: datetime) -> str:
        """The largest values of the cursor and how many rows have each: another text when something is new.

        Below a largest value that the cursor may not move to (a date after `now`, infinity) there may be new rows, too:
        the largest below it counts as well, and how many rows are past it.
        """
        name = quoted(cursor.column, self._database.mark)
        top = f"{name} = (select max({name}) from {subquery(self._query)})"
        found = self._read(f"select max({name}), count(*) from {subquery(self._query)} where {top}", ())
        for _ in range(ODD_ENDS):
            largest = found[-1][0]
            if largest is None or may_stop_at(largest, now):
                break
            bound = bound_like(largest, now)
            query, escaped = self._database.escaped(self._query), self._database.escaped(name)
            beyond = f"{escaped} {'<' if bound is largest else '<='} {self._placeholder(cursor.column)}"
            value = largest.text if isinstance(largest, Unfit) else bound
            statement = f"select max({escaped}), count(*) from {subquery(query)} where {beyond}"
            found += self._read(statement, (value,))
        if isinstance(found[-1][0], str) and moment_of(found[-1][0]) is None:  # words may be at the end of an order
            found += self._read(f"select count(*) from {subquery(self._query)}", ())
        return repr(found)

    def _read(self, statement: str, values: Sequence[object]) -> list[list[Any]]:
        return [list(row) for some in self._database.rows(statement, values) for row in some]

    def piece(self, rows: Rowset) -> Piece:
        columns = zip(*rows, strict=True)
        return Piece(len(rows), dict(zip(self._columns, columns, strict=True)))

    def _described(self) -> list[SqlColumn]:
        columns = self._database.columns(self._query)
        names = [column.name for column in columns]
        most = bounds().columns
        if len(names) > most:
            hint = f"name the columns that are needed; if all are, raise {MAX_COLUMNS}"
            raise self._error(f"the result has more than {most:,} columns", "too-many-columns", f"{len(names):,}", hint)
        if (name := repeated(names)) is not None:
            raise self._error(f"the column {name} occurs twice in the result", "double-column", name, "name one `as …`")
        cursor = self.source.cursor
        if cursor is not None and cursor.column not in names:
            message = f"there is no column {cursor.column} to be the cursor"
            raise self._error(message, "unknown-column", cursor.column, column_hint(cursor.column, names), ".cursor")
        return columns

    def _error(self, message: str, code: str, found: str, hint: str, key: str = "") -> InputError:
        return InputError(Problem(f"sources.{self.source.name}{key}", message, code, hint, found))


class Increment(RowsLike):
    """The rows of a query that are new since a window. After a full reading `reached` is the next window."""

    def __init__(self, rows: SqlRows, cursor: CursorSpec, window: ReadWindow | None, now: datetime | None) -> None:
        super().__init__(rows)
        self._rows = rows
        self._cursor = cursor
        self._window = window
        self._now = now
        self.reached: ReadWindow | None = window

    def pieces(self) -> Iterator[Piece]:
        reached = CursorProgress(self._rows.names().index(self._cursor.column), self._window, self._now)
        for rows in self._rows.ordered(self._cursor, self._window):
            fresh = reached.fresh(rows)
            if fresh:
                yield self._rows.piece(fresh)
        self.reached = reached.window()


def _start(source: SqlSource, cursor: CursorSpec, window: ReadWindow) -> Any:
    """Where reading begins: the window's value, as its type, less the overlap."""
    value = value_of(window)
    if cursor.overlap is None:
        return value
    span = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw]?)", cursor.overlap.strip())
    if span is not None:
        if isinstance(value, (int, float, Decimal)) and not span[2]:
            return value - type(value)(span[1])  # type: ignore[operator]
        if isinstance(value, date) and span[2]:  # datetime too
            return value - timedelta(seconds=float(span[1]) * UNITS[span[2]])
        if isinstance(value, str) and span[2] and (moment := _moment(value)) is not None:
            return as_written(moment - timedelta(seconds=float(span[1]) * UNITS[span[2]]), value)
    message = f"the overlap {cursor.overlap} does not fit the cursor {cursor.column}, which is {window.kind}"
    hint = "write a number for a number, a span such as 1h or 2d for a date or time"
    raise InputError(Problem(f"sources.{source.name}.cursor.overlap", message, "overlap", hint, cursor.overlap))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
