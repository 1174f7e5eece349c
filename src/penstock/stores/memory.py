"""What was last delivered, per key: a 128-bit key hash, the content's hash and the input's fingerprint.

In memory the keys stand in sorted columns (`key_table`), 32 bytes a key; in the database in packed, append-only
segments of which the newest wins. A failure is never remembered: the engine passes only what was delivered or accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select

from penstock.model.record import Key
from penstock.stores.key_table import KeyTable, sorted_level
from penstock.stores.packing import Words
from penstock.stores.schema import memory_segments as segments

COMPACT_AT = 64  # segments; a run of many small commits makes many
FORGOTTEN = 0  # stands for "not known", so a content hash of 0 is kept as 1

Mask = NDArray[np.bool_]


def key_hashes(keys: Sequence[Key | None]) -> Words:
    """(n, 2) uint64: xxh3-128 of each key's text; the parts of a several-column key are told apart by their lengths."""
    digest = xxhash.xxh3_128_digest
    if all(type(key) is str for key in keys):
        joined = b"".join([digest(key.encode("utf-8", "surrogatepass")) for key in keys])  # type: ignore[union-attr]
    else:
        joined = b"".join([digest(_bytes_of(key)) for key in keys])
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _bytes_of(key: Key | None) -> bytes:
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    parts = [part.encode("utf-8", "surrogatepass") for part in key or ()]
    return b"".join(b"%d:%b" % (len(part), part) for part in parts)


class Memory:
    """The memory of one destination. `version` is that of the fingerprints: others do not count as the same input."""

    def __init__(self, destination: str, version: str, table: KeyTable) -> None:
        self._destination = destination
        self._version = version
        self._table = table
        self._on_its_way: dict[tuple[int, int], int] = {}  # key hash → content hash

    @staticmethod
    def load(conn: Connection, destination: str, version: str) -> Memory:
        query = select(segments).where(segments.c.destination == destination).order_by(segments.c.seq)
        table = KeyTable()
        for row in conn.execute(query).mappings():
            columns = [np.frombuffer(row[name], dtype="<u8") for name in ("high", "low", "contents", "prints")]
            prints = columns[3] if row["version"] == version else np.zeros_like(columns[3])
            table.put(np.column_stack(columns[:2]), columns[2], prints)
        return Memory(destination, version, table)

    def __len__(self) -> int:
        return len(self._table)

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    def knows(self, hashes: Words) -> Mask:
        """Which of these keys were ever sent."""
        return self._table.find(hashes).values != FORGOTTEN

    def same_input(self, hashes: Words, prints: Words) -> Mask:
        """True where the key was sent with this very fingerprint, and nothing else is on its way for it."""
        found = self._table.find(hashes)
        same: Mask = (found.values != FORGOTTEN) & (found.prints == prints) & (prints != 0)
        if self._on_its_way and same.any():
            for row in np.flatnonzero(same):
                if (int(hashes[row, 0]), int(hashes[row, 1])) in self._on_its_way:
                    same[row] = False
        return same

    def contents(self, hashes: Words) -> list[int | None]:
        """The content hash last sent, or on its way, for each key; None where there is none."""
        values = self._table.find(hashes).values.tolist()
        known: list[int | None] = [None if value == FORGOTTEN else value for value in values]
        if self._on_its_way:
            for row, (high, low) in enumerate(hashes.tolist()):
                known[row] = self._on_its_way.get((high, low), known[row])
        return known

    def stage(self, hashes: Words, contents: Words) -> None:
        """These contents are on their way: until they are remembered or unstaged, they count as sent."""
        for (high, low), content in zip(hashes.tolist(), contents.tolist(), strict=True):
            self._on_its_way[high, low] = content or 1

    def unstage(self, hashes: Words) -> None:
        """Nothing came of these keys."""
        for high, low in hashes.tolist():
            self._on_its_way.pop((high, low), None)

    def remember(self, conn: Connection, hashes: Words, contents: Words, prints: Words) -> None:
        """These were delivered; a print of 0 says that the input's fingerprint is not known."""
        contents = np.where(contents == FORGOTTEN, np.uint64(1), contents)
        self._append(conn, hashes, contents, prints)
        self._table.put(hashes, contents, prints)
        if self._on_its_way:
            self.unstage(hashes)

    def forget(self, conn: Connection, hashes: Words) -> None:
        """What stands at the API for these keys is not known any more."""
        nothing = np.zeros(len(hashes), dtype=np.uint64)
        self._append(conn, hashes, nothing, nothing)
        self._table.forget(hashes)

    def compact(self, conn: Connection) -> None:
        """Make one segment of many."""
        mine = segments.c.destination == self._destination
        if conn.execute(select(func.count()).select_from(segments).where(mine)).scalar_one() < COMPACT_AT:
            return
        merged = Memory.load(conn, self._destination, self._version)._table  # noqa: SLF001 - its own kind
        conn.execute(delete(segments).where(mine))
        for level in merged.levels():
            known = level.values != FORGOTTEN
            hashes = np.column_stack((level.high[known], level.low[known]))
            self._append(conn, hashes, level.values[known], level.prints[known])

    def _append(self, conn: Connection, hashes: Words, contents: Words, prints: Words) -> None:
        if len(hashes) == 0:
            return
        level = sorted_level(hashes, contents, prints)
        mine = segments.c.destination == self._destination
        seq = conn.execute(select(func.coalesce(func.max(segments.c.seq), -1)).where(mine)).scalar_one() + 1
        packed = {"high": level.high, "low": level.low, "contents": level.values, "prints": level.prints}
        conn.execute(
            insert(segments).values(
                destination=self._destination,
                seq=seq,
                version=self._version,
                count=len(level),
                **{name: column.astype("<u8").tobytes() for name, column in packed.items()},
            )
        )
