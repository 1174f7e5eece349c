"""What the state knows of the records of a run: keys, fingerprints, the quarantine, known ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.model.record import Chunk, Lookup
from penstock.render.values.columns import key_cells
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import ANY_VERSION
from penstock.run.diff.parents import CompanyLinks
from penstock.run.prepare import Prepared
from penstock.store import memory, quarantine
from penstock.store.database import Database
from penstock.store.memory import fingerprints, key_hashes
from penstock.store.project import resources
from penstock.store.quarantine import QuarantinedVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

KeyHash = tuple[int, int]


def open_chunk(
    prepared: Prepared, chunk: Chunk, rows: NDArray[np.int64] | None = None, *, prints: bool = False
) -> OpenChunk:
    """A chunk with its keys and their hashes, and with `prints` the fingerprints of the input columns in use."""
    keys = key_cells(chunk, prepared.data.spec.key)
    hashes = key_hashes(keys)
    if None in keys:
        hashes[[row for row, key in enumerate(keys) if key is None]] = np.zeros(2, dtype=np.uint64)  # no key
    return OpenChunk(
        chunk=chunk,
        rows=np.arange(chunk.records.num_rows, dtype=np.int64) if rows is None else rows,
        keys=keys,
        hashes=hashes,
        prints=fingerprints(chunk.records, prepared.compiled.columns, chunk.absent) if prints else None,
    )


@dataclass(slots=True)
class QuarantineIndex:
    """The quarantined and discarded versions of one destination, for the classifier; the recorder updates it."""

    _versions: dict[KeyHash, list[QuarantinedVersion]]  # several of a key where its records may be parts of an object
    _discarded: frozenset[tuple[KeyHash, int]]
    _words: set[int] = field(default_factory=set)  # the first halves of their key hashes

    @staticmethod
    def load(conn: Connection, destination: str) -> QuarantineIndex:
        versions: dict[KeyHash, list[QuarantinedVersion]] = {}
        for key_hash, version in quarantine.versions(conn, destination):
            versions.setdefault(key_hash, []).append(version)
        discarded = frozenset(quarantine.discarded_versions(conn, destination))
        words = {key_hash[0] for key_hash in versions} | {key_hash[0] for key_hash, _ in discarded}
        return QuarantineIndex(versions, discarded, words)

    def keys(self) -> Iterator[KeyHash]:
        return iter(self._versions)

    def add(self, key_hash: KeyHash, version: QuarantinedVersion, *, part: bool = False) -> None:
        """Add a version: a later row that is the same is not sent. A `part` leaves other versions in."""
        others = [one for one in self._versions.get(key_hash, ()) if part and one.record != version.record]
        self._versions[key_hash] = [*others, version]
        self._words.add(key_hash[0])

    def has_others(self, key_hash: KeyHash, record: int) -> bool:
        """Whether other versions of the key are in quarantine."""
        return any(one.record != record for one in self._versions.get(key_hash, ()))

    def release(self, key_hash: KeyHash, record: int | None = None) -> None:
        """Remove a key, or one version of it."""
        others = [] if record is None else [one for one in self._versions.get(key_hash, ()) if one.record != record]
        if others:
            self._versions[key_hash] = others
        else:
            self._versions.pop(key_hash, None)

    def find(self, key_hash: KeyHash, record: int) -> QuarantinedVersion | None:
        """The entry of this version: its own, or one that puts all versions of its key in doubt."""
        return next((one for one in self._versions.get(key_hash, ()) if one.record in (record, ANY_VERSION)), None)

    def discarded(self, key_hash: KeyHash, record: int) -> bool:
        identity = key_hash if key_hash != (0, 0) else (0, record)
        return (identity, record) in self._discarded

    def rows_of_interest(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        if not self._words:
            return np.empty(0, dtype=np.int64)
        words = self._words
        return np.array([row for row, word in enumerate(hashes[:, 0].tolist()) if word in words], dtype=np.int64)


def links_of(conn: Connection, prepared: Prepared) -> CompanyLinks | None:
    """The links to companies that the destination has sent, where it removes old ones."""
    if prepared.spec.company_link == "add":
        return None
    return CompanyLinks(memory.read_sent_links(conn, prepared.spec.name), partial=prepared.data.dataset.partial)


@dataclass(frozen=True, slots=True)
class StoredIds:
    """Custify's own ids that were looked up before, stored in the state database."""

    database: Database
    credential: str
    clock: Clock

    def get(self, lookup: Lookup) -> str | None:
        with self.database.read() as conn:
            return resources.known_id(conn, self.credential, lookup.kind, lookup.by, lookup.value)

    def put(self, found: Mapping[Lookup, str]) -> None:
        at = iso(self.clock.now())
        with self.database.begin() as conn:
            for lookup, remote in found.items():
                resources.store_id(conn, self.credential, (lookup.kind, lookup.by, lookup.value), remote, at)

    def forget(self, lookup: Lookup) -> None:
        with self.database.begin() as conn:
            resources.forget_id(conn, self.credential, lookup.kind, lookup.by, lookup.value)
