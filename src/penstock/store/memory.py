"""`Memory`: what was last delivered, per key, as a 128-bit key hash, the content's hash and the input's fingerprint.

In the process the keys are in sorted columns, 32 bytes a key; in the database in packed segments (both `key_table`).
A failure is never remembered: the caller passes only what was delivered or accepted. Load it again after a transaction
that was rolled back. Destinations with `company_link: replace` also have the links to companies that were sent here.

The keys in flight, one packed row per chunk, are those whose memory is outdated if the process dies. Without them, a
source that went back to its old value after a crash would look unchanged while the API has the new one.

A fingerprint is a hash of the input columns in use: a record with the same one as last time is not rendered. DuckDB's
hash is not promised to be the same in all versions, so a fingerprint counts only under the version it was made with;
after an upgrade a run is slower once, and sends nothing because of it (the content hash decides).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from sqlalchemy import Connection, delete, select

from penstock.model.record import Key
from penstock.render.values.columns import json_values
from penstock.store import key_table
from penstock.store.database import upsert, upsert_all
from penstock.store.key_table import FORGOTTEN, KeyTable
from penstock.store.quarantine import KeyHash
from penstock.store.runs.ordinals import Words
from penstock.store.tables import in_flight, sent_links, sent_values

if TYPE_CHECKING:
    from numpy.typing import NDArray


Mask: TypeAlias = "NDArray[np.bool_]"


def key_hashes(keys: Sequence[Key | None]) -> Words:
    """(n, 2) uint64: xxh3-128 of each key's text; the parts of a several-column key are distinguished by their lengths.

    The same on every machine and in every version. None hashes like the empty text.
    """
    digest = xxhash.xxh3_128_digest
    joined = b"".join(
        [
            digest(key.encode("utf-8", "surrogatepass")) if isinstance(key, str) else _digest_of_parts(key or ())
            for key in keys
        ]
    )
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _digest_of_parts(key: tuple[str, ...]) -> bytes:
    parts = [part.encode("utf-8", "surrogatepass") for part in key]
    # another seed, so that no single text is like them
    return xxhash.xxh3_128_digest(b"".join(b"%d:%b" % (len(part), part) for part in parts), seed=1)


class Memory:
    """The memory of one destination. `version` is that of the fingerprints: others do not count as the same input.

    With `once` (each key is sent once) what was delivered stays, whatever becomes of other content of its key.
    """

    def __init__(self, destination: str, version: str, table: KeyTable, *, once: bool = False) -> None:
        self._once = once
        self._destination = destination
        self._version = version
        self._table = table
        self._staged = KeyTable()

    @staticmethod
    def load(conn: Connection, destination: str, version: str, *, once: bool = False) -> Memory:
        """All that is known of a destination, without the keys that a dead process left in flight."""
        table = KeyTable(key_table.read_segments(conn, destination, version))
        table.forget(keys_left_in_flight(conn, destination))
        return Memory(destination, version, table, once=once)

    def __len__(self) -> int:
        """The number of keys, forgotten ones included."""
        return len(self._table)

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    def keys(self) -> Words:
        """(n, 2): the hashes of all keys that are remembered, in no order."""
        return self._table.keys()

    def knows(self, hashes: Words) -> Mask:
        """Which of these keys were ever sent. `hashes` is (n, 2) uint64 in all methods."""
        known: Mask = self._table.find(hashes).values != FORGOTTEN
        return known

    def same_input(self, hashes: Words, prints: Words) -> Mask:
        """True where the key was sent with this very fingerprint, and nothing else is in flight for it."""
        found = self._table.find(hashes)
        same: Mask = np.logical_and.reduce((found.values != FORGOTTEN, found.prints == prints, prints != 0))
        if len(self._staged) > 0:
            same[self._staged.find(hashes).values != FORGOTTEN] = False
        return same

    def contents(self, hashes: Words) -> list[int | None]:
        """The content hash last sent, or in flight, for each key; None where there is none."""
        values = self._table.find(hashes).values
        if len(self._staged) > 0:
            staged = self._staged.find(hashes).values
            values = np.where(staged == FORGOTTEN, values, staged)
        return [None if value == FORGOTTEN else value for value in values.tolist()]

    def is_in_flight(self, hashes: Words) -> Mask:
        """True where the content that `contents` returns is in flight."""
        if len(self._staged) == 0:
            return np.zeros(len(hashes), dtype=np.bool_)
        staged: Mask = self._staged.find(hashes).values != FORGOTTEN
        return staged

    def stage(self, hashes: Words, contents: Words) -> None:
        """These contents are in flight: until they are remembered or unstaged, they count as sent."""
        self._staged.put(hashes, _never_forgotten(contents), np.zeros(len(hashes), dtype=np.uint64))

    def unstage(self, hashes: Words) -> None:
        """These contents are no longer in flight."""
        self._staged.forget(hashes)

    def remember(
        self, conn: Connection, hashes: Words, contents: Words, prints: Words, *, confirmed: bool = True
    ) -> None:
        """Remember what was delivered; a print of 0 means that the input's fingerprint is not known.

        Not `confirmed`: the API has accepted them, and they stay in flight until their result is known.
        """
        if self._once and not confirmed:
            new = ~self.knows(hashes)
            hashes, contents, prints = hashes[new], contents[new], prints[new]
        contents = _never_forgotten(contents)
        key_table.append_segment(conn, self._destination, self._version, hashes, contents, prints)
        self._table.put(hashes, contents, prints)
        if confirmed:
            self.unstage(hashes)

    def forget(self, conn: Connection, hashes: Words) -> None:
        """Forget these keys: what the API has for them is not known any more."""
        key_table.forget_in_segments(conn, self._destination, hashes)
        self._table.forget(hashes)

    def forget_sent(self, conn: Connection, hashes: Words, contents: Words) -> None:
        """Forget these keys, because these contents were sent and not delivered."""
        if self._once:
            hashes = hashes[self._table.find(hashes).values == _never_forgotten(contents)]
        if len(hashes):
            self.forget(conn, hashes)

    def leave_out(self, hashes: Words) -> None:
        """Take these keys for unknown in this process, and leave them in the database."""
        self._table.forget(hashes)

    def compact(self, conn: Connection) -> None:
        """At the end of a run: when more than half of what the database holds is outdated, write it again."""
        if key_table.count_segment_rows(conn, self._destination) > 2 * len(self._table) + key_table.LONG_SEGMENT:
            self._table = KeyTable()  # freed first: the new one needs the memory
            self._table = KeyTable(key_table.rewrite_segments(conn, self._destination, self._version))


def _never_forgotten(contents: Words) -> Words:
    """0 means "forgotten", so a content hash of 0 is stored as 1: at worst one record is sent once more."""
    return np.where(contents == FORGOTTEN, np.uint64(1), contents)


def read_sent_links(conn: Connection, destination: str) -> dict[KeyHash, tuple[str, ...]]:
    """Key hash → the links as they were written, of all keys of a destination."""
    query = select(sent_links.c.identity, sent_links.c.links).where(sent_links.c.destination == destination)
    found: dict[KeyHash, tuple[str, ...]] = {}
    for identity, links in conn.execute(query):
        high, low = np.frombuffer(identity, dtype="<u8").tolist()
        found[high, low] = tuple(json.loads(links))
    return found


def put_sent_links(conn: Connection, destination: str, links: Mapping[KeyHash, Sequence[str]]) -> None:
    """Replace the stored links of these keys."""
    rows = [
        {
            "destination": destination,
            "identity": np.array(key, dtype="<u8").tobytes(),
            "links": json.dumps(list(some), ensure_ascii=False),
        }
        for key, some in links.items()
    ]
    upsert_all(conn, sent_links, rows, ["destination", "identity"])


def read_sent_values(conn: Connection, destination: str, name: str) -> dict[KeyHash, int]:
    """Key hash → the hash of the value that was last delivered of a field with `if_unchanged`, by its wire name."""
    mine = (sent_values.c.destination == destination) & (sent_values.c.field == name)
    found: dict[KeyHash, int] = {}
    for identity, value in conn.execute(select(sent_values.c.identity, sent_values.c.value).where(mine)):
        high, low = np.frombuffer(identity, dtype="<u8").tolist()
        found[high, low] = value % (1 << 64)
    return found


def put_sent_values(conn: Connection, destination: str, values: Mapping[tuple[str, KeyHash], int]) -> None:
    """Store the hashes of what was delivered, by field and key hash."""
    rows = [
        {
            "destination": destination,
            "field": name,
            "identity": np.array(key, dtype="<u8").tobytes(),
            "value": value - (1 << 64) if value >= 1 << 63 else value,
        }
        for (name, key), value in values.items()
    ]
    upsert_all(conn, sent_values, rows, ["destination", "field", "identity"])


def add_in_flight(conn: Connection, destination: str, run: str, first: int, hashes: Words) -> None:
    """Remembered keys of the chunk at ordinal `first` are about to be sent with other content."""
    mine = (in_flight.c.destination == destination) & (in_flight.c.run == run) & (in_flight.c.first == first)
    before = conn.execute(select(in_flight.c.hashes).where(mine)).scalar_one_or_none() or b""
    packed = before + np.ascontiguousarray(hashes, dtype="<u8").tobytes()
    upsert(conn, in_flight, {"destination": destination, "run": run, "first": first, "hashes": packed})


def end_chunks_in_flight(conn: Connection, destination: str, run: str, position: int) -> None:
    """Everything before this ordinal is decided: chunks that began before the one it lies in are over."""
    mine = (in_flight.c.destination == destination) & (in_flight.c.run == run)
    earlier = select(in_flight.c.first).where(mine, in_flight.c.first < position)
    newest = conn.execute(earlier.order_by(in_flight.c.first.desc()).limit(1)).scalar_one_or_none()
    if newest is not None:
        conn.execute(delete(in_flight).where(mine, in_flight.c.first < newest))


def clear_in_flight(conn: Connection, destination: str, run: str) -> None:
    """Remove the keys in flight of a run that has ended."""
    conn.execute(delete(in_flight).where(in_flight.c.destination == destination, in_flight.c.run == run))


def keys_left_in_flight(conn: Connection, destination: str) -> Words:
    """(n, 2) uint64: the keys in flight. When no process runs the destination: what dead processes left."""
    found = conn.execute(select(in_flight.c.hashes).where(in_flight.c.destination == destination)).scalars().all()
    return np.frombuffer(b"".join(found), dtype="<u8").astype(np.uint64).reshape(-1, 2)


def take_keys_left_in_flight(conn: Connection, destination: str) -> Words:
    """The keys that dead processes left in flight; they are deleted from the memory in the database."""
    hashes = keys_left_in_flight(conn, destination)
    conn.execute(delete(in_flight).where(in_flight.c.destination == destination))
    key_table.forget_in_segments(conn, destination, hashes)
    return hashes


def fingerprint_version() -> str:
    """Fingerprints of another version do not count."""
    return f"2/{duckdb.__version__}"


def fingerprints(
    batch: pa.RecordBatch, columns: Sequence[str], absent: Mapping[str, frozenset[int]] | None = None
) -> Words:
    """(rows,) uint64, never 0. Absent differs from null; the columns' order counts, their neighbours do not."""
    if not columns:
        return np.ones(batch.num_rows, dtype=np.uint64)
    known = set(batch.schema.names)
    nothing: pa.Array = pa.nulls(batch.num_rows, pa.string())  # type: ignore[type-arg]
    arrays = [_plain(batch.column(name)) if name in known else nothing for name in columns]
    try:
        prints = _hashed(arrays)
    except duckdb.Error:
        prints = _hashed([_nested_as_text(array) for array in arrays])
    for number, name in enumerate(columns, start=1):
        gone = list((absent or {}).get(name, ())) if name in known else list(range(batch.num_rows))
        if gone:
            prints[gone] = _mixed(prints[gone], number)
    prints[prints == 0] = 1
    return prints


