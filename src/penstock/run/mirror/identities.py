"""`KnownIdentities`: by what Custify finds the objects that one mirror has delivered, without their texts.

Two keys are of the same object if any identity of one is any identity of the other: a person has up to two, `user_id`
and e-mail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from sqlalchemy import Connection

from penstock.model.record import Chunk
from penstock.render.deletion import Deletion, identity_renderer
from penstock.render.renderer import Renderer
from penstock.store.key_table import Level, sorted_level
from penstock.store.runs import deletions
from penstock.store.runs.ordinals import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARKED, DECIDED = 1, 2  # flags of a key
FLAG_BITS = 2  # the bits after them are the place of its mark, from 1


def readable_identities(
    renderer: Renderer, deletion: Deletion, chunk: Chunk, rows: Sequence[int]
) -> dict[int, list[dict[str, Any]]]:
    """By what Custify would find the objects of refused records, by row; without the rows for which that is not known.

    What is wrong with a record may be anything but the first members that identify it. A value that does not fit its
    column is not in the chunk: where such a record has an empty cell in a column of these members, nothing is known.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    unknown = set[int]()
    misfits = [row for row in rows if row in chunk.misfits]
    whole = replace(chunk, misfits={}) if misfits else chunk
    for names in deletion.identified_by:
        narrow = identity_renderer(renderer, names)
        made = narrow.render(whole, rows)
        unknown |= {refused.ordinal - chunk.first for refused in made.refused} - found.keys()
        columns = [each.step.column for each in narrow.inputs if each.step.column is not None]
        unknown |= {row for row in misfits if any(_is_empty(chunk, column, row) for column in columns)} - found.keys()
        for payload in made.payloads:
            row, identities = payload.ordinal - chunk.first, deletion.identities(payload)
            if identities and row not in unknown:
                found.setdefault(row, []).extend(identities)
    return found


def _is_empty(chunk: Chunk, column: str, row: int) -> bool:
    place = chunk.records.schema.get_field_index(column)
    return place < 0 or not chunk.records.column(place)[row].is_valid


@dataclass(slots=True)
class KnownIdentities:
    """`level`: by the key's hash; its `values` are hashes of identities, its `prints` flags.

    `other_keys` and `others` are the further identities, each with its key. `elsewhere` are the keys that were
    delivered to another account, or as another object: by what they are found here is not known. `marks` are what
    deletions may have set on objects.
    """

    level: Level
    other_keys: Words
    others: Words
    elsewhere: Level
    marks: Sequence[Mapping[str, Any]] = ()

    @staticmethod
    def load(conn: Connection, destination: str, place: str) -> KnownIdentities:
        """Those of a destination that were delivered to this place."""
        found = deletions.identity_index(conn, destination, place)
        marked, decided = found.marked.astype(np.uint64), found.decided.astype(np.uint64)
        flags = marked * np.uint64(MARKED) + decided * np.uint64(DECIDED) + (found.marks << np.uint64(FLAG_BITS))
        nothing = np.zeros(len(found.elsewhere), dtype=np.uint64)
        elsewhere = sorted_level(found.elsewhere, nothing, nothing)
        level = sorted_level(found.hashes, found.identities, flags)
        marks = [orjson.loads(text) for text in found.mark_texts]
        return KnownIdentities(level, found.other_keys, found.others, elsewhere, marks)

    def __len__(self) -> int:
        return len(self.level)

    def positions(self, hashes: Words) -> NDArray[np.intp]:
        """The position of each key, or -1."""
        return self.level.positions(hashes)

    def flagged(self, flag: int) -> NDArray[np.bool_]:
        """Which keys have a flag."""
        having: NDArray[np.bool_] = (self.level.prints & np.uint64(flag)) != 0
        return having

    def mark_at(self, position: int) -> Mapping[str, Any] | None:
        """What deletions may have set on the object of a key; None if nothing is stored."""
        place = int(self.level.prints[position]) >> FLAG_BITS
        return self.marks[place - 1] if place else None

    def hashes(self, rows: NDArray[np.bool_]) -> Words:
        """The hashes of these keys."""
        return np.column_stack((self.level.high[rows], self.level.low[rows]))

    def identities(self, rows: NDArray[np.bool_]) -> Words:
        """All identities of these keys."""
        theirs = rows[self.positions(self.other_keys)] if len(self.others) else np.zeros(0, dtype=np.bool_)
        return np.concatenate((self.level.values[rows], self.others[theirs]))

    def having(self, identities: Sequence[Words]) -> NDArray[np.bool_]:
        """Which keys have one of these identities."""
        every = np.concatenate([np.empty(0, dtype=np.uint64), *identities])
        found: NDArray[np.bool_] = np.isin(self.level.values, every)
        if len(self.others):
            found[self.positions(self.other_keys[np.isin(self.others, every)])] = True
        return found
