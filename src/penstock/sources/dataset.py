"""`Dataset`: detects its schema in one pass, reads it as typed chunks, and freezes it for a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note
from penstock.model.reach import PERSONAL, Reach
from penstock.model.record import RECORD, Chunk, Column, ReadWindow, Schema, window_at
from penstock.model.spec import ColumnType, CustifySource, DatasetSpec, FileSource, ResponseSource, SourceSpec
from penstock.model.text import column_hint, identifying
from penstock.render.values.numbers import DecimalSign
from penstock.sources.api_rows import ApiRows
from penstock.sources.chunks import CHUNK_ROWS, Frozen, rechunked, write_frozen
from penstock.sources.databases.rows import Increment, SqlRows
from penstock.sources.files.formats import file_format
from penstock.sources.files.json_rows import JsonRows
from penstock.sources.files.source_files import files_identity, matching_files
from penstock.sources.pushed_rows import PushedIncrement, PushedRows, ReplyIncrement, ReplyRows
from penstock.sources.typing.pieces import FirstRows, HasNotes, HasTypingNotes, Rows
from penstock.sources.typing.schema import (
    SAMPLES,
    Detected,
    combined,
    decided_types,
    detect,
    gone_from,
    has_value,
    nothing_yet,
    typed,
    with_types_of,
)


class Dataset:
    """A named, keyed set of records of a source, perhaps shaped by SQL. Made by `open_dataset`."""

    def __init__(
        self,
        spec: DatasetSpec,
        source: SourceSpec,
        rows: Rows,
        workspace: Path,
        patience: float | None = None,
        reach: Reach = PERSONAL,
    ) -> None:
        """`patience`: seconds that its SQL may take; None: as long as it takes."""
        self.spec = spec
        self.source = source
        self._rows = rows
        self.api = rows if isinstance(rows, ApiRows) else None  # of a source that is read from an API
        self._workspace = workspace
        self._patience = patience
        self._reach = reach
        self._last: tuple[Schema, Rows] | None = None
        self._needed = frozenset(spec.key)
        self._missing: tuple[str, ...] = ()  # the columns that the SQL names and no posted record has yet

    def new_columns(self, schema: Schema, *, look: bool = False) -> tuple[str, ...]:
        """The columns of the source that the schema does not have: as far as it was read, or, with `look`, all of it.

        Posted records and replies have none: their new columns are added to the schema.
        """
        rows = self._rows.inner if isinstance(self._rows, FirstRows) else self._rows
        if self.source.traits.arrives:
            return ()
        if look and rows.open_ended:
            for _ in rows.pieces():
                pass
        if not look and self._last is None and not self.source.traits.is_quick:
            return ()  # to query a database costs a connection
        known = schema if self.spec.sql is None else schema.source
        return () if known is None else tuple(name for name in rows.names() if known.column(name) is None)

    def gone_columns(self, schema: Schema) -> tuple[str, ...]:
        """The columns of the schema that the source does not have now."""
        known = schema if self.spec.sql is None else schema.source
        return () if known is None else gone_from(self._rows, known)

    def need(self, names: Iterable[str]) -> None:
        """Require these columns: if one is gone, reading raises InputError, as for those of the key."""
        self._needed |= frozenset(names)

    @property
    def is_table(self) -> bool:
        """Whether every record has every column, so that one that is absent in all of them is gone."""
        return self.spec.sql is not None or not self._rows.open_ended

    @property
    def volatile(self) -> bool:
        """Whether a second read can return other rows, or another order; a run freezes such a dataset first."""
        return self.spec.sql is not None or not self.source.traits.repeats

    @property
    def sets_zone(self) -> bool:
        """Whether times without a zone are in UTC now, and were in the server's own zone in release 0.1.0."""
        return isinstance(self._rows, SqlRows) and self._rows.sets_zone

    @property
    def partial(self) -> bool:
        """Whether a record may hold a part of its object only: of a table's rows, each is whole."""
        if isinstance(self.source, FileSource):
            return not file_format(self.source, matching_files(self.source, self._reach)[0]).is_table
        return self.source.traits.arrives

    def has_renamed(self, schema: Schema) -> bool:
        """Whether a column has another name than in `schema`, since what cannot be seen of it is removed now."""
        known, names = (schema.source or schema).names(), self._rows.names()
        return any(name not in names and identifying(name) in names for name in known)

    def notes(self) -> tuple[Note, ...]:
        """What was changed in or left out of the source, as far as it has been read."""
        rows = self._rows.inner if isinstance(self._rows, FirstRows) else self._rows
        return rows.notes() if isinstance(rows, HasNotes) else ()

    def identity(self) -> str | None:
        """A text that changes when the input or the settings for it change; None when that cannot be known."""
        if not isinstance(self.source, FileSource):
            return None
        return files_identity(
            matching_files(self.source, self._reach), self.source, self.spec.sql, sorted(self.spec.types.items())
        )

    def detect(self, known: Schema | None = None) -> Detected:
        """Types, nullability, examples and sample records, in one full pass.

        Over untyped sources (CSV, JSON, databases) SQL needs a pass before it, that types the source. The types of
        `known`, a schema from before, stay; what it has not seen a value of is decided again.
        """
        if self.spec.sql is None:
            found = self._detected(known)
            self._check_types(found.schema.names(), found.schema.records)
            return found
        inner = self._inner_schema(None if known is None else known.source)
        result = self._result_if_known(self._rows, inner)
        if result is None:
            return nothing_yet(inner)
        inner = replace(inner, notes=(*inner.notes, *map(_not_seen, self._missing)))
        found = detect(result, self._given(result), decided_types(known), is_result=True)
        self._check_types((*inner.names(), *result.names()), found.schema.records)
        return Detected(replace(found.schema, source=inner), found.samples)

    def bound(self) -> Schema:
        """The columns, with SQL that is planned and not run. InputError where the SQL does not fit its source."""
        if self.spec.sql is None:
            return self.detect().schema
        inner = self._inner_schema()
        result = self._result_if_known(self._rows, inner)
        if result is None:
            return nothing_yet(inner).schema
        self._check_types((*inner.names(), *result.names()), inner.records)
        kinds = {name: self.spec.types.get(name) or result.declared(name) or "text" for name in result.names()}
        return Schema(tuple(Column(name, kind, nullable=True) for name, kind in kinds.items()), inner.records, inner)

    def read(self, schema: Schema, *, skip: int = 0, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """The records typed as `schema`, after the first `skip`; every chunk has exactly `rows` rows but the last.

        A column that is gone is absent. Raises InputError when that column is needed, or the input is torn.
        """
        return rechunked(self._typed(self._rows, schema), skip=skip, rows=rows)

    def freeze(self, schema: Schema, path: Path, window: ReadWindow | None, now: datetime | None = None) -> Frozen:
        """Copy the typed records to a private file; of a source with a cursor only those new since `window`.

        Rows dated after `now` do not move the cursor; None: no date is too late.
        """
        increment = self.since(window, now)
        if increment is None:
            return Frozen(write_frozen(self.read(schema), path), None)
        count = write_frozen(rechunked(self._typed(increment, schema), skip=0, rows=CHUNK_ROWS), path)
        return Frozen(count, increment.reached)

    def since(
        self, window: ReadWindow | None, now: datetime | None = None
    ) -> Increment | PushedIncrement | ReplyIncrement | None:
        """The source's rows that are new since `window`; None where a source is always read whole."""
        rows = self._rows
        if isinstance(rows, PushedRows | ReplyRows):
            return rows.since(window)
        if isinstance(rows, SqlRows) and rows.source.cursor is not None:
            mine = None if window is None or window.kind.startswith(RECORD) else window
            return rows.since(rows.source.cursor, mine, now)
        return None

    def any_since(self, schema: Schema, window: ReadWindow | None) -> tuple[bool, ReadWindow | None]:
        """Whether a run from `window` on would read any record; and its position afterwards, if none."""
        increment = self.since(window)
        if increment is None:
            return True, window
        found = any(chunk.records.num_rows for chunk in self._typed(increment, schema))
        return found, increment.reached

    def with_new_columns(self, known: Schema) -> Schema:
        """The schema with the columns that the source has now and `known` has not; missing columns stay in it."""
        found = self.detect(known=known).schema
        source = None if found.source is None or known.source is None else combined(found.source, known.source)
        return replace(combined(found, known), source=source or found.source)

    def with_first_values(self, schema: Schema, since: ReadWindow | None) -> Schema:
        """The schema with types for columns that had no value yet and have one now; itself where there are none.

        `since`: every destination has read the rows of a source with a cursor up to there.
        """
        inner = schema if schema.source is None else schema.source
        gone = gone_from(self._rows, inner)
        names = [column.name for column in inner.columns if column.open and column.name not in gone]
        if not names or not self._has_value(names, since):
            return schema
        found = self.detect(known=schema).schema
        source = None
        if schema.source is not None and found.source is not None:
            source = replace(schema.source, columns=with_types_of(schema.source, found.source))
        return replace(schema, columns=with_types_of(schema, found), records=found.records, source=source)

    def _has_value(self, names: Sequence[str], since: ReadWindow | None) -> bool:
        rows = self._rows
        if isinstance(rows, SqlRows):
            return rows.has_value(names, since if rows.source.cursor is not None else None)
        return any(
            name in piece.columns and has_value(piece.columns[name]) for piece in rows.pieces() for name in names
        )

    @property
    def is_open_ended(self) -> bool:
        """Whether only a full read shows the columns of the source."""
        return self._rows.open_ended

    @property
    def complete(self) -> bool:
        """Whether the last reading came to the end of the source; False when only its first rows were wanted."""
        return not isinstance(self._rows, FirstRows) or self._rows.complete

    # ── records of a webhook source ──────────────────────────────────────────

    @property
    def tip(self) -> int | None:
        """The id of the newest record of a webhook source; None of any other source."""
        return self._rows.stored.tip() if isinstance(self._rows, PushedRows) else None

    def read_upto(self, last: int) -> None:
        """Limit reads of a webhook source to records up to the one of id `last`."""
        assert isinstance(self._rows, PushedRows)
        self._rows.upto = last

    def has_grown(self, schema: Schema, after: int) -> bool:
        """Whether a record after the one with the id `after` has a new column, or the first value of a column."""
        rows = self._rows
        assert isinstance(rows, PushedRows)
        inner = schema.source if self.spec.sql is not None else schema
        rows.add_columns(() if inner is None else inner.names())
        decided = decided_types(inner).keys() | self._given(rows).keys()
        return any(
            name not in decided and any(value is not None for value in column)
            for piece in rows.since(window_at(after, self.source.name)).pieces()
            for name, column in piece.columns.items()
        )

    def newest(self, schema: Schema) -> Chunk | None:
        """The newest records of a webhook source, as samples; None when the SQL makes none of them."""
        rows = self._rows
        assert isinstance(rows, PushedRows)
        return next(rechunked(self._typed(rows.newest(SAMPLES), schema, whole=True), skip=0, rows=SAMPLES), None)

    def check_columns(self, schema: Schema, names: Sequence[str]) -> list[Problem]:
        """A problem for each of `names` (the key's columns) that the schema does not have."""
        known = schema.names()
        path = f"datasets.{self.spec.name}.key"
        rows = self._rows.inner if isinstance(self._rows, FirstRows) else self._rows
        way = rows.way_to_list if isinstance(rows, JsonRows) else ""
        return [
            Problem(path, f"there is no column {name}", "unknown-column", way or column_hint(name, known), found=name)
            for name in names
            if name not in known
        ]

    def _typed(self, base: Rows, schema: Schema, *, whole: bool = False) -> Iterator[Chunk]:
        rows = base
        if isinstance(self._rows, PushedRows):
            self._rows.add_columns((schema if self.spec.sql is None else schema.source or schema).names())
        if self.spec.sql is not None:
            result = self._result_now(base, schema.source or self._inner_schema())
            if result is None:
                return iter(())
            rows = result
        if gone := self._needed.intersection(gone_from(rows, schema)):
            raise self._vanished(sorted(gone))
        self._last = (schema, rows)
        return typed(rows, schema, self._given(rows), whole=whole)

    def _result_now(self, base: Rows, inner: Schema) -> Rows | None:
        """The result of the SQL over the columns that are still there. InputError where it names one that is gone."""
        from penstock.sources.dataset_sql import UnknownColumns  # noqa: PLC0415 - DuckDB costs 0.1 s

        gone = gone_from(base, inner)
        there = tuple(column for column in inner.columns if column.name not in gone)
        try:
            return self._result_if_known(base, replace(inner, columns=there))
        except UnknownColumns:
            if gone:
                raise self._vanished(gone) from None
            raise

    def _result_if_known(self, base: Rows, inner: Schema) -> Rows | None:
        """The result of the SQL; None before the first record, while it names columns that are not declared."""
        from penstock.sources.dataset_sql import UnknownColumns, with_missing_columns  # noqa: PLC0415 - the same

        awaited = not inner.records and (isinstance(self._rows, PushedRows) or not inner.columns)
        if awaited and not inner.columns:
            return None
        try:
            return self._result(base, inner)
        except UnknownColumns as error:
            if awaited:
                return None
            if not isinstance(self._rows, PushedRows):
                raise
            rows, self._missing = with_missing_columns(partial(self._result, base), inner, error)
            return rows

    def _result(self, base: Rows, inner: Schema) -> Rows:
        """The result of the SQL over `base`; records for which it fails are refused alone where that is possible."""
        from penstock.sources.dataset_sql import SqlResult  # noqa: PLC0415 - DuckDB costs 0.1 s
        from penstock.sources.sql_refusals import PostedSqlResult, RowWiseSqlResult  # noqa: PLC0415 - the same

        result = SqlResult(self.spec, base, inner, self._workspace, self._patience)
        if isinstance(self._rows, PushedRows):
            return PostedSqlResult(result, base, inner, self.spec.types)
        if result.plan is None:
            return result
        part = base is not self._rows or isinstance(base, ReplyRows)
        return RowWiseSqlResult(result, result.plan, part=part)

    def shape(self, record: str, schema: Schema) -> list[Chunk]:
        """What the SQL makes of one posted record, given as JSON: its typed rows, or the record refused."""
        assert isinstance(self._rows, PushedRows)
        return list(self._typed(self._rows.texts([record]), schema, whole=True))

    def _inner_schema(self, known: Schema | None = None) -> Schema:
        """The columns that the SQL sees: as the format declares them, else as one full pass types them."""
        given = self._given(self._rows)
        kinds = {name: given.get(name) or self._rows.declared(name) for name in self._rows.names()}
        if self._rows.open_ended or None in kinds.values():
            return self._detected(known).schema
        return Schema(tuple(Column(name, kind, nullable=True) for name, kind in kinds.items() if kind is not None), 0)

    def _detected(self, known: Schema | None) -> Detected:
        """The result of one full pass over the source, with its notes."""
        found = detect(self._rows, self._given(self._rows), decided_types(known), _sign(self.source))
        rows = self._rows.inner if isinstance(self._rows, FirstRows) else self._rows
        found_out = rows.typing_notes() if isinstance(rows, HasTypingNotes) else ()
        notes = tuple(note for note in found_out if note.field not in self.spec.types)
        return replace(found, schema=replace(found.schema, notes=notes))

    def _given(self, rows: Rows) -> Mapping[str, ColumnType]:
        """The types that the settings give for columns of `rows`."""
        if isinstance(self._rows, PushedRows) and rows.open_ended:
            return {**self._rows.given(), **self.spec.types}
        if rows.open_ended:
            return self.spec.types
        return {name: kind for name, kind in self.spec.types.items() if name in rows.names()}

    def _vanished(self, gone: Sequence[str]) -> InputError:
        name = self.spec.name
        hint = f"add it again, or use another column, then: penstock schema {name} --refresh"
        message = "the column {} is gone from the source, and it is needed"
        path = f"datasets.{name}"
        return InputError(
            *(Problem(path, message.format(column), "vanished-column", hint, found=column) for column in gone)
        )

    def _check_types(self, known: Sequence[str], records: int) -> None:
        """Every name under `types:` is a column; nothing is known of a JSON source without records."""
        path = f"datasets.{self.spec.name}.types"
        problems = [
            Problem(
                f"{path}.{name}", f"there is no column {name}", "unknown-column", column_hint(name, known), found=name
            )
            for name in self.spec.types
            if name not in known and (known or records)
        ]
        if problems:
            raise InputError(*problems)


def _not_seen(name: str) -> Note:
    """The note about a column that the SQL names and no posted record has yet."""
    return Note(name, "not seen yet", "no record so far has this column: the sql reads it as null")


def _sign(source: SourceSpec) -> DecimalSign | None:
    """The decimal sign of the source's numbers, if the project sets it."""
    return None if isinstance(source, ResponseSource | CustifySource) else source.decimal