def _hashed(arrays: Sequence[pa.Array]) -> Words:  # type: ignore[type-arg]
    names = [f"c{number}" for number in range(len(arrays))]
    with _database().cursor() as con:
        con.register("input", pa.Table.from_arrays(arrays, names))
        found = con.sql(f"select hash({', '.join(names)}) as print from input").fetchnumpy()
    return np.asarray(found["print"], dtype=np.uint64)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for the process: to open one takes longer than to hash a chunk. Every use has its own cursor."""
    return duckdb.connect(config={"threads": 1})


def _mixed(prints: Words, number: int) -> Words:
    """The fingerprints mixed with the number of an absent column, by the last steps of a 64-bit hash."""
    words = prints + np.uint64(number * 0x9E3779B97F4A7C15 % (1 << 64))
    words ^= words >> np.uint64(32)
    words *= np.uint64(0xD6E8FEB86659FD93)
    return words ^ (words >> np.uint64(32))


def _plain(array: pa.Array) -> pa.Array:  # type: ignore[type-arg]
    return pc.cast(array, array.type.value_type) if pa.types.is_dictionary(array.type) else array


def _nested_as_text(array: pa.Array) -> pa.Array:  # type: ignore[type-arg]
    """A nested column as text: DuckDB knows fewer types than Arrow, and refuses text that is not UTF-8."""
    return pa.array(map(repr, json_values(array)), pa.string()) if pa.types.is_nested(array.type) else array
