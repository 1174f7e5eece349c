"""`Notes`: the notes of a run, each once, with the number of records it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from penstock.model.outcome import EMPTY, EMPTY_NOW, GONE, Note, gone_reason
from penstock.model.record import Chunk, gone_columns
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classified
from penstock.run.diff.duplicate_keys import DuplicateKeys

SENT_AGAIN = (
    "their content differs from what was delivered before; whether only by the columns that are gone cannot be known"
)

MOST_NOTES = 200


@dataclass(slots=True)
class Notes:
    """`fixed` are true of every record; the others are counted as they occur.

    `source` gives what was met in reading so far, `filled` are columns that had values when the dataset was first read.
    `used` are the columns that the destination reads; of a dataset whose every record has every column, `table` is its
    name.
    """

    fixed: tuple[Note, ...]
    keys: DuplicateKeys | None = None
    source: Callable[[], tuple[Note, ...]] = tuple
    filled: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    table: str | None = None
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _rows: int = 0

    def count(self, opened: OpenChunk, classified: Classified) -> None:
        """Count the notes about a chunk."""
        self._add(classified.notes)
        self._rows += opened.chunk.records.num_rows
        gone = self.used.intersection(gone_columns(opened.chunk)) if self.table is not None else frozenset[str]()
        for name in gone:
            self.counted[name, GONE, gone_reason(self.table or "")] += opened.chunk.records.num_rows
        if gone and classified.changed:
            self.counted["records", "sent again", SENT_AGAIN] += classified.changed
        if self.filled:  # empty after the first chunk, as a rule
            self.filled = frozenset(name for name in self.filled - gone if _is_null(opened.chunk, name))
        if self.keys is not None:
            self.keys.saw(opened, classified.groups)

    def _add(self, notes: Mapping[tuple[str, str, str], int]) -> None:
        for name, number in notes.items():
            self.counted[self._bounded(name)] += number

    def _bounded(self, name: tuple[str, str, str]) -> tuple[str, str, str]:
        """The note itself, or, after many notes, one note for the others of its kind: names may come from outside."""
        if name in self.counted or len(self.counted) < MOST_NOTES:
            return name
        return "others", name[1], "more than can be listed here"

    def read(self) -> None:
        """The input came to its end."""
        if self.keys is not None:
            self.keys.close()
        for name in self.filled if self._rows else ():
            self.counted[name, EMPTY, EMPTY_NOW] += self._rows
        self.filled = frozenset()

    def all(self, records: int) -> tuple[Note, ...]:
        """Every note; those that are true of every record have `records`."""
        fixed = dict.fromkeys((*self.fixed, *self.source()))
        always = [replace(note, count=note.count or records) for note in fixed]
        keys = () if self.keys is None else self.keys.notes()
        return (*always, *(Note(*name, count=number) for name, number in sorted(self.counted.items())), *keys)


def _is_null(chunk: Chunk, name: str) -> bool:
    """Whether no record of the chunk has a value in this column, be it one that does not fit."""
    place = chunk.records.schema.get_field_index(name)
    if place < 0:
        return True  # of many columns a chunk has those that some record has
    unfit = any(refusal.field == name for refusal in chunk.misfits.values())
    return chunk.records.column(place).null_count == chunk.records.num_rows and not unfit
