"""`Notes`: the notes of a run, each once, with the number of records it concerns.

`DuplicateKeys` counts the keys that several records of a read share, and keys that a spreadsheet shortened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.model.outcome import EMPTY, EMPTY_NOW, GONE, READ_FIRST, Note, gone_reason
from penstock.model.record import Chunk, Key, gone_columns, key_text
from penstock.run.diff.backlog import SENT_AGAIN_FROM, OpenChunk
from penstock.run.diff.diff import SUPERSEDED_LIVE, Classified
from penstock.run.diff.policy import Policy
from penstock.run.diff.records import Rows
from penstock.run.diff.shared_emails import SharedEmails
from penstock.sources.api_rows import OF_READING

if TYPE_CHECKING:
    from numpy.typing import NDArray


SENT_AGAIN = (
    "their content differs from what was delivered before; whether only by the columns that are gone cannot be known"
)

MOST_NOTES = 200


@dataclass(slots=True)
class Notes:
    """`fixed` are true of every record; the others are counted as they occur.

    `source` returns what was found so far, `filled` are columns that had values when the dataset was first read.
    `used` are the columns that the destination reads; of a dataset whose every record has every column, `table` is its
    name.
    """

    fixed: tuple[Note, ...]
    keys: DuplicateKeys | None = None
    source: Callable[[], tuple[Note, ...]] = tuple
    filled: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    table: str | None = None
    emails: SharedEmails = field(default_factory=SharedEmails)
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _rows: int = 0
    _counted_to: int = 0  # every record of the input before this ordinal was classified at least once

    def count(self, opened: OpenChunk, classified: Classified, *, are_counted: bool = False) -> None:
        """Count the notes about a chunk. `are_counted`: this run has counted its records before it sends them again."""
        if are_counted:
            return
        if opened.end <= self._counted_to:  # before the run gave way: only what is new since
            self.add({name: number for name, number in classified.notes.items() if name[2] == SUPERSEDED_LIVE})
            return
        self._counted_to = opened.end if opened.first < SENT_AGAIN_FROM else self._counted_to
        self.add(classified.notes)
        if opened.first >= SENT_AGAIN_FROM:  # from the quarantine: the columns and keys of the input are not theirs
            return
        number = len(opened.rows) if opened.is_part else opened.chunk.records.num_rows
        self._rows += number
        gone = self.used.intersection(gone_columns(opened.chunk)) if self.table is not None else frozenset[str]()
        for name in gone:
            self.counted[name, GONE, gone_reason(self.table or "")] += number
        if gone and classified.changed:
            self.counted["records", "sent again", SENT_AGAIN] += classified.changed
        if self.filled:  # empty after the first chunk, as a rule
            self.filled = frozenset(name for name in self.filled - gone if _is_null(opened.chunk, name))
        self.emails.add(classified.fresh)
        if self.keys is not None:
            self.keys.add(opened, classified.groups)

    def count_on(self, stored: Sequence[Note]) -> None:
        """Count on from the notes of an earlier process of the run about records that have their outcome."""
        earlier = {(note.field, note.action, note.reason): note.count or 0 for note in stored}
        self.add({name: number for name, number in earlier.items() if name[2] == SUPERSEDED_LIVE})

    def add(self, notes: Mapping[tuple[str, str, str], int]) -> None:
        """Count what notes are about."""
        for name, number in notes.items():
            self.counted[self._bounded(name)] += number

    def _bounded(self, name: tuple[str, str, str]) -> tuple[str, str, str]:
        """The note; after many notes, a common one for those of its kind, since names come from outside."""
        if name in self.counted or len(self.counted) < MOST_NOTES:
            return name
        return "others", name[1], "more than can be listed here"

    def read(self) -> None:
        """The input was read to its end."""
        if self.keys is not None:
            self.keys.close()
        self.emails.close()
        for name in self.filled if self._rows else ():
            self.counted[name, EMPTY, EMPTY_NOW] += self._rows
        self.filled = frozenset()

    def all(self, records: int) -> tuple[Note, ...]:
        """Every note; those that are true of every record have `records`. Of `READ_FIRST` no number is known."""
        fixed = dict.fromkeys((*self.fixed, *self.source()))
        always = [note if note.action == READ_FIRST else replace(note, count=note.count or records) for note in fixed]
        keys = () if self.keys is None else self.keys.notes()
        return (
            *always,
            *(Note(*name, count=number) for name, number in sorted(self.counted.items())),
            *keys,
            *self.emails.notes(),
        )


def of_plan(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes of a run as a plan has them: it does not know for how many records a run reads first."""
    more = "; a plan does not count these requests"
    return tuple(replace(note, reason=note.reason + more) if note.action == READ_FIRST else note for note in notes)


def _is_null(chunk: Chunk, name: str) -> bool:
    """Whether no record of the chunk has a value in this column, be it one that does not fit."""
    place = chunk.records.schema.get_field_index(name)
    if place < 0:
        return True  # of many columns a chunk has those that some record has
    unfit = any(refusal.field == name for refusal in chunk.misfits.values())
    return chunk.records.column(place).null_count == chunk.records.num_rows and not unfit


def with_notes_of_reading(notes: tuple[Note, ...], stored: tuple[Note, ...]) -> tuple[Note, ...]:
    """The notes, and those about the reading of an API by an earlier process of the run."""
    there = {(note.field, note.action) for note in notes}
    of_reading = (note for note in stored if note.action in OF_READING)
    return (*notes, *(note for note in of_reading if (note.field, note.action) not in there))


