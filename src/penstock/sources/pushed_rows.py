"""The records that were pushed to a webhook source, as rows: every member exact, absent known from null."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from penstock.model.spec import ColumnType, WebhookSource
from penstock.sources.exact_json import parse
from penstock.sources.freezing import Window
from penstock.sources.members import Record, piece_of
from penstock.sources.pieces import Caster, Judge, Piece
from penstock.sources.value_typing import ValueJudge, value_caster

RECORD = "record of "  # the kind of a window that counts records of a source
Read = Callable[[int], Iterator[tuple[int, list[str]]]]


@dataclass(frozen=True, slots=True)
class Pushed:
    """The records that the state keeps of a source.

    `after(id)` gives those that came later, in parts, with the id of each part's last; `tip()` the newest one's id;
    `latest(n)` the newest ones.
    """

    after: Read
    tip: Callable[[], int]
    latest: Callable[[int], list[str]]


class PushedRows:
    """The records of a webhook source. The columns are those declared, then the members met so far."""

    open_ended = True

    def __init__(self, source: WebhookSource, kept: Pushed) -> None:
        self.kept = kept
        self.source = source.name
        self._given = source.columns
        self._names: dict[str, None] = dict.fromkeys(source.columns)

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
        for _, texts in self.kept.after(0):
            yield self.piece(texts)

    def piece(self, texts: list[str]) -> Piece:
        records: list[Record] = []
        for text in texts:
            value = parse(text)
            assert isinstance(value, dict)  # nothing else is taken in
            records.append(value)
        return piece_of(records, self._names)

    def since(self, window: Window | None) -> PushedIncrement:
        """Only the records that came after the window."""
        return PushedIncrement(self, window)

    def newest(self, count: int) -> Newest:
        """The newest records alone."""
        return Newest(self, count)


class _Part:
    """Some of the records, typed as all of them are."""

    open_ended = True

    def __init__(self, rows: PushedRows) -> None:
        self._rows = rows
        self.names = rows.names
        self.given = rows.given
        self.declared = rows.declared
        self.judge = rows.judge
        self.caster = rows.caster


class PushedIncrement(_Part):
    """The records that are new since a window. After a full reading `reached` is the next window."""

    def __init__(self, rows: PushedRows, window: Window | None) -> None:
        super().__init__(rows)
        self._last = place_of(window, rows.source)
        self.reached: Window | None = window

    def pieces(self) -> Iterator[Piece]:
        for last, texts in self._rows.kept.after(self._last):
            yield self._rows.piece(texts)
            self.reached = window_at(last, self._rows.source)


class Newest(_Part):
    """The newest records."""

    def __init__(self, rows: PushedRows, count: int) -> None:
        super().__init__(rows)
        self._count = count

    def pieces(self) -> Iterator[Piece]:
        texts = self._rows.kept.latest(self._count)
        if texts:
            yield self._rows.piece(texts)


def place_of(window: Window | None, source: str) -> int:
    """The id that a window stands at; 0 before the first record, and where it stands in another source."""
    mine = window is not None and window.value is not None and window.kind == f"{RECORD}{source}"
    return int(window.value or 0) if window is not None and mine else 0


def window_at(place: int, source: str) -> Window:
    return Window(str(place), kind=f"{RECORD}{source}")
