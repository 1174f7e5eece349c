"""What becomes of every record of a run: outcomes, quarantine, memory, counts and checkpoint, written in one commit.

Decisions gather for a moment and go to the database together. What has to be durable before a request may leave
(the intent of a request that is sent once) waits for such a commit.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.engine.backlog import Backlog, OpenChunk, Traced
from penstock.engine.notes import Notes
from penstock.engine.remembering import QuarantineIndex
from penstock.engine.replies import reply_document, request_document, response_record
from penstock.engine.rows import record_hash
from penstock.engine.screen import SAME_INPUT, Decision, Held, Sifted
from penstock.engine.stopping import Fuse, StopSignal
from penstock.engine.twins import Twin, Twins
from penstock.model.delivery import Delivery, Reply, Settled
from penstock.model.outcome import HELD, SENT, Outcome, Refusal
from penstock.model.record import Payload, Request
from penstock.stores import in_flight, intents, jobs, ledger, quarantine, responses, run_records, runs
from penstock.stores.database import Database
from penstock.stores.ledger import Change, LedgerEntry, LedgerException, Sent
from penstock.stores.memory import Memory
from penstock.stores.runs import RunRow

COMMIT_EVERY_S = 0.5
COMMIT_RECORDS = 8192
KEPT_FIRST = 20  # requests of a run that are kept whole
KEPT_FAILURES = 100  # of one process of it
Words = NDArray[np.uint64]
Write = Callable[[Connection], None]
Ticket = tuple[str, int]  # a delivery: its run, and its number in it


@dataclass(slots=True)
class Pending:
    """What the next commit holds. `writes` run in their order, inside its transaction."""

    entries: list[LedgerEntry] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    begun: list[intents.Intent] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)  # numbers of intents
    counts: Counter[str] = field(default_factory=Counter)
    ordinals: list[NDArray[np.int64]] = field(default_factory=list)


def _entry(delivery: Delivery, number: int, decided: Sequence[Settled]) -> LedgerEntry:
    """A delivery as a row of the ledger: the outcome most of its records met, and the exceptions."""
    usual = Counter(settled.outcome for settled in decided).most_common(1)
    outcome = usual[0][0] if usual else delivery.outcome
    exceptions = [
        LedgerException(
            item, s.outcome, s.refusal.reason if s.refusal else delivery.reason, s.refusal.field if s.refusal else None
        )
        for item, s in enumerate(decided)
        if s.outcome is not outcome
    ]
    sent = Sent(
        delivery=number,
        method=delivery.request.method,
        url=delivery.request.url,
        status=delivery.status,
        attempts=delivery.attempts,
        requests=delivery.requests,
        duration_ms=delivery.duration_ms,
    )
    ordinals = [settled.payload.ordinal for settled in decided]
    keys = [settled.payload.key for settled in decided]
    return LedgerEntry(outcome, ordinals, delivery.sent_at, keys, delivery.reason, sent, exceptions)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a book works with, besides the run itself."""

    database: Database
    clock: Clock
    destination: str
    settings: str
    signal: StopSignal
    fuse: Fuse
    memory: Memory | None = None
    index: QuarantineIndex | None = None  # what the screen asks; None: it does not
    keep_responses: bool = False
    mended: Mapping[tuple[int, int], str] = field(default_factory=dict)  # resent after an edit: key hash → entry
    guard: Write = lambda _: None  # raises when another process has taken the destination over
    requests: Callable[[], int] = lambda: 0  # HTTP requests made by this process for the run


