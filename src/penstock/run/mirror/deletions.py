"""`Deletions`: decides at the end of a run of a mirror what is deleted, and sends the requests for it.

The decision is one transaction; each request is then recorded in one too: its row of the ledger, the key's memory and
identity, and the count. So a process that dies leaves decided deletions, which the next run carries out; a DELETE that
was done and not recorded is answered with 404 then, and recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sqlalchemy import Connection

from penstock.model.delivery import Delivery, Settled
from penstock.model.outcome import NOT_DELETED, SENT, Note, Outcome, Refusal
from penstock.model.record import Batch, Chunk, Payload
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classified
from penstock.run.mirror.decision import MirrorDecision
from penstock.run.mirror.mirror import APPROVE, FIELD, LeftKeys, Mirror
from penstock.run.mirror.turns import Gate
from penstock.run.pipeline import BatchPipeline, Pipeline, Ticket
from penstock.run.recording.commit import entry_of
from penstock.run.recording.recorder import Recorder
from penstock.run.stop import StopSignal
from penstock.store.project import resources
from penstock.store.runs import deletions
from penstock.store.runs.deletions import SentIdentity
from penstock.store.runs.ordinals import Words

CHANGED = "the input changed while it was read"
NO_TURN = "nothing is deleted: another part of the flow failed, or the flow was stopped"
BESIDE = "an unfinished run still sends older versions"


@dataclass(slots=True)
class DeletionRecorder:
    """Records deletions for a `Pipeline`: rows of the ledger without a record of the input."""

    recorder: Recorder
    mirror: Mirror
    rows: Sequence[SentIdentity]  # by the ordinals of the payloads
    failed: list[str] = field(default_factory=list)  # the reason of each that was not carried out

    async def intend(self, *_: object) -> int:
        raise AssertionError  # a deletion may be sent again

    def withdraw(self, *_: object) -> None:
        raise AssertionError

    def confirm(self, *_: object) -> None:
        raise AssertionError  # they are not sent in batches

    def settle(self, delivery: Delivery, intent: int | None) -> Ticket:  # noqa: ARG002 - one interface
        commits = self.recorder.commits
        number = self.recorder.next_delivery
        self.recorder.next_delivery += 1
        decided = [settled for settled in delivery.settled if settled.outcome is not Outcome.UNSENT]
        commits.pending.totals["retries"] += min(max(delivery.attempts - 1, 0), delivery.requests)
        commits.pending.entries.append(replace(entry_of(delivery, number, decided), ordinals=[]))
        for settled in decided:
            self._record(settled, delivery)
        self.recorder.store_request(delivery, number)
        commits.commit_soon()
        return self.recorder.run.id, number

    def refuse(self, payloads: Sequence[Payload], refusal: Refusal) -> None:
        self.failed += [refusal.reason] * len(payloads)

    def _record(self, settled: Settled, delivery: Delivery) -> None:
        done, context = settled.outcome in SENT, self.recorder.context
        context.fuse.count(refused=not done and delivery.status is not None)
        reason = context.fuse.stop_reason()
        if reason is not None:
            context.signal.stop("fuse", reason)
        if not done:
            self.failed.append(delivery.reason)
            return
        commits, row = self.recorder.commits, self.rows[settled.payload.ordinal]
        name, marks = self.mirror.prepared.spec.name, self.mirror.deletion.mark is not None
        hashes = _words([row.key_hash])
        commits.pending.totals["deleted"] += 1
        commits.write(lambda conn: self.mirror.memory.forget(conn, hashes))
        commits.write(lambda conn: deletions.mark_deleted(conn, name, [row.key_hash], marked=marks))


@dataclass(slots=True)
class NoDeletions:
    """In the place of `Deletions` for a run that deletes nothing."""

    is_read: bool = False
    is_waiting: bool = False
    notes: tuple[Note, ...] = ()
    deletes_hash: str | None = None
    reason: str | None = None

    def add(self, opened: OpenChunk, classified: Classified) -> None: ...

    async def carry_out(self, pipeline: BatchPipeline) -> None: ...


@dataclass(slots=True)
class Deletions:
    """The deletions of one run. `chunks(skip)` gives its input from that row on; `began_at` is where it began to read.

    `gate`: waits until the parents' deletions may be sent; false if they may not. `is_read`: the input was read to its
    end. `notes` and `deletes_hash` are for the report of the run.
    """

    mirror: Mirror
    recorder: Recorder
    signal: StopSignal
    chunks: Callable[[int], Iterator[Chunk]]
    began_at: int
    gate: Gate | None = None
    is_read: bool = False
    is_waiting: bool = False
    notes: tuple[Note, ...] = ()
    deletes_hash: str | None = None

    def add(self, opened: OpenChunk, classified: Classified) -> None:
        """Add a chunk of the read, and store the identities of delivered keys that were not known before."""
        learned = self.mirror.add(opened, classified)
        if learned:
            self.recorder.commits.write(lambda conn: self.mirror.store(conn, learned))
            self.recorder.commits.commit_soon()

    @property
    def reason(self) -> str | None:
        """Why a run is partial that sent everything and did not delete everything."""
        return next((note.reason for note in self.notes if note.action == NOT_DELETED), None)

    async def carry_out(self, pipeline: BatchPipeline) -> None:
        """Decide, and send the requests. Does nothing after a read that was not complete."""
        assert isinstance(pipeline, Pipeline), "a file is no mirror"
        await self.recorder.commits.durable()
        if self.gate is not None:
            self.is_waiting = True
            may_delete = await self.gate()
            self.is_waiting = False
            if not may_delete:
                self.notes = (*self.notes, Note(FIELD, NOT_DELETED, NO_TURN))
                return
        if self.signal.is_set or not self.is_read:
            return
        await asyncio.to_thread(self._read_before)
        decided = self._decide()
        if decided:
            await self._send(pipeline, decided)

    async def _send(self, pipeline: Pipeline, decided: Sequence[SentIdentity]) -> None:
        recorder = DeletionRecorder(self.recorder, self.mirror, decided)
        deletion = self.mirror.deletion
        context = replace(pipeline.context, shape=deletion.shape, recorder=recorder, code=None)
        sending = Pipeline(context, pipeline.concurrency)
        for number, row in enumerate(decided):
            if self.signal.is_set:
                break
            await sending.put(Batch(number, (deletion.payload(number, row.key, row.identity),)))
        await sending.drain()
        await self.recorder.commits.durable()
        if recorder.failed:
            reason = f"{recorder.failed[0]}; the next run tries again"
            self.notes = (*self.notes, Note(FIELD, NOT_DELETED, reason, len(recorder.failed)))

    def _read_before(self) -> None:
        """The keys of what an earlier process of this run has read."""
        prepared = self.mirror.prepared
        for chunk in self.chunks(0) if self.began_at > 0 else ():
            if chunk.first >= self.began_at:
                break
            opened = prepared.open_chunk(chunk)
            rows = min(self.began_at - chunk.first, len(opened.hashes))
            opened.hashes = opened.hashes[:rows]
            self.mirror.add(opened, None)

    def _decide(self) -> list[SentIdentity]:
        """The deletions to be carried out now. Writes down that they are decided."""
        mirror, run = self.mirror, self.recorder.run
        name, context = mirror.prepared.spec.name, self.recorder.context
        incomplete = mirror.incomplete() or self._changed()
        with context.database.begin() as conn:
            context.guard(conn)
            keys = mirror.left_keys(conn)
            every, others = mirror.hash_of(conn, keys.keys), mirror.hash_of(conn, [row.key for row in keys.left])
            of_run = (run.id, run.parent)
            approved = next((h for h in (every, others) if h and deletions.is_approved(conn, name, h, of_run)), None)
            decision = mirror.decide(keys, incomplete, approved=approved is not None)
            self.notes = tuple(mirror.notes_on(keys, decision))
            self._withhold(decision, keys, others if decision.continues else every)
            if incomplete is not None:
                return []
            self._take_back(conn, keys.returned)
            self._forget(conn, [*keys.moved, *keys.shared])
            if decision.deletes:
                deletions.decide_deletions(conn, name, [row.key_hash for row in keys.left], run.id)
                if approved is not None:
                    deletions.use_approval(conn, name, approved, run.id)
                    resources.confirm_deletions(conn, name)
            sent = [*(keys.decided if decision.continues else ()), *(keys.left if decision.deletes else ())]
            if mirror.deletion.mark is not None:
                deletions.put_marks(conn, name, [(row.key_hash, mirror.deletion.marks(row.mark)) for row in sent])
        return deletions.in_order(sent)

    def _changed(self) -> str | None:
        if self.recorder.run.beside is not None:
            return BESIDE
        run = self.recorder.run
        if run.frozen is not None or run.input_identity is None:
            return None
        return CHANGED if self.mirror.prepared.data.dataset.identity() != run.input_identity else None

    def _withhold(self, decision: MirrorDecision, keys: LeftKeys, hash_: str | None) -> None:
        if decision.withheld:
            self.deletes_hash = hash_
            number = len(keys.left) if decision.continues else len(keys.keys)
            reason = f"{decision.reason}; {APPROVE.format(hash_)}"
            self.notes = (*self.notes, Note(FIELD, NOT_DELETED, reason, number))

    def _take_back(self, conn: Connection, returned: Sequence[bytes]) -> None:
        """Decided deletions of keys that are there again and could not be sent: Custify may not have them any more.

        A mark may have been set: its decision stays, so that the next delivery takes it back.
        """
        if returned and self.mirror.deletion.mark is None:
            self.mirror.memory.forget(conn, _words(returned))
            deletions.decide_deletions(conn, self.mirror.prepared.spec.name, returned, None)

    def _forget(self, conn: Connection, rows: Sequence[SentIdentity]) -> None:
        """These keys are not delivered ones any more; their objects stay."""
        if rows:
            hashes = [row.key_hash for row in rows]
            self.mirror.memory.forget(conn, _words(hashes))
            deletions.mark_deleted(conn, self.mirror.prepared.spec.name, hashes, marked=False)


def _words(hashes: Sequence[bytes]) -> Words:
    return np.frombuffer(b"".join(hashes), dtype="<u8").astype(np.uint64).reshape(-1, 2)
