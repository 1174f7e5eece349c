"""What is said once a run, with how many records it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from penstock.model.outcome import Note


@dataclass(slots=True)
class Notes:
    """`fixed` are true of every record; the others are counted as they occur."""

    fixed: tuple[Note, ...]
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def count(self, notes: Mapping[tuple[str, str, str], int]) -> None:
        for name, number in notes.items():
            self.counted[name] += number

    def all(self, records: int) -> tuple[Note, ...]:
        """Every note; those that are true of every record stand with `records`."""
        always = [replace(note, count=note.count or records) for note in self.fixed]
        return (*always, *(Note(*name, count=number) for name, number in sorted(self.counted.items())))