class Book:
    """One run's bookkeeping; belongs to one event loop."""

    def __init__(self, desk: Desk, run: RunRow, backlog: Backlog, notes: Notes) -> None:
        self.desk = desk
        self.run = run
        self.backlog = backlog
        self.notes = notes
        self.held: set[tuple[int, int]] = set()  # key hashes that stand in the quarantine
        self.next_delivery = 0
        self._twins = Twins()
        self._jobs: dict[Ticket, Mapping[int, Traced]] = {}  # the records of batch jobs that have not ended
        self._pending = Pending()
        self.last_intent = 0
        self._commit_task: asyncio.Task[None] | None = None
        self._group: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._started = desk.clock.monotonic()
        self._kept_failures = 0
        self._earlier = run  # what earlier processes of this run had counted

    # ── what the screen decided ──────────────────────────────────────────────

    def screened(self, chunk: OpenChunk, sifted: Sifted) -> None:
        """Write down what needs no request: unchanged, refused by our own checks, held, waiting."""
        now = self._now()
        for rows, reason in sifted.unchanged:
            self._decide(LedgerEntry(Outcome.UNCHANGED, rows + chunk.first, now, reason=reason))
        alike: dict[tuple[Outcome, str], list[Decision]] = {}
        for decision in sifted.decided:
            alike.setdefault((decision.outcome, decision.reason), []).append(decision)
        for (outcome, reason), decisions in alike.items():
            ordinals = [decision.ordinal for decision in decisions]
            self._decide(LedgerEntry(outcome, ordinals, now, keys=[d.key for d in decisions], reason=reason))
        for decision in sifted.decided:
            if decision.hold and decision.outcome in HELD and decision.refusal is not None:
                record = chunk.trace(decision.ordinal)
                self._hold(record, decision.outcome, decision.refusal, content=decision.content)
        for payload in sifted.twins:
            high, low = chunk.hashes[payload.ordinal - chunk.first]
            self._twins.add(Twin(payload, (int(high), int(low))))
        self._keep_up(chunk, sifted)
        self.notes.count(sifted.notes)
        self._commit_soon()

    def _keep_up(self, chunk: OpenChunk, sifted: Sifted) -> None:
        """Content as it was sent gets its new fingerprint; a held key that is back to what was sent is released."""
        rows = np.array([payload.ordinal - chunk.first for payload in sifted.refreshed], dtype=np.int64)
        if len(rows) and chunk.prints is not None:
            contents = np.array([payload.content for payload in sifted.refreshed], dtype=np.uint64)
            self._remember(chunk.hashes[rows], contents, chunk.prints[rows])
        if self.held:
            for some in (rows, *(rows for rows, reason in sifted.unchanged)):
                for row in some.tolist():
                    self._release((int(chunk.hashes[row, 0]), int(chunk.hashes[row, 1])))

    # ── what the pipeline reports ────────────────────────────────────────────

    def on_its_way(self, chunk: OpenChunk, payloads: Sequence[Payload]) -> None:
        """Remember while the run lasts what is about to be sent; and durably, which remembered keys may be outdated."""
        memory = self.desk.memory
        if memory is None or not payloads:
            return
        rows = np.array([payload.ordinal - chunk.first for payload in payloads], dtype=np.int64)
        hashes = chunk.hashes[rows]
        known = hashes[memory.knows(hashes)]
        memory.stage(hashes, np.array([payload.content for payload in payloads], dtype=np.uint64))
        if len(known):
            destination, run, first = self.desk.destination, self.run.id, chunk.first
            self._pending.writes.append(lambda conn: in_flight.add(conn, destination, run, first, known))
            self.commit()

    async def intend(self, payloads: Sequence[Payload], request: Request) -> int:
        self.last_intent += 1
        number = self.last_intent
        intent = intents.Intent(
            number=number,
            ordinals=[payload.ordinal for payload in payloads],
            keys=[payload.key for payload in payloads],
            contents=[payload.content for payload in payloads],
            request=request_document(request),
            at=self._now(),
        )
        self._pending.begun.append(intent)
        await self._committed()
        return number

    def withdraw(self, intent: int) -> None:
        self._pending.ended.append(intent)
        self._commit_soon()

    def settle(self, delivery: Delivery, intent: int | None) -> Ticket:
        number = self.next_delivery
        self.next_delivery += 1
        if intent is not None:
            self._pending.ended.append(intent)
        decided = [settled for settled in delivery.settled if settled.outcome is not Outcome.UNSENT]
        traced = self._traced(decided, every=delivery.job is not None)
        self.run = replace(self.run, retries=self.run.retries + min(max(delivery.attempts - 1, 0), delivery.requests))
        self._decide(_entry(delivery, number, decided))
        self._settle(delivery, decided, traced)
        self._not_sent([s.payload for s in delivery.settled if s.outcome is Outcome.UNSENT])
        if delivery.job is not None:
            self._jobs[self.run.id, number] = traced
            self._write(self._job_writer(delivery, number, decided, traced))
        self._keep_exchange(delivery, number)
        self._keep_response(delivery, number)
        self._commit_soon()
        return self.run.id, number

    def confirm(self, ticket: Ticket, delivery: Delivery) -> None:
        run, number = ticket
        changes: dict[int, Change] = {}
        counts: Counter[str] = Counter()
        for settled in delivery.settled:
            if settled.outcome is not Outcome.ACCEPTED:
                refusal = settled.refusal
                reason = delivery.reason if refusal is None else refusal.reason
                field_ = None if refusal is None else refusal.field
                changes[settled.payload.ordinal] = Change(settled.outcome, reason, field_)
                counts[Outcome.ACCEPTED] -= 1
                counts[settled.outcome] += 1
        if run == self.run.id:
            self._pending.counts.update(counts)
        else:  # the records were counted by an earlier run, and are so still
            self._write(lambda conn: runs.recount(conn, run, counts))
        self._write(lambda conn: ledger.change_outcomes(conn, run, number, changes))
        self._write(lambda conn: jobs.done(conn, run, number))
        self._settle(delivery, list(delivery.settled), self._jobs.pop(ticket))
        self._keep_response(delivery, number)
        self._commit_soon()

    def resume_job(self, job: jobs.Job) -> None:
        """Take over a batch job that an earlier process left unconfirmed."""
        self._jobs[job.run, job.delivery] = {record.ordinal: Traced(*record[:-1]) for record in job.records}
        if self.desk.memory is not None and job.records:
            hashes = np.array([record.hash for record in job.records], dtype=np.uint64)
            self.desk.memory.stage(hashes, np.array([record.content for record in job.records], dtype=np.uint64))

    def refuse(self, payloads: Sequence[Payload], refusal: Refusal) -> None:
        ordinals = [payload.ordinal for payload in payloads]
        keys = [payload.key for payload in payloads]
        self._decide(LedgerEntry(Outcome.QUARANTINED, ordinals, self._now(), keys=keys, reason=refusal.reason))
        for payload in payloads:
            record = self.backlog.find(payload.ordinal).trace(payload.ordinal)
            self._hold(record, Outcome.QUARANTINED, refusal)
            self._follow(record, payload.content, Outcome.QUARANTINED, refusal)
        self._unstage(payloads)
        self._commit_soon()

    def unknown(self, traced: Sequence[Traced], reason: str) -> None:
        """Records that an earlier process was sending when it died."""
        refusal = Refusal(
            "no answer", reason, accepted="a look at Custify: did it arrive? then settle it, or resend it"
        )
        ordinals = [record.ordinal for record in traced]
        keys = [record.key for record in traced]
        self._decide(LedgerEntry(Outcome.UNKNOWN, ordinals, self._now(), keys=keys, reason=reason))
        for record in traced:
            self._hold(record, Outcome.UNKNOWN, refusal)
        self._commit_soon()

    # ── inside ───────────────────────────────────────────────────────────────

    def _now(self) -> str:
        return iso(self.desk.clock.now())

    def _write(self, write: Write) -> None:
        self._pending.writes.append(write)

    def _decide(self, entry: LedgerEntry) -> None:
        ordinals = np.asarray(entry.ordinals, dtype=np.int64)
        self._pending.entries.append(entry)
        self._pending.ordinals.append(ordinals)
        self._pending.counts["read"] += len(ordinals)
        self._pending.counts[entry.outcome] += len(ordinals) - len(entry.exceptions)
        for exception in entry.exceptions:
            self._pending.counts[exception.outcome] += 1

    def _traced(self, decided: Iterable[Settled], *, every: bool) -> dict[int, Traced]:
        """The records that have to be held or (with `every`) kept until their job has ended, by ordinal."""
        return {
            ordinal: self.backlog.find(ordinal).trace(ordinal)
            for ordinal in (s.payload.ordinal for s in decided if every or s.outcome in HELD)
        }

    def _settle(self, delivery: Delivery, decided: Sequence[Settled], traced: Mapping[int, Traced]) -> None:
        """Memory, quarantine and fuse for records whose outcome a reply has decided."""
        sent = [settled for settled in decided if settled.outcome in SENT]
        if sent and self.desk.memory is not None:
            self._remember(*self._words(sent, traced), confirmed=delivery.job is None)
        answered = isinstance(delivery.answer, Reply)
        for settled in decided:
            refused = settled.outcome is Outcome.QUARANTINED and answered
            if settled.outcome in HELD and settled.refusal is not None:
                record = traced[settled.payload.ordinal]
                self._hold(record, settled.outcome, settled.refusal, delivery, settled.payload.content)
                self._forget([settled.payload], record.hash)
                self._follow(record, settled.payload.content, settled.outcome, settled.refusal)
            elif self.held:
                self._release(self._hash_of(settled.payload, traced))
            if settled.outcome is not Outcome.ACCEPTED:
                self.desk.fuse.saw(refused=refused)
        blown = self.desk.fuse.blown()
        if blown is not None:
            self.desk.signal.stop("fuse", blown)

    def _words(self, sent: Sequence[Settled], traced: Mapping[int, Traced]) -> tuple[Words, Words, Words]:
        """Key hashes, contents and fingerprints of delivered records."""
        contents = np.array([settled.payload.content for settled in sent], dtype=np.uint64)
        if traced and all(settled.payload.ordinal in traced for settled in sent):
            records = [traced[settled.payload.ordinal] for settled in sent]
            hashes = np.array([record.hash for record in records], dtype=np.uint64)
            return hashes, contents, np.array([record.print for record in records], dtype=np.uint64)
        hashes = np.empty((len(sent), 2), dtype=np.uint64)
        prints = np.zeros(len(sent), dtype=np.uint64)
        chunk: OpenChunk | None = None
        for index, settled in enumerate(sent):
            ordinal = settled.payload.ordinal
            if chunk is None or not chunk.first <= ordinal < chunk.end:
                chunk = self.backlog.find(ordinal)
            hashes[index] = chunk.hashes[ordinal - chunk.first]
            if chunk.prints is not None:
                prints[index] = chunk.prints[ordinal - chunk.first]
        return hashes, contents, prints

    def _hash_of(self, payload: Payload, traced: Mapping[int, Traced]) -> tuple[int, int]:
        if payload.ordinal in traced:
            return traced[payload.ordinal].hash
        chunk = self.backlog.find(payload.ordinal)
        high, low = chunk.hashes[payload.ordinal - chunk.first]
        return int(high), int(low)

    def followed(self) -> None:
        """At the end: who still waits is the same as what the API has taken, and not confirmed in time."""
        if not self.desk.signal.is_set:
            self._decide_twins(list(self._twins.take_all()), Outcome.UNCHANGED, SAME_INPUT)

    def _follow(self, record: Traced, content: int, outcome: Outcome, refusal: Refusal) -> None:
        """Rows that are the same as one that did not get through are held with it."""
        if self._twins:
            twins = self._twins.take(record.hash, content)
            self._decide_twins(twins, outcome, f"still held: {refusal.reason}")

    def _not_sent(self, payloads: Sequence[Payload]) -> None:
        """Neither they nor those that are the same: the run's end counts them all as unsent."""
        for payload in payloads if self._twins else ():
            self._twins.take(self._hash_of(payload, {}), payload.content)
        self._unstage(payloads)

    def _decide_twins(self, twins: Sequence[Twin], outcome: Outcome, reason: str) -> None:
        if twins:
            ordinals, keys = [t.payload.ordinal for t in twins], [t.payload.key for t in twins]
            self._decide(LedgerEntry(outcome, ordinals, self._now(), keys=keys, reason=reason))

    def _remember(self, hashes: Words, contents: Words, prints: Words, *, confirmed: bool = True) -> None:
        memory = self.desk.memory
        assert memory is not None
        self._write(lambda conn: memory.remember(conn, hashes, contents, prints, confirmed=confirmed))

    def _forget(self, payloads: Sequence[Payload], hash_: tuple[int, int]) -> None:
        """A version that may have arrived, or not, makes what was remembered of its key worthless."""
        memory = self.desk.memory
        if memory is not None and payloads:
            hashes = np.array([hash_], dtype=np.uint64)
            memory.unstage(hashes)
            self._write(lambda conn: memory.forget(conn, hashes))

    def _unstage(self, payloads: Sequence[Payload]) -> None:
        if self.desk.memory is not None and payloads:
            hashes = [self._hash_of(payload, {}) for payload in payloads]
            self.desk.memory.unstage(np.array(hashes, dtype=np.uint64))

    def _hold(
        self,
        record: Traced,
        outcome: Outcome,
        refusal: Refusal,
        delivery: Delivery | None = None,
        content: int | None = None,
    ) -> None:
        hold = quarantine.Hold(
            destination=self.desk.destination,
            key=record.key,
            key_hash=record.hash,
            outcome=outcome,
            refusal=refusal,
            at=self._now(),
            run=self.run.id,
            record=record.record,
            record_print=record_hash(record.record),
            settings=self.desk.settings,
            content=content,
            request=None if delivery is None else request_document(delivery.request),
            reply=None if delivery is None else reply_document(delivery.answer),
        )
        self.held.add(record.hash)
        if self.desk.index is not None and record.key is not None:
            self.desk.index.hold(record.hash, Held(outcome, hold.record_print, hold.settings, refusal.reason))
        self._write(lambda conn: quarantine.hold(conn, hold))

    def _release(self, hash_: tuple[int, int]) -> None:
        if hash_ in self.held:
            self.held.discard(hash_)
            if self.desk.index is not None:
                self.desk.index.release(hash_)
            destination, mended, now = self.desk.destination, self.desk.mended.get(hash_), self._now()
            if mended is not None:  # the source still has the version that was mended: it must not be held again
                why = f"mended, and delivered by {self.run.id}"
                self._write(lambda conn: quarantine.discard(conn, [mended], why, now))
            else:
                self._write(lambda conn: quarantine.release_key(conn, destination, hash_))

    def _job_writer(
        self, delivery: Delivery, number: int, decided: Sequence[Settled], traced: Mapping[int, Traced]
    ) -> Write:
        assert delivery.job is not None
        records = [jobs.JobRecord(*traced[s.payload.ordinal], s.payload.content) for s in decided]
        job = jobs.Job(self.desk.destination, self.run.id, number, delivery.job, delivery.sent_at, records)
        return lambda conn: jobs.add(conn, job)

    def _keep_exchange(self, delivery: Delivery, number: int) -> None:
        """The first requests of a run, and the first that went wrong, are kept whole for a person to look at."""
        well = delivery.outcome in SENT
        if number >= KEPT_FIRST and (well or self._kept_failures >= KEPT_FAILURES):
            return
        self._kept_failures += not well
        run, request, reply = self.run.id, request_document(delivery.request), reply_document(delivery.answer)
        self._write(lambda conn: run_records.keep_exchange(conn, run, number, request, reply))

    def _keep_response(self, delivery: Delivery, number: int) -> None:
        if self.desk.keep_responses:
            record = response_record(delivery, run=self.run.id, number=number)
            destination = self.desk.destination
            self._write(lambda conn: responses.append(conn, destination, [record]))

    # ── the commit ───────────────────────────────────────────────────────────

    def commit(self) -> None:
        """Write everything pending in one transaction, the checkpoint with it. Once that failed, nothing more is."""
        if self._failure is not None:
            raise self._failure
        try:
            self._commit()
        except BaseException as failure:
            self._failure = failure
            self.desk.signal.stop("error", "what became of the records could not be written down")
            raise

    def _commit(self) -> None:
        pending, self._pending = self._pending, Pending()
        for ordinals in pending.ordinals:
            self.backlog.decided(ordinals)
        counts = self.run.counts.plus(pending.counts)
        run = replace(
            self.run,
            counts=counts,
            position=self.backlog.position,
            requests=self._earlier.requests + self.desk.requests(),
            duration_s=self._earlier.duration_s + self.desk.clock.monotonic() - self._started,
            notes=self.notes.all(counts.read),
        )
        with self.desk.database.begin() as conn:
            self.desk.guard(conn)
            intents.begin_all(conn, run.id, pending.begun)
            intents.end_all(conn, run.id, pending.ended)
            ledger.append(conn, run.id, pending.entries)
            for write in pending.writes:
                write(conn)
            if run.position != self.run.position:
                in_flight.done(conn, self.desk.destination, run.id, run.position)
            runs.save(conn, run)
        self.run = run
        if self._twins and self.desk.memory is not None:
            self._decide_twins(list(self._twins.take_sent(self.desk.memory)), Outcome.UNCHANGED, SAME_INPUT)

    def _commit_soon(self) -> None:
        if sum(map(len, self._pending.ordinals)) >= COMMIT_RECORDS:
            self.commit()
        elif self._commit_task is None or self._commit_task.done():
            self._commit_task = asyncio.get_running_loop().create_task(self._commit_later())

    async def _commit_later(self) -> None:
        await asyncio.sleep(COMMIT_EVERY_S)
        with suppress(Exception):  # it is kept: the run stops, and `close` raises it
            self.commit()

    async def _committed(self) -> None:
        """Come back when everything pending is durable; requests that are ready together share one commit."""
        if self._group is None or self._group.done():
            self._group = asyncio.get_running_loop().create_task(self._commit_together())
        await asyncio.shield(self._group)

    async def _commit_together(self) -> None:
        await asyncio.sleep(0)  # whoever is ready in this turn of the loop joins
        self.commit()

    def snapshot(self) -> RunRow:
        """The run as it is now, with what is not written down yet."""
        return replace(
            self.run,
            counts=self.run.counts.plus(self._pending.counts),
            requests=self._earlier.requests + self.desk.requests(),
            duration_s=self._earlier.duration_s + self.desk.clock.monotonic() - self._started,
        )

    async def close(self) -> None:
        """Stop the timer and write the rest."""
        if self._commit_task is not None and not self._commit_task.done():
            self._commit_task.cancel()
            await asyncio.wait([self._commit_task])
        self.commit()
        if self._pending.entries:  # those that only waited for this commit
            self.commit()
