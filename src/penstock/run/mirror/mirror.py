"""`Mirror`: compares what a read of the dataset shows with what was delivered. Plans and runs use the same code.

A key has left the dataset when a complete read does not have it. Its object may be deleted if its identity is stored,
no key that is still there has one of its identities, and no other mirror has delivered it. A record in quarantine has
not left; nor has a key whose record is unknown or waits, or is in a batch job that has not ended.
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
from penstock.run.diff.records import without_record
from penstock.run.mirror.decision import MirrorDecision, MirrorFacts, decide, deletes_hash
from penstock.run.mirror.identities import DECIDED, MARKED, KnownIdentities, readable_identities
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


@dataclass(slots=True)
class DatasetRead:
    """What a read has shown so far: hashes of keys without a stored identity, and of the identities of its records.

    `nameless` are rows that have no key or cannot be laid out in columns: any key may be theirs. `identities` are of
    records that are sent, or were. Of the records that are not delivered, `refused` are the identities, `unseen` the
    keys without a stored identity whose identity cannot be read, and `unread` those with one.
    """

    records: int = 0
    nameless: int = 0
    keys: list[Words] = field(default_factory=list)
    identities: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    unseen: list[Words] = field(default_factory=list)
    unread: list[Words] = field(default_factory=list)

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

    `decided` had their deletion decided before, with the `on_delete` of now, `left` are the others that can be deleted.
    The object of `moved` has another key now, that of `shared` was delivered by another mirror too. `returned` are
    hashes of keys whose deletion was decided, and which are there again and were not sent. `refused` is how many are of
    the object of a record that is there under another key and not delivered: it has not left. `unidentified` is how
    many cannot be deleted, because no identity of them is stored; `unseen` is how many refused records may be the
    objects of keys that left.
    """

    decided: Sequence[SentIdentity]
    left: Sequence[SentIdentity]
    moved: Sequence[SentIdentity] = ()
    returned: Sequence[bytes] = ()
    shared: Sequence[SentIdentity] = ()
    refused: int = 0
    unidentified: int = 0
    unseen: int = 0

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
    known: KnownIdentities
    delivered_keys: int
    restored: str | None
    there: NDArray[np.bool_]  # which of the known keys the read has shown
    read: DatasetRead = field(default_factory=DatasetRead)

    @staticmethod
    def load(conn: Connection, prepared: Prepared, memory: Memory | None) -> Mirror | None:
        """The mirror of a destination; None if it is none.

        Keys whose deletion is decided count as unknown to the memory: a process that died may have deleted them.
        """
        if prepared.deletion is None or memory is None:
            return None
        name = prepared.spec.name
        known = KnownIdentities.load(conn, name, prepared.deletion.place)
        memory.leave_out(known.hashes(known.flagged(DECIDED)))
        delivered = len(memory.keys()) + int((~memory.knows(known.hashes(~known.flagged(MARKED)))).sum())
        restored = resources.deletions_doubt(conn, name)
        there = np.zeros(len(known), dtype=np.bool_)
        return Mirror(prepared, prepared.deletion, memory, known, delivered, restored, there)

    @property
    def on_delete(self) -> OnDelete:
        assert self.prepared.spec.on_delete is not None
        return self.prepared.spec.on_delete

    def returned(self, chunk: OpenChunk, payload: Payload) -> Payload:
        """The payload of a record; of one whose object has a mark, or may have it, with nulls that take it back."""
        if len(self.known) == 0 or (self.deletion.mark is None and not self.known.marks):
            return payload
        [spot] = self.known.positions(chunk.hashes[[payload.ordinal - chunk.first]])
        mark = self.known.mark_at(spot) if spot >= 0 else None
        has_flag = spot >= 0 and int(self.known.level.prints[spot]) & (MARKED | DECIDED)
        may_have_mark = mark is not None or (self.deletion.mark is not None and has_flag)
        return self.deletion.returned(payload, mark) if may_have_mark else payload

    def delivered(self, delivery: Delivery, write: Callable[[Write], None]) -> None:
        """Store the identities of what a delivery has sent; of a batch job when it has ended."""
        sent = [settled.payload for settled in delivery.settled if settled.outcome in SENT]
        if sent and delivery.job is None:
            rows = self._rows(sent)
            write(lambda conn: self.store(conn, rows))

    def store(self, conn: Connection, rows: Sequence[SentIdentity]) -> None:
        """Store identities of delivered keys."""
        deletions.put_identities(conn, self.prepared.spec.name, self.deletion.place, rows)

    def _rows(self, payloads: Sequence[Payload]) -> list[SentIdentity]:
        """The identities of payloads by their keys; none of a payload without one."""
        hashes = key_hashes([payload.key for payload in payloads]).tolist()
        return [
            SentIdentity(packed((hash_[0], hash_[1])), payload.key, found[0], others=found[1:])
            for hash_, payload in zip(hashes, payloads, strict=True)
            if (found := self.deletion.identities(payload))
        ]

    def add(self, opened: OpenChunk, classified: Classified | None) -> list[SentIdentity]:
        """Add a chunk of the read. Returns the identities of delivered keys that were not known before.

        `classified` None: an earlier process of this run has decided its rows.
        """
        spots = self.known.positions(opened.hashes)
        self.there[spots[spots >= 0]] = True
        self.read.add(opened, spots >= 0)
        sent = [] if classified is None else [*classified.fresh, *classified.same_as_in_flight]
        others = self._other_payloads(opened, sent, opened.hashes.any(axis=1) & (spots < 0))
        hashes = key_hashes([payload.key for payload in others])
        learned = (self.memory.knows(hashes) & (self.known.elsewhere.positions(hashes) < 0)).tolist()
        for payload, is_sent in [*((payload, True) for payload in sent), *zip(others, learned, strict=True)]:
            found = self.read.identities if is_sent else self.read.refused
            found += map(deletions.identity_hash, self.deletion.identities(payload))
        held = np.flatnonzero((spots >= 0) & _undelivered(opened, classified))
        self.read.unread.append(self._read_refused(opened, _with_record(opened, held)))
        return self._rows([payload for payload, is_learned in zip(others, learned, strict=True) if is_learned])

    def _read_refused(self, opened: OpenChunk, rows: NDArray[np.intp]) -> Words:
        """Add the identities of records that are not delivered. Returns the keys whose identity cannot be read."""
        if len(rows) == 0:
            return opened.hashes[rows]
        known = readable_identities(self.prepared.compiled.renderer, self.deletion, opened.chunk, rows.tolist())
        self.read.refused += (deletions.identity_hash(each) for found in known.values() for each in found)
        return opened.hashes[[row for row in rows.tolist() if row not in known]]

    def _other_payloads(
        self, opened: OpenChunk, sent: Sequence[Payload], unknown: NDArray[np.bool_]
    ) -> Sequence[Payload]:
        """The records without a stored identity that are not sent now: they are rendered for it."""
        unknown[[ordinal - opened.first for payload in sent for ordinal in payload.ordinals]] = False
        rows = _with_record(opened, np.flatnonzero(unknown))
        if len(rows) == 0:
            return ()
        made = self.prepared.render(opened.chunk, rows.tolist())
        refused = np.array([each.ordinal - opened.first for each in made.refused], dtype=np.intp)
        self.read.unseen.append(self._read_refused(opened, refused))
        return made.payloads

    def left_keys(self, conn: Connection, *, is_plan: bool = False) -> LeftKeys:
        """The keys that left, after a complete read. For a plan, what would be sent counts as delivered."""
        self._know_newest(conn)
        known, name, there = self.known, self.prepared.spec.name, self.there
        gone = ~there & ~known.flagged(MARKED)
        sent, refused_ids = (np.array(each, dtype=np.uint64) for each in (self.read.identities, self.read.refused))
        moved = gone & known.having([known.identities(there), *([sent] if is_plan else [])])
        refused = gone & ~moved & known.having([sent, refused_ids])  # what was sent may have been refused by the API
        shared = gone & ~moved & ~refused
        place = self.deletion.place
        if shared.any():
            shared &= known.having([deletions.kept_identities(conn, other, place) for other in self.deletion.others])
        doubtful = self._doubtful(conn)
        rows = deletions.read_identities(conn, name, known.hashes(gone & ~moved & ~refused & ~shared))
        rows = [row for row in rows if row.key_hash not in doubtful]
        returned = known.hashes(known.flagged(DECIDED) & there).astype("<u8")
        return LeftKeys(
            decided=[row for row in rows if self._is_decided(row)],
            left=[row for row in rows if not self._is_decided(row)],
            moved=deletions.read_identities(conn, name, known.hashes(moved)),
            returned=[part.tobytes() for part in returned],
            shared=deletions.read_identities(conn, name, known.hashes(shared)),
            refused=int(refused.sum()),
            unidentified=self._unidentified(),
            unseen=self._unseen(),
        )

    def _is_decided(self, row: SentIdentity) -> bool:
        """Whether its deletion was decided with the `on_delete` of now. One that was to mark must not delete."""
        if row.deletion is None or row.deletion == deletions.UNCERTAIN:
            return False
        return row.mark is None if self.deletion.mark is None else self.deletion.marks(row.mark) == row.mark

    def _know_newest(self, conn: Connection) -> None:
        """Read again what is known: batch jobs that another process left have ended, and were recorded since."""
        if self.there.all() and not self.known.flagged(DECIDED).any():
            return
        shown = [self.known.hashes(self.there), *self.read.keys]
        self.known = KnownIdentities.load(conn, self.prepared.spec.name, self.deletion.place)
        self.there = np.zeros(len(self.known), dtype=np.bool_)
        for hashes in shown:
            spots = self.known.positions(hashes)
            self.there[spots[spots >= 0]] = True

    def _unidentified(self) -> int:
        remembered = self.memory.keys()
        remembered = remembered[self.known.positions(remembered) < 0]
        return int((self.read.level().positions(remembered) < 0).sum())

    def _unseen(self) -> int:
        unseen, unread = (
            np.unique(np.concatenate([np.empty((0, 2), dtype=np.uint64), *hashes]), axis=0)
            for hashes in (self.read.unseen, self.read.unread)
        )
        return int((self.known.positions(unseen) < 0).sum()) + len(unread)

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
            unseen=keys.unseen,
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

    def notes_on(self, keys: LeftKeys, decision: MirrorDecision, *, is_plan: bool = False) -> list[Note]:
        """What people have to know: what cannot be deleted, and what is deleted too.

        A plan says it of deletions that a person may approve, too.
        """
        found: list[Note] = []
        if keys.unidentified:
            reason = (
                "delivered before the destination was a mirror, to another account or without an id, and not in the "
                "dataset any more: they have no stored identity, so they are never deleted"
            )
            found.append(Note(FIELD, "no identity", reason, keys.unidentified))
        if keys.moved:
            reason = "the object of a key that left is in the dataset under another key: it is not deleted"
            found.append(Note(FIELD, "moved", reason, len(keys.moved)))
        if keys.refused:
            reason = (
                "a record that was not delivered has the id of the object of a key that left: the object is not "
                "deleted while the record is in the dataset"
            )
            found.append(Note(FIELD, "refused", reason, keys.refused))
        if keys.shared:
            reason = "another mirror has delivered the object of a key that left: it is not deleted"
            found.append(Note(FIELD, "shared", reason, len(keys.shared)))
        number = len(keys.decided) + len(keys.left)
        deleted = number if is_plan and decision.withheld else decision.deleted(len(keys.decided), len(keys.left))
        if deleted and self.deletion.deletes_too is not None:
            found.append(Note(FIELD, "deleted too", f"Custify also deletes {self.deletion.deletes_too}", deleted))
        if number and not decision.deletes and not decision.withheld:
            found.append(Note(FIELD, NOT_DELETED, f"nothing is deleted: {decision.reason}", number))
        return found

    def planned(self, conn: Connection) -> PlannedDeletions:
        """What a run would do now, after the same read."""
        keys = self.left_keys(conn, is_plan=True)
        decision = self.decide(keys, self.incomplete(), approved=False)
        notes = tuple(self.notes_on(keys, decision, is_plan=True))
        if not (decision.continues or decision.withheld):
            return PlannedDeletions(notes=notes)
        hash_ = self.hash_of(conn, keys.keys)
        if decision.withheld:
            notes = (*notes, Note(FIELD, NOT_DELETED, f"{decision.reason}; {APPROVE.format(hash_)}", len(keys.left)))
        return PlannedDeletions(keys.keys, hash_, notes, decision.deleted(len(keys.decided), len(keys.left)))


def _with_record(opened: OpenChunk, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of the rows that make a record."""
    for none in without_record(opened.chunk, rows).values() if len(rows) else ():
        rows = rows[~np.isin(rows, none)]
    return rows


def _undelivered(opened: OpenChunk, classified: Classified | None) -> NDArray[np.bool_]:
    """The rows whose record may be another one than was delivered last, and is not sent now."""
    rows = np.ones(len(opened.hashes), dtype=np.bool_)
    if classified is not None:
        rows[opened.rows] = False
        rows[[decision.ordinal - opened.first for decision in classified.decided]] = True
        rows[[ordinal - opened.first for payload in classified.refreshed for ordinal in payload.ordinals]] = False
    return rows


def planned_deletions(database: Database, mirror: Mirror | None) -> PlannedDeletions:
    """What a mirror would delete after the read that has ended; nothing if it is none."""
    if mirror is None:
        return PlannedDeletions()
    with database.read() as conn:
        return mirror.planned(conn)