Words: TypeAlias = "NDArray[np.uint64]"
DUPLICATE, SCIENTIFIC = "duplicate_key", "scientific_notation"
SCIENTIFIC_KEY = r"^[+-]?\d(\.\d+)?[eE]\+\d+$"
EXAMPLES = 3
BITS = 1 << 25  # of the filter for keys that may have come in an earlier chunk
MOST_RECORDS = 1 << 24  # whose keys are compared across chunks: 8 bytes each
MOST_CANDIDATES = 10_000  # keys as text
WHAT_BECOMES = {
    "newest": "the last is sent",
    "merge": "they are sent as one, the newer values over the older ones",
    "each": "each is sent, in their order",
}


class DuplicateKeys:
    """Counts repeated keys in the chunks of one read. `add` costs nothing per record where no key is repeated."""

    def __init__(self, policy: Policy, columns: Sequence[str]) -> None:
        self._columns = columns
        self._becomes = "each key is sent once" if policy.once_per_key else WHAT_BECOMES[policy.versions]
        self._hashes: list[Words] = []
        self._records = 0
        self._seen_bits: NDArray[np.uint8] | None = None
        self._candidates: dict[int, Key] = {}  # key hash → key, of those that may be repeated
        self._repeated: dict[int, int] = {}  # key hash → records that have it, as far as is known
        self._shortened = 0
        self._example = ""

    def add(self, opened: OpenChunk, groups: Sequence[Rows]) -> None:
        """Add a chunk; `groups` are its rows that share their key with another of them."""
        if not len(opened.rows):
            return
        words = opened.hashes[:, 0] ^ opened.hashes[:, 1]
        for group in groups:
            row = int(group[-1])
            word, key = int(words[row]), opened.keys[row]
            if key is not None and (word in self._candidates or len(self._candidates) < MOST_CANDIDATES):
                self._candidates[word] = key
            self._repeated[word] = self._repeated.get(word, 0) + len(group)
        self._across(opened, words[opened.rows])
        self._look_for_scientific(opened)

    def _across(self, opened: OpenChunk, words: Words) -> None:
        self._records += len(words)
        if self._records > MOST_RECORDS:
            return
        if self._hashes and self._seen_bits is None:
            self._seen_bits = np.zeros(BITS // 8, dtype=np.uint8)
            for earlier in self._hashes:
                self._seen_before(earlier)
        if self._seen_bits is not None:
            maybe = self._seen_before(words)
            for place in np.flatnonzero(maybe).tolist():
                key = opened.keys[int(opened.rows[place])]
                if key is not None and len(self._candidates) < MOST_CANDIDATES:
                    self._candidates.setdefault(int(words[place]), key)
        self._hashes.append(words)

    def _seen_before(self, words: Words) -> NDArray[np.bool_]:
        """Which of these may have come before; from now on, they have."""
        assert self._seen_bits is not None
        bits = words % np.uint64(BITS)
        places = (bits >> np.uint64(3)).astype(np.int64)
        masks = np.left_shift(np.uint8(1), (bits & np.uint64(7)).astype(np.uint8))
        found: NDArray[np.bool_] = (self._seen_bits[places] & masks) != 0
        np.bitwise_or.at(self._seen_bits, places, masks)
        return found

    def _look_for_scientific(self, opened: OpenChunk) -> None:
        for name in self._columns:
            index = opened.chunk.records.schema.get_field_index(name)
            if index < 0:  # absent in every row of the chunk
                continue
            column = opened.chunk.records.column(index)
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                continue
            matches = pc.match_substring_regex(column, SCIENTIFIC_KEY)
            number = matches.true_count
            if number and not self._example:
                self._example = str(column[pc.index(matches, value=True).as_py()].as_py())
            self._shortened += number

    def close(self) -> None:
        """The read is over: count the keys that are repeated across chunks."""
        if len(self._hashes) < 2 or not self._candidates:
            return
        wanted = np.sort(np.fromiter(self._candidates, dtype=np.uint64, count=len(self._candidates)))
        counts = np.zeros(len(wanted), dtype=np.int64)
        for words in self._hashes:
            places = np.searchsorted(wanted, words)
            places[places == len(wanted)] = 0
            np.add.at(counts, places[wanted[places] == words], 1)
        for word, count in zip(wanted.tolist(), counts.tolist(), strict=True):
            if count > 1:
                self._repeated[word] = max(count, self._repeated.get(word, 0))
        self._hashes = []

    def notes(self) -> tuple[Note, ...]:
        """The notes about the keys so far."""
        where = ", ".join(self._columns)
        found = []
        if self._repeated:
            found.append(Note(where, DUPLICATE, self._words(), count=sum(self._repeated.values())))
        if self._shortened:
            reason = (
                f"{self._example} is a number in scientific notation: a spreadsheet has shortened it, "
                "and different records may have the same key"
            )
            found.append(Note(where, SCIENTIFIC, reason, count=self._shortened))
        return tuple(found)

    def _words(self) -> str:
        shown = [
            f"{number} records have the key {key_text(self._candidates[word])}"
            for word, number in self._repeated.items()
            if word in self._candidates
        ]
        more = len(self._repeated) - EXAMPLES
        others = f", and {more} more keys have several" if more > 0 else ""
        return f"{', '.join(shown[:EXAMPLES])}{others}; {self._becomes}"
