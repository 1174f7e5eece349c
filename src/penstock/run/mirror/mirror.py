"""`Mirror`: compares what a read of the dataset shows with what was delivered. Plans and runs use the same code.

A key has left the dataset when a complete read does not have it. Its object may be deleted if its identity is stored,
and no key that is still there has the same identity. A record in quarantine has not left; nor has a key whose record
is unknown or waits, or is in a batch job that has not ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sqlalchemy import Connection

from penstock.model.delivery import Delivery
from penstock.model.outcome import NOT_DELETED, SENT, Note, Outcome
from penstock.model.record import Key, Payload
from penstock.model.spec import OnDelete
from penstock.render.deletion import Deletion
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classified
from penstock.run.mirror.decision import MirrorDecision, MirrorFacts, decide, deletes_hash
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.commit import Write
from penstock.store import quarantine
from penstock.store.database import Database
from penstock.store.key_table import Level, sorted_level
from penstock.store.memory import Memory, key_hashes
from penstock.store.project import resources
from penstock.store.runs import deletions, ledger
from penstock.store.runs.deletions import SentIdentity, packed
from penstock.store.runs.ordinals import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIELD = "on_delete"  # of notes
APPROVE = "`--allow-deletes {}` deletes exactly these"
MARKED, DECIDED = 1, 2  # flags of an identity in the index


@dataclass(slots=True)
class DatasetRead:
    """What a read has shown so far: hashes of keys without a stored identity, and of the identities of its records.

    `nameless` are rows that have no key or cannot be laid out in columns: any key may be theirs.
    """

    records: int = 0
    nameless: int = 0
    keys: list[Words] = field(default_factory=list)
    identities: list[int] = field(default_factory=list)

    def add(self, opened: OpenChunk, known: NDArray[np.bool_]) -> None:
        """Add all rows of a chunk; `known` are those whose key has a stored identity."""
        self.records += len(opened.hashes)
        with_key = opened.hashes.any(axis=1)
        whole = sum(refusal.column is None for refusal in opened.chunk.misfits.values())
        self.nameless += max(int((~with_key).sum()), whole)
        self.keys.append(opened.hashes[with_key & ~known])

    def level(self) -> Level:
        """The keys, sorted."""
        every = np.concatenate([np.empty((0, 2), dtype=np.uint64), *self.keys])
        nothing = np.zeros(len(every), dtype=np.uint64)
        return sorted_level(every, nothing, nothing)


class LeftKeys(NamedTuple):
    """The keys that left the dataset, in order.

    `decided` had their deletion decided before, `left` are the others that can be deleted. The object of `moved` has
    another key now. `returned` are hashes of keys whose deletion was decided, and which are there again.
    `unidentified` is how many cannot be deleted, because no identity of them is stored.
    """

    decided: Sequence[SentIdentity]
    left: Sequence[SentIdentity]
    moved: Sequence[SentIdentity] = ()
    returned: Sequence[bytes] = ()
    unidentified: int = 0

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of all that would be deleted, in order."""
        return tuple(row.key for row in deletions.in_order([*self.decided, *self.left]))


class PlannedDeletions(NamedTuple):
    """What a run would delete, or what a person would have to approve first. `requests` are those of the run."""

    keys: tuple[Key, ...] = ()
    hash: str | None = None
    notes: tuple[Note, ...] = ()
    requests: int = 0


