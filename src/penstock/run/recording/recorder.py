"""`Recorder`: records the outcome of every record of a run, with quarantine, memory, counts and checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from penstock.delivery.verdict import JOB_RULE
from penstock.model.delivery import Delivery, Reply, Settled, reply_document, request_document, response_record
from penstock.model.outcome import IN_QUARANTINE, SENT, Outcome, Refusal
from penstock.model.record import Payload, Request
from penstock.run.diff.backlog import Backlog, OpenChunk, SameKeyRow, SameKeyRows, Traced
from penstock.run.diff.decision import STILL, Decision
from penstock.run.diff.diff import SAME_INPUT, SUPERSEDED, SUPERSEDED_LIVE, Classified
from penstock.run.diff.notes import Notes
from penstock.run.recording.commit import (
    CommitSchedule,
    RecorderContext,
    Ticket,
    Write,
    changes_of,
    each_of,
    entry_of,
    job_of,
)
from penstock.run.recording.quarantine_writer import OLDER, QuarantineWriter
from penstock.store import memory as remembered
from penstock.store.quarantine import KeyHash
from penstock.store.runs import deliveries, ledger, runs
from penstock.store.runs.deliveries import refusal_json, still_quarantined_json
from penstock.store.runs.ledger import LedgerEntry
from penstock.store.runs.runs import RunRow
from penstock.store.unknown_records import ACCEPTED, DIED

if TYPE_CHECKING:
    from numpy.typing import NDArray

STORED_FIRST = 20  # requests of a run that are stored whole
STORED_FAILURES = 100  # of one process of it
Words: TypeAlias = "NDArray[np.uint64]"


class Recorder:
    """One run's bookkeeping; belongs to one event loop."""

    def __init__(
        self, commits: CommitSchedule, context: RecorderContext, backlog: Backlog, notes: Notes, keys: set[KeyHash]
    ) -> None:
        self.commits = commits
        self.context = context
        self.backlog = backlog
        self.notes = notes
        self.next_delivery = 0
        self.last_intent = 0
        self._quarantine = QuarantineWriter(context, commits.run.id, self._write, keys)
        self._same_rows = SameKeyRows()
        self._jobs: dict[Ticket, Mapping[int, Traced]] = {}  # the records of batch jobs that have not ended
        self._left_jobs = set[Ticket]()  # of earlier processes: what was sent of their records is not known
        self._stored_failures = 0
        self.sent_again: dict[int, int] = {}  # ordinal of a record sent again → its ordinal with outcome unknown
        commits.written = self._decide_delivered_rows

    @staticmethod
    def open(context: RecorderContext, run: RunRow, notes: Notes, keys: set[KeyHash]) -> Recorder:
        """The recorder of a run that continues at its position; `keys` are the hashes of the keys in quarantine."""
        backlog = Backlog(run.position)
        return Recorder(CommitSchedule(context, run, backlog, notes), context, backlog, notes, keys)

    @property
    def run(self) -> RunRow:
        """The run as of the last commit."""
        return self.commits.run

    # ── what the classifier decided ──────────────────────────────────────────────

    def add_classified(self, chunk: OpenChunk, classified: Classified) -> None:
        """Record what needs no request: unchanged, refused by Penstock's checks, in quarantine, waiting."""
        now = self.context.now()
        for rows, reason in classified.unchanged:
            keys = [chunk.keys[row] for row in rows.tolist()] if reason in (SUPERSEDED, SUPERSEDED_LIVE) else None
            self.decide(LedgerEntry(Outcome.UNCHANGED, rows + chunk.first, now, keys=keys, reason=reason))
        alike: dict[tuple[Outcome, str], list[Decision]] = {}
        for decision in classified.decided:
            alike.setdefault((decision.outcome, decision.reason), []).append(decision)
        for (outcome, reason), decisions in alike.items():
            ordinals, keys = [decision.ordinal for decision in decisions], [d.key for d in decisions]
            why = refusal_json(decisions[0].refusal) or still_quarantined_json(decisions[0].refused_before)
            self.decide(LedgerEntry(outcome, ordinals, now, keys=keys, reason=reason, refusal=why))
        self._quarantine.add_decided(chunk, classified.decided)
        for payload in classified.same_as_in_flight:
            self._same_rows.add(SameKeyRow(payload, chunk.hash_of(payload.ordinal)))
        self._refresh(chunk, classified)
        self.notes.count(chunk, classified, are_counted=chunk.first in self.sent_again)
        self.commits.commit_soon()

    def _refresh(self, chunk: OpenChunk, classified: Classified) -> None:
        """Store the new fingerprint of content as it was sent, and release its key from the quarantine."""
        rows = np.array([payload.ordinal - chunk.first for payload in classified.refreshed], dtype=np.int64)
        if len(rows) and chunk.prints is not None:
            contents = np.array([payload.content for payload in classified.refreshed], dtype=np.uint64)
            self._remember(chunk.hashes[rows], contents, chunk.prints[rows])
        if self._quarantine.keys:
            same = (rows for rows, reason in classified.unchanged if reason is SAME_INPUT)  # others change nothing
            released = [row + chunk.first for some in (rows, *same) for row in some.tolist()]
            released += [part for payload in classified.refreshed for part in payload.parts]
            for ordinal in released:
                high, low = chunk.hashes[ordinal - chunk.first].tolist()
                self._quarantine.release_record(chunk.trace, ordinal, (high, low))

    # ── what the pipeline reports ────────────────────────────────────────────

    async def add_in_flight(self, chunk: OpenChunk, payloads: Sequence[Payload]) -> None:
        """Remember while the run lasts what is about to be sent; and durably, which remembered keys may be outdated."""
        memory = self.context.memory
        linked = self.context.links.sending(chunk, payloads) if self.context.links is not None else {}
        if linked:
            self._write(lambda conn: remembered.put_sent_links(conn, self.context.destination, linked))
        if memory is None or not payloads:
            if linked:
                await self.commits.durable()
            return
        rows = np.array([payload.ordinal - chunk.first for payload in payloads], dtype=np.int64)
        hashes = chunk.hashes[rows]
        before = zip(payloads, memory.contents(hashes), strict=True)
        known = hashes[[content not in (None, payload.content) for payload, content in before]]
        known = known[:0] if self.context.once_per_key else known  # a key that was delivered once stays known
        memory.stage(hashes, np.array([payload.content for payload in payloads], dtype=np.uint64))
        if len(known) or linked:
            destination, run, first = self.context.destination, self.run.id, chunk.first
            self._write(lambda conn: remembered.add_in_flight(conn, destination, run, first, known))
            await self.commits.durable()

    async def intend(self, payloads: Sequence[Payload], request: Request) -> int:
        number = self.last_intent = self.last_intent + 1
        intent = ledger.Intent(
            number=number,
            ordinals=[payload.ordinal for payload in payloads],
            keys=[payload.key for payload in payloads],
            contents=[payload.content for payload in payloads],
            request=request_document(request, whole=len(payloads) == 1),
            at=self.context.now(),
            entries=self._quarantine.entries_of(payloads) if self.context.resent else {},
        )
        self.commits.pending.begun.append(intent)
        await self.commits.durable()
        return number

    def withdraw(self, intent: int) -> None:
        self.commits.pending.ended.append(intent)
        self.commits.commit_soon()

    def settle(self, delivery: Delivery, intent: int | None) -> Ticket:
        number = self.next_delivery
        self.next_delivery += 1
        if intent is not None:
            self.commits.pending.ended.append(intent)
        decided = [settled for settled in delivery.settled if settled.outcome is not Outcome.UNSENT]
        traced = self._traced(decided, every=delivery.job is not None)
        self.commits.pending.totals["retries"] += min(max(delivery.attempts - 1, 0), delivery.requests)
        self.decide(entry_of(delivery, number, decided))
        self.context.first.count(decided, answered=isinstance(delivery.answer, Reply))
        self._settle(delivery, decided, traced)
        self._count_refused(delivery, decided)
        self._not_sent([s.payload for s in delivery.settled if s.outcome is Outcome.UNSENT])
        if delivery.job is not None:
            self._jobs[self.run.id, number] = traced
            job = job_of(self.context, (self.run.id, number), delivery, decided, traced)
            self._write(lambda conn: ledger.add_job(conn, job))
        self.store_request(delivery, number)
        self.commits.commit_soon()
        return self.run.id, number

    def confirm(self, ticket: Ticket, delivery: Delivery, repeats: int) -> None:
        run, number = ticket
        self.commits.pending.totals["retries"] += repeats
        changes, counts = changes_of(delivery)
        if run == self.run.id:
            self.commits.pending.counts.update(counts)
            self.context.first.count(delivery.settled, answered=True, again=True)
            self._count_refused(delivery, delivery.settled)
        else:  # the records were counted by another run, and are so still; nor are they for the fuse of this one
            self._write(lambda conn: runs.recount(conn, run, counts))
        self._write(lambda conn: ledger.change_outcomes(conn, run, number, changes, repeats))
        self._write(lambda conn: ledger.end_job(conn, run, number))
        self._settle(
            delivery, list(delivery.settled), self._jobs.pop(ticket), run if ticket in self._left_jobs else None
        )
        self._store_response(delivery, number)
        self.commits.commit_soon()

    def resume_job(self, job: ledger.PendingJob) -> None:
        """Take over a batch job that an earlier process left unconfirmed."""
        traced = {record.ordinal: Traced(*record[:5]) for record in job.records}
        traced |= {
            part: Traced(part, each.key, each.hash, 0, text) for each in job.records for part, text in each.parts
        }
        self._jobs[job.run, job.delivery] = traced
        self._left_jobs.add((job.run, job.delivery))
        if self.context.memory is not None and job.records:
            hashes = np.array([record.hash for record in job.records], dtype=np.uint64)
            self.context.memory.stage(hashes, np.array([record.content for record in job.records], dtype=np.uint64))

    def refuse(self, payloads: Sequence[Payload], refusal: Refusal) -> None:
        ordinals = [ordinal for payload in payloads for ordinal in payload.ordinals]
        keys = [payload.key for payload in payloads for _ in payload.ordinals]
        now, why = self.context.now(), refusal_json(refusal)
        self.decide(LedgerEntry(Outcome.QUARANTINED, ordinals, now, keys=keys, reason=refusal.reason, refusal=why))
        for payload in payloads:
            records = [self.backlog.trace(ordinal) for ordinal in payload.ordinals]
            for record in records:
                self._quarantine.add(record, Outcome.QUARANTINED, refusal)
            self._quarantine_same(records[-1], payload.content, Outcome.QUARANTINED, refusal)
        self._unstage(payloads)
        self.commits.commit_soon()

    def unknown(self, traced: Sequence[Traced], intent: ledger.Intent) -> None:
        """Record as unknown what an earlier process was sending when it died: some records of one of its requests."""
        reason, contents = DIED, dict(zip(intent.ordinals, intent.contents, strict=True))
        refusal = Refusal("no answer", reason, accepted=ACCEPTED)
        ordinals = [record.ordinal for record in traced]
        keys = [record.key for record in traced]
        now, why = self.context.now(), refusal_json(refusal)
        self.decide(LedgerEntry(Outcome.UNKNOWN, ordinals, now, keys=keys, reason=reason, refusal=why))
        for record in traced:
            self._quarantine.add(record, Outcome.UNKNOWN, refusal, content=contents[record.ordinal], intent=intent)
        self.commits.commit_soon()

    # ── inside ───────────────────────────────────────────────────────────────

    def _write(self, write: Write) -> None:
        self.commits.write(write)

    def decide(self, entry: LedgerEntry) -> None:
        """Record the outcome of records."""
        self.commits.pending.decide(entry)
        if self.sent_again:
            self._replace_outcomes(entry.ordinals)

    def _replace_outcomes(self, ordinals: Iterable[int]) -> None:
        """Take the outcome `unknown` of records that were sent again out of the ledger: they have a new one."""
        before = {self.sent_again.pop(ordinal) for ordinal in map(int, ordinals) if ordinal in self.sent_again}
        if before:
            self.commits.pending.counts.update({"read": -len(before), Outcome.UNKNOWN: -len(before)})
            self.commits.pending.replaced |= before

    def _traced(self, decided: Iterable[Settled], *, every: bool) -> dict[int, Traced]:
        """The records to quarantine or (with `every`) to retain until their job has ended, by ordinal."""
        return {
            ordinal: self.backlog.trace(ordinal)
            for settled in decided
            if every or settled.outcome in IN_QUARANTINE
            for ordinal in settled.payload.ordinals
        }

    def _settle(
        self, delivery: Delivery, decided: Sequence[Settled], traced: Mapping[int, Traced], left: str | None = None
    ) -> None:
        """Memory and quarantine for records that a reply has decided; `left`: of a job that this run left, and raw."""
        sent = [settled for settled in decided if settled.outcome in SENT]
        if sent and self.context.memory is not None:
            self._remember(*self._words(sent, traced), confirmed=delivery.job is None)
        remember = each_of(None, self.context.unchanged) if left is not None else self.context.remember_sent
        if remember is not None:
            remember(delivery, self._write)
        self._linked(decided, traced)
        is_older = left not in (None, self.run.id)
        if is_older:
            traced = {ordinal: record._replace(ordinal=OLDER) for ordinal, record in traced.items()}
        for settled in decided:
            if settled.outcome in IN_QUARANTINE and settled.refusal is not None:
                self._add_to_quarantine(settled, settled.refusal, delivery, traced)
            elif self._quarantine.keys or self.context.resent:
                self._release_delivered(settled.payload, traced, is_older=is_older)

    def _add_to_quarantine(
        self, settled: Settled, refusal: Refusal, delivery: Delivery, traced: Mapping[int, Traced]
    ) -> None:
        payload, record = settled.payload, traced[settled.payload.ordinal]
        for ordinal in payload.ordinals:
            self._quarantine.add(traced[ordinal], settled.outcome, refusal, delivery, payload.content)
        self._forget(payload, record.hash)
        self._quarantine_same(record, payload.content, settled.outcome, refusal)

    def _count_refused(self, delivery: Delivery, decided: Sequence[Settled]) -> None:
        """Count records that the API refused, and stop the run if they are too many for its fuse."""
        fuse, answered = self.context.fuse, isinstance(delivery.answer, Reply)
        with_result = [each for each in decided if each.refusal is None or each.refusal.rule != JOB_RULE]
        for settled in with_result:
            if settled.outcome is not Outcome.ACCEPTED:
                fuse.count(refused=settled.outcome is Outcome.QUARANTINED and answered)
        if len(with_result) < len(decided):  # a whole batch for one reply without results: once
            fuse.count(refused=True)
        reason = fuse.stop_reason()
        if reason is not None:
            self.context.signal.stop("fuse", reason)

    def _words(self, sent: Sequence[Settled], traced: Mapping[int, Traced]) -> tuple[Words, Words, Words]:
        """Key hashes, contents and fingerprints of delivered records."""
        contents = np.array([settled.payload.content for settled in sent], dtype=np.uint64)
        if traced and all(settled.payload.ordinal in traced for settled in sent):
            records = [traced[settled.payload.ordinal] for settled in sent]
            hashes = np.array([record.hash for record in records], dtype=np.uint64)
            return hashes, contents, np.array([record.print for record in records], dtype=np.uint64)
        hashes, prints = self.backlog.words([settled.payload.ordinal for settled in sent])
        return hashes, contents, prints

    def _linked(self, decided: Sequence[Settled], traced: Mapping[int, Traced]) -> None:
        """Write down the links of the people that Custify has confirmed."""
        links = self.context.links
        if links is None:
            return
        written: dict[tuple[int, int], tuple[str, ...]] = {}
        for settled in decided:
            if settled.outcome is Outcome.DELIVERED and settled.payload.links is not None:
                written.update(links.confirmed(self._hash_of(settled.payload, traced), settled.payload))
        if written:
            self._write(lambda conn: remembered.put_sent_links(conn, self.context.destination, written))

    def _release_delivered(self, payload: Payload, traced: Mapping[int, Traced], *, is_older: bool = False) -> None:
        """Release these records from the quarantine. `is_older`: they are older than all that this run has read."""
        for ordinal in payload.ordinals:
            find = traced.__getitem__ if ordinal in traced else self.backlog.trace
            self._quarantine.release_record(find, ordinal, self._hash_of(payload, traced), is_older=is_older)

    def _hash_of(self, payload: Payload, traced: Mapping[int, Traced]) -> tuple[int, int]:
        if payload.ordinal in traced:
            return traced[payload.ordinal].hash
        return self.backlog.hash_of(payload.ordinal)

    def decide_waiting_rows(self) -> None:
        """At the end: a row that still waits equals one that the API accepted and did not confirm in time."""
        if not self.context.signal.is_set:
            self._decide_same(list(self._same_rows.take_all()), Outcome.UNCHANGED, SAME_INPUT)

    def _decide_delivered_rows(self) -> None:
        if self._same_rows and self.context.memory is not None:
            self._decide_same(list(self._same_rows.take_sent(self.context.memory)), Outcome.UNCHANGED, SAME_INPUT)

    def _quarantine_same(self, record: Traced, content: int, outcome: Outcome, refusal: Refusal) -> None:
        """Quarantine the rows that equal one that was not delivered."""
        if self._same_rows:
            why = still_quarantined_json(refusal_json(refusal))
            self._decide_same(self._same_rows.take(record.hash, content), outcome, STILL.format(refusal.reason), why)

    def _not_sent(self, payloads: Sequence[Payload]) -> None:
        """Leave these payloads, and rows equal to them, undecided: the end of the run counts them as unsent."""
        for payload in payloads if self._same_rows else ():
            self._same_rows.take(self._hash_of(payload, {}), payload.content)
        self._unstage(payloads)

    def _decide_same(self, rows: Sequence[SameKeyRow], outcome: Outcome, reason: str, why: str | None = None) -> None:
        if rows:
            ordinals = [ordinal for row in rows for ordinal in row.payload.ordinals]
            keys = [row.payload.key for row in rows for _ in row.payload.ordinals]
            self.decide(LedgerEntry(outcome, ordinals, self.context.now(), keys=keys, reason=reason, refusal=why))

    def _remember(self, hashes: Words, contents: Words, prints: Words, *, confirmed: bool = True) -> None:
        memory = self.context.memory
        assert memory is not None
        self._write(lambda conn: memory.remember(conn, hashes, contents, prints, confirmed=confirmed))

    def _forget(self, payload: Payload, hash_: tuple[int, int]) -> None:
        """Forget a key whose newest version may have arrived: its remembered content may be outdated."""
        memory = self.context.memory
        if memory is not None:
            hashes, contents = np.array([hash_], dtype=np.uint64), np.array([payload.content], dtype=np.uint64)
            memory.unstage(hashes)
            self._write(lambda conn: memory.forget_sent(conn, hashes, contents))

    def _unstage(self, payloads: Sequence[Payload]) -> None:
        if self.context.memory is not None and payloads:
            hashes = [self._hash_of(payload, {}) for payload in payloads]
            self.context.memory.unstage(np.array(hashes, dtype=np.uint64))

    def store_request(self, delivery: Delivery, number: int) -> None:
        """The first requests of a run, and the first that went wrong, are stored whole for a person to look at."""
        self._store_response(delivery, number)
        well = delivery.outcome in SENT
        if number >= STORED_FIRST and (well or self._stored_failures >= STORED_FAILURES):
            return
        self._stored_failures += not well
        run, request, reply = self.run.id, request_document(delivery.request), reply_document(delivery.answer)
        self._write(lambda conn: deliveries.store_exchange(conn, run, number, request, reply))

    def _store_response(self, delivery: Delivery, number: int) -> None:
        if self.context.store_responses:
            record = response_record(delivery, run=self.run.id, number=number)
            self._write(lambda conn: deliveries.append_responses(conn, self.context.destination, [record]))
