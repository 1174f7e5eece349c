"""The records posted to a webhook source, and the replies of a destination, as rows.

Every member of a posted record is exact; absent differs from null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from penstock.bounds import MAX_COLUMNS, MAX_RECORD_NAMES, bounds
from penstock.model.outcome import Refusal
from penstock.model.record import ReadWindow, place_of, window_at
from penstock.model.spec import ColumnType, DatasetSpec, WebhookSource
from penstock.sources.chunks import rows_of
from penstock.sources.typing.arrow import ArrowJudge, arrow_caster, column_type
from penstock.sources.typing.exact_json import parse
from penstock.sources.typing.pieces import JSON_FIELD, Caster, Judge, Piece, Record, RowsLike, piece_of
from penstock.sources.typing.values import ValueJudge, value_caster

CHARACTERS = 1 << 20  # of the records of a piece, one record more
ROWS = 4096  # of a piece
CELLS = 1 << 15  # of a piece: its records times the names that they have
SQL_RULE = "sql"  # of refusals whose record is one of the source, which the dataset's SQL has not shaped
Read = Callable[[int, int | None], Iterator[tuple[int, list[str]]]]


@dataclass(frozen=True, slots=True)
class Pushed:
    """The stored records of a webhook source.

    `after(id, last)` gives those that came later, up to the one of id `last` (None: all), in parts, with the id of each
    part's last; `tip()` the newest one's id; `latest(n)` the newest ones.
    """

    after: Read
    tip: Callable[[], int]
    latest: Callable[[int], list[str]]


class PushedRows:
    """The records of a webhook source. The columns are those declared, then the members met so far.

    A record with more names than the bounds allow, or with which the source would have more columns, is a refused row
    that has no values but those of the dataset's key.
    """

    open_ended = True

    def __init__(self, source: WebhookSource, stored: Pushed, dataset: DatasetSpec) -> None:
        self.stored = stored
        self.source = source.name
        self.upto: int | None = None  # the id of the last record that is read; None: all that came
        self._for_sql = dataset.sql is not None  # which is given every column of every piece
        self._key = () if self._for_sql else dataset.key
        self._given = source.columns
        self._names: dict[str, None] = dict.fromkeys(source.columns)
        self._most = bounds()

    def add_columns(self, names: Iterable[str]) -> None:
        """Columns that were found before: they count among those that the source may have."""
        self._names.update(dict.fromkeys(names))

    def names(self) -> list[str]:
        return list(self._names)

    def given(self) -> Mapping[str, ColumnType]:
        """The types that the source declares."""
        return self._given

    def declared(self, name: str) -> ColumnType | None:
        return self._given.get(name)

    def judge(self, _name: str) -> Judge:
        return ValueJudge()

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return value_caster(name, kind, given=given or name in self._given)

    def pieces(self) -> Iterator[Piece]:
        for _, texts in self.stored.after(0, self.upto):
            yield from self.pieces_of(texts)

    def pieces_of(self, texts: Iterable[str]) -> Iterator[Piece]:
        """Records as pieces that have few cells, however many names and records there are."""
        waiting: list[Record] = []
        refused: dict[int, Refusal] = {}
        originals: dict[int, str] = {}
        used: set[str] = set()
        size = 0
        for text in texts:
            record = parse(text)
            assert isinstance(record, dict)  # nothing else is taken in
            size += len(text)
            if self._for_sql:
                originals[len(waiting)] = text  # the SQL may fail with any of them
            if not record.keys() <= self._names.keys():
                refusal = self._refusal(record)
                if refusal is None:
                    self.add_columns(record)
                else:
                    refused[len(waiting)], originals[len(waiting)] = refusal, text
                    record = {name: record[name] for name in self._key if name in record}
                    self.add_columns(record)
            waiting.append(record)
            if not record.keys() <= used:
                used.update(record)
            most = rows_of(len(self._names)) if self._for_sql else ROWS
            if size > CHARACTERS or len(waiting) * max(len(used), 1) >= CELLS or len(waiting) >= most:
                yield replace(piece_of(waiting, self._names), refused=refused, originals=originals)
                waiting, refused, originals, used, size = [], {}, {}, set(), 0
        if waiting:
            yield replace(piece_of(waiting, self._names), refused=refused, originals=originals)

    def _refusal(self, record: Record) -> Refusal | None:
        """Why a record with new columns cannot be laid out in columns."""
        refusal = too_many_names(record) or (self._unfit_for_sql(record) if self._for_sql else None)
        if refusal is not None:
            return refusal
        columns = len(self._names.keys() | record.keys())
        if columns <= self._most.columns:
            return None
        reason = f"with this record the source would have {columns} columns, more than {self._most.columns}"
        return Refusal("columns", reason, accepted=f"at most {self._most.columns} columns; {MAX_COLUMNS} sets it")

    def _unfit_for_sql(self, record: Record) -> Refusal | None:
        """Why the names of a record cannot be columns of the SQL."""
        known = {name.casefold(): name for name in self._names}
        for name in record:
            if not name or "\0" in name:
                return Refusal("names", "the record has a name that is no column of SQL: it is empty, or has a NUL")
            same = known.setdefault(name.casefold(), name)
            if same != name:
                reason = f"the names {same} and {name} differ only in case, which SQL ignores"
                return Refusal("names", reason, accepted=f"the name {same}")
        return None

    def texts(self, records: list[str]) -> PostedRecords:
        """These records, given as JSON."""
        return PostedRecords(self, records)

    def since(self, window: ReadWindow | None) -> PushedIncrement:
        """Only the records that came after the window."""
        return PushedIncrement(self, window)

    def newest(self, count: int) -> NewestRecords:
        """The newest records alone."""
        return NewestRecords(self, count)


class _PushedPart(RowsLike):
    """Some of the records, typed as all of them are."""

    def __init__(self, rows: PushedRows) -> None:
        super().__init__(rows)
        self._rows = rows


class PushedIncrement(_PushedPart):
    """The records that are new since a window. After a full reading `reached` is the next window."""

    def __init__(self, rows: PushedRows, window: ReadWindow | None) -> None:
        super().__init__(rows)
        self._last = place_of(window, rows.source)
        self.reached: ReadWindow | None = window

    def pieces(self) -> Iterator[Piece]:
        for last, texts in self._rows.stored.after(self._last, self._rows.upto):
            yield from self._rows.pieces_of(texts)
            self.reached = window_at(last, self._rows.source)


class NewestRecords(_PushedPart):
    """The newest records."""

    def __init__(self, rows: PushedRows, count: int) -> None:
        super().__init__(rows)
        self._count = count

    def pieces(self) -> Iterator[Piece]:
        texts = self._rows.stored.latest(self._count)
        yield from self._rows.pieces_of(texts)


def too_many_names(record: Mapping[str, object]) -> Refusal | None:
    """The refusal of a record with more names than the bounds allow."""
    most = bounds().record_names
    if len(record) <= most:
        return None
    reason = f"the record has {len(record)} names, more than {most}"
    return Refusal("names", reason, accepted=f"at most {most} names; {MAX_RECORD_NAMES} sets it")


class PostedRecords(_PushedPart):
    """Records that are given as JSON texts."""

    def __init__(self, rows: PushedRows, records: list[str]) -> None:
        super().__init__(rows)
        self._records = records

    def pieces(self) -> Iterator[Piece]:
        yield from self._rows.pieces_of(self._records)


@dataclass(frozen=True, slots=True)
class StoredReplies:
    """The stored replies of a destination: their source, their columns, those after an id.

    They come in parts; each comes with the id of its last reply. JSON columns are marked.
    """

    source: str
    schema: pa.Schema
    after: Callable[[int], Iterator[tuple[int, pa.RecordBatch]]]


class ReplyRows:
    """The replies of a destination. Their columns are known before there is any."""

    open_ended = False

    def __init__(self, replies: StoredReplies) -> None:
        self.replies = replies
        marked = dict(JSON_FIELD)
        self._types = {f.name: pa.json_() if f.metadata == marked else f.type for f in replies.schema}

    def names(self) -> list[str]:
        return list(self._types)

    def declared(self, name: str) -> ColumnType | None:
        return column_type(self._types[name])

    def judge(self, name: str) -> Judge:
        return ArrowJudge(self._types[name], narrow=False)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:  # noqa: ARG002 - the same either way
        return arrow_caster(name, self._types[name], kind)

    def pieces(self) -> Iterator[Piece]:
        return self.since(None).pieces()

    def since(self, window: ReadWindow | None) -> ReplyIncrement:
        """Only the replies that came after the window."""
        return ReplyIncrement(self, window)


class ReplyIncrement(RowsLike):
    """The replies that are new since a window. After a full reading `reached` is the next window."""

    def __init__(self, rows: ReplyRows, window: ReadWindow | None) -> None:
        super().__init__(rows)
        self._replies = rows.replies
        self._last = place_of(window, rows.replies.source)
        self.reached: ReadWindow | None = window

    def pieces(self) -> Iterator[Piece]:
        for last, batch in self._replies.after(self._last):
            yield Piece(batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True)))
            self.reached = window_at(last, self._replies.source)