@dataclass(slots=True)
class Mirror:
    """One destination during one read. `delivered_keys` is how many counted as delivered when it began."""

    prepared: Prepared
    deletion: Deletion
    memory: Memory
    index: Level  # by the key's hash: `values` are hashes of identities, `prints` flags
    delivered_keys: int
    restored: str | None
    there: NDArray[np.bool_]  # which keys of the index the read has shown
    read: DatasetRead = field(default_factory=DatasetRead)

    @staticmethod
    def load(conn: Connection, prepared: Prepared, memory: Memory | None) -> Mirror | None:
        """The mirror of a destination; None if it is none."""
        if prepared.deletion is None or memory is None:
            return None
        name = prepared.spec.name
        found = deletions.identity_index(conn, name)
        flags = found.marked.astype(np.uint64) * np.uint64(MARKED) + found.decided.astype(np.uint64) * np.uint64(
            DECIDED
        )
        index = sorted_level(found.hashes, found.identities, flags)
        del found, flags  # as large as the index
        unmarked = np.column_stack((index.high, index.low))[(index.prints & np.uint64(MARKED)) == 0]
        delivered = len(memory.keys()) + int((~memory.knows(unmarked)).sum())
        restored = resources.deletions_doubt(conn, name)
        there = np.zeros(len(index), dtype=np.bool_)
        return Mirror(prepared, prepared.deletion, memory, index, delivered, restored, there)

    @property
    def on_delete(self) -> OnDelete:
        assert self.prepared.spec.on_delete is not None
        return self.prepared.spec.on_delete

    def returned(self, chunk: OpenChunk, payload: Payload) -> Payload:
        """The payload of a record; of one whose object has a mark, with nulls that take the mark back."""
        if self.deletion.mark is None or len(self.index) == 0:
            return payload
        [spot] = self.index.positions(chunk.hashes[[payload.ordinal - chunk.first]])
        is_marked = spot >= 0 and int(self.index.prints[spot]) & MARKED
        return self.deletion.returned(payload) if is_marked else payload

    def delivered(self, delivery: Delivery, write: Callable[[Write], None]) -> None:
        """Store the identities of what a delivery has sent; of a batch job when it has ended."""
        sent = [settled.payload for settled in delivery.settled if settled.outcome in SENT]
        if sent and delivery.job is None:
            rows, name = self._rows(sent), self.prepared.spec.name
            write(lambda conn: deletions.put_identities(conn, name, rows))

    def _rows(self, payloads: Sequence[Payload]) -> list[SentIdentity]:
        """The identities of payloads by their keys; none of a payload without one."""
        hashes = key_hashes([payload.key for payload in payloads]).tolist()
        found = (
            (hash_, payload.key, self.deletion.identity(payload))
            for hash_, payload in zip(hashes, payloads, strict=True)
        )
        return [SentIdentity(packed((hash_[0], hash_[1])), key, one) for hash_, key, one in found if one is not None]

    def add(self, opened: OpenChunk, classified: Classified) -> list[SentIdentity]:
        """Add a classified chunk of the read. Returns the identities of delivered keys that were not known before."""
        self.see(opened)
        sent = [self.deletion.identity(payload) for payload in classified.fresh]
        learned = self._learned(opened, classified)
        found = [*(one for one in sent if one is not None), *(row.identity for row in learned)]
        self.read.identities += [deletions.identity_hash(identity) for identity in found]
        return learned

    def see(self, opened: OpenChunk) -> None:
        """Note that the keys of a chunk are there."""
        spots = self.index.positions(opened.hashes)
        self.there[spots[spots >= 0]] = True
        self.read.add(opened, spots >= 0)

    def _learned(self, opened: OpenChunk, classified: Classified) -> list[SentIdentity]:
        """Identities of keys that are remembered and not sent now: their records are rendered for it."""
        unknown = opened.hashes.any(axis=1) & (self.index.positions(opened.hashes) < 0)
        if not unknown.any():
            return []
        unknown[[ordinal - opened.first for payload in classified.fresh for ordinal in payload.ordinals]] = False
        rows = np.flatnonzero(unknown)
        rows = rows[self.memory.knows(opened.hashes[rows])]
        if len(rows) == 0:
            return []
        return self._rows(self.prepared.render(opened.chunk, rows.tolist()).payloads)

    def left_keys(self, conn: Connection) -> LeftKeys:
        """The keys that left, after a complete read."""
        index, name = self.index, self.prepared.spec.name
        there = self.there
        decided = (index.prints & np.uint64(DECIDED)) != 0
        gone = ~there & ((index.prints & np.uint64(MARKED)) == 0)
        present = np.concatenate((index.values[there], np.array(self.read.identities, dtype=np.uint64)))
        moved = gone & np.isin(index.values, present)
        doubtful = self._doubtful(conn)
        rows = deletions.read_identities(conn, name, self._hashes(gone & ~moved))
        rows = [row for row in rows if row.key_hash not in doubtful]
        return LeftKeys(
            decided=[row for row in rows if row.deletion is not None],
            left=[row for row in rows if row.deletion is None],
            moved=deletions.read_identities(conn, name, self._hashes(moved)),
            returned=[part.tobytes() for part in self._hashes(decided & there).astype("<u8")],
            unidentified=self._unidentified(),
        )

    def _hashes(self, rows: NDArray[np.bool_]) -> Words:
        return np.column_stack((self.index.high[rows], self.index.low[rows]))

    def _unidentified(self) -> int:
        known = self.memory.keys()
        known = known[self.index.positions(known) < 0]
        return int((self.read.level().positions(known) < 0).sum())

    def _doubtful(self, conn: Connection) -> frozenset[bytes]:
        """Keys of which a version is unknown or waits, or is in a batch job: it may arrive after a deletion."""
        name, undecided = self.prepared.spec.name, (Outcome.UNKNOWN, Outcome.WAITING)
        waiting = {hash_ for hash_, version in quarantine.versions(conn, name) if version.outcome in undecided}
        jobs = {record.hash for job in ledger.pending_jobs(conn, name) for record in job.records}
        return frozenset(packed(hash_) for hash_ in waiting | jobs)

    def decide(self, keys: LeftKeys, incomplete: str | None, *, approved: bool) -> MirrorDecision:
        """Which deletions are carried out."""
        facts = MirrorFacts(
            records=self.read.records,
            delivered=self.delivered_keys,
            left=len(keys.left),
            decided=len(keys.decided),
            share=self.prepared.spec.mirror_max_share,
            incomplete=incomplete,
            restored=self.restored,
            approved=approved,
        )
        return decide(facts)

    def hash_of(self, conn: Connection, keys: Sequence[Key]) -> str | None:
        """The hash with which a person approves that these keys are deleted now."""
        name = self.prepared.spec.name
        return deletes_hash(name, self.on_delete, keys, deletions.used_hashes(conn, name))

    def incomplete(self) -> str | None:
        """Why the read may lack records, as far as they show it."""
        if self.read.nameless:
            return f"{self.read.nameless} rows cannot be read, or have no key"
        notes = self.prepared.data.dataset.notes()
        return next((note.reason for note in notes if note.action == "incomplete"), None)

    def notes_on(self, keys: LeftKeys, decision: MirrorDecision) -> list[Note]:
        """What people have to know: what cannot be deleted, and what is deleted too."""
        found: list[Note] = []
        if keys.unidentified:
            reason = (
                "delivered before the destination was a mirror, or without an id, and not in the dataset any more: "
                "they have no stored identity, so they are never deleted"
            )
            found.append(Note(FIELD, "no identity", reason, keys.unidentified))
        if keys.moved:
            reason = "the object of a key that left is in the dataset under another key: it is not deleted"
            found.append(Note(FIELD, "moved", reason, len(keys.moved)))
        number = len(keys.decided) + len(keys.left)
        if number and self.deletion.deletes_too is not None:
            found.append(Note(FIELD, "deleted too", f"Custify also deletes {self.deletion.deletes_too}", number))
        if number and not decision.deletes and not decision.withheld:
            found.append(Note(FIELD, "nothing deleted", str(decision.reason), number))
        return found

    def planned(self, conn: Connection) -> PlannedDeletions:
        """What a run would do now, after the same read."""
        keys = self.left_keys(conn)
        decision = self.decide(keys, self.incomplete(), approved=False)
        notes = tuple(self.notes_on(keys, decision))
        if not (decision.continues or decision.withheld):
            return PlannedDeletions(notes=notes)
        hash_ = self.hash_of(conn, keys.keys)
        if decision.withheld:
            notes = (*notes, Note(FIELD, NOT_DELETED, f"{decision.reason}; {APPROVE.format(hash_)}", len(keys.left)))
        requests = len(keys.decided) * decision.continues + len(keys.left) * decision.deletes
        return PlannedDeletions(keys.keys, hash_, notes, requests)


def planned_deletions(database: Database, mirror: Mirror | None) -> PlannedDeletions:
    """What a mirror would delete after the read that has ended; nothing if it is none."""
    if mirror is None:
        return PlannedDeletions()
    with database.read() as conn:
        return mirror.planned(conn)
