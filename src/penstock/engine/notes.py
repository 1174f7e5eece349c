"""What is said once a run, with how many records it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from penstock.engine.backlog import OpenChunk
from penstock.engine.duplicate_keys import DuplicateKeys
from penstock.engine.screen import Sifted
from penstock.model.outcome import Note

MOST_NOTES = 200


@dataclass(slots=True)
class Notes:
    """`fixed` are true of every record; the others are counted as they occur.

    `source` gives what was met in reading so far, `filled` are columns that had values when the dataset was first read.
    """

    fixed: tuple[Note, ...]
    keys: DuplicateKeys | None = None
    source: Callable[[], tuple[Note, ...]] = tuple
    filled: frozenset[str] = frozenset()
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _rows: int = 0

    def count(self, opened: OpenChunk, sifted: Sifted) -> None:
        """What there is to say of a chunk."""
        self._add(sifted.notes)
        records = opened.chunk.records
        self._rows += records.num_rows
        if self.filled:  # empty after the first chunk, as a rule
            nulls = {name: records.column(records.schema.get_field_index(name)).null_count for name in self.filled}
            self.filled = frozenset(name for name, number in nulls.items() if number == records.num_rows)
        if self.keys is not None:
            self.keys.saw(opened, sifted.groups)

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
            self.counted[name, "empty", "every value is null now, and there were values before"] += self._rows
        self.filled = frozenset()

    def all(self, records: int) -> tuple[Note, ...]:
        """Every note; those that are true of every record stand with `records`."""
        fixed = dict.fromkeys((*self.fixed, *self.source()))
        always = [replace(note, count=note.count or records) for note in fixed]
        keys = () if self.keys is None else self.keys.notes()
        return (*always, *(Note(*name, count=number) for name, number in sorted(self.counted.items())), *keys)
