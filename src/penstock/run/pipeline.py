"""`Pipeline`: sends batches to the API, several at once but never two with the same key, and records their outcomes.

`run_events` reports a run's start and end, `RunEvents` its deliveries that failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from penstock.clock import Clock
from penstock.delivery.lookup import LookupClient
from penstock.delivery.machine.batch import BatchRules, RequestsFor
from penstock.delivery.machine.jobs import SentJob
from penstock.delivery.machine.protocol import RenderStored
from penstock.delivery.sender import BatchJobs, Sender
from penstock.model.delivery import Delivery, Lane, Lost
from penstock.model.events import SILENT, Events, Span
from penstock.model.outcome import COUNT_NAMES, Outcome, Refusal
from penstock.model.record import Batch, Key, Payload, Replies, Request, RetryClass, Shape
from penstock.render.batches import Batcher, encode_bodies, filled, records_of, requests_for
from penstock.render.bodies import Unencodable
from penstock.render.values.macros import finish
from penstock.run.connection.key_locks import NoLocks, RequestLocks
from penstock.run.stop import Stopped, StopSignal, UnansweredRequests
from penstock.store.runs.runs import RunRow
from penstock.usercode.grouping_code import CodeFailed, GroupingCode

Ticket = tuple[str, int]  # a delivery: its run, and its number in it
AHEAD = 4  # one more single request for so many in flight; of those that are sent once, as many as are in flight
MOST_REPORTED = 20  # failed deliveries of a run that are reported one by one; all of them are in the ledger
FAILED = frozenset({Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.UNSENT})
OUTSTANDING_JOBS = 64  # batch jobs the API has taken and not ended yet, before new ones wait


class OutcomeRecorder(Protocol):
    """Records the outcomes of records: the `Recorder`."""

    async def intend(self, payloads: Sequence[Payload], request: Request) -> int:
        """Store durably that these records are about to be sent once; returns the number of the intent."""
        ...

    def withdraw(self, intent: int) -> None:
        """Remove the intent: its request was not sent."""
        ...

    def settle(self, delivery: Delivery, intent: int | None) -> Ticket:
        """Record one delivery with all its records; returns its ticket."""
        ...

    def confirm(self, ticket: Ticket, delivery: Delivery, repeats: int) -> None:
        """Record the end of a batch job, with its records. `repeats`: how often some of them were sent again."""
        ...

    def refuse(self, payloads: Sequence[Payload], refusal: Refusal) -> None:
        """Quarantine records that cannot be sent."""
        ...


class BatchPipeline(Protocol):
    """Delivers the batches of a run and records their outcomes: `Pipeline`, or `FilePipeline` for a file."""

    async def put(self, batch: Batch) -> None:
        """Deliver a batch, now or in the background; batches of one key in their order."""
        ...

    def poll(self, ticket: Ticket, job: str, payloads: Sequence[Payload], render: RenderStored) -> None:
        """Confirm a batch job that an earlier process left."""
        ...

    async def drain(self) -> None:
        """Return when nothing is in flight any more."""
        ...


async def put_all(batcher: Batcher, pipeline: BatchPipeline) -> None:
    """Send the batches that are not full."""
    for batch in batcher.flush():
        await pipeline.put(batch)


@dataclass(slots=True)
class RunEvents:
    """Reports the deliveries of one run to `events`, without repeated lines and without the content of records."""

    run: str = ""
    destination: str = ""
    events: Events = SILENT
    failures: int = 0

    def batch(self, records: int) -> AbstractContextManager[Span]:
        """A batch in flight, as a part of the run's trace."""
        return self.events.span("batch", run=self.run, destination=self.destination, records=records)

    def delivered(self, number: int, delivery: Delivery, span: Span) -> None:
        """A delivery has ended. The API's own text is in the ledger, not here: it may quote records."""
        records = len(delivery.settled)
        span.set(outcome=delivery.outcome.value, status=delivery.status, attempts=delivery.attempts, records=records)
        if delivery.outcome not in FAILED:
            return
        self.failures += 1
        if self.failures > MOST_REPORTED:
            return
        reason = delivery.answer.reason if isinstance(delivery.answer, Lost) else None
        if delivery.stop is not None:
            reason = delivery.stop.reason
        self.events.emit(
            "delivery.failed",
            run=self.run,
            destination=self.destination,
            delivery=f"{self.run}-{number}",
            status=delivery.status,
            attempts=delivery.attempts,
            outcome=delivery.outcome.value,
            records=records,
            reason=reason,
        )


@contextmanager
def run_events(events: Events, run: RunRow) -> Iterator[list[RunRow]]:
    """Reports the start and the end of a run, and times it; put the run that has ended, or gave way, into the list."""
    with events.span("run", run=run.id, destination=run.target, kind=run.kind) as span:
        events.emit("run.started", run=run.id, destination=run.target, kind=run.kind, parent=run.parent)
        ended: list[RunRow] = []
        yield ended
        for row in ended:
            span.set(status=row.status, requests=row.requests, retries=row.retries)
            if row.finished_at is None:
                events.emit("run.gave-way", run=row.id, destination=row.target)
                continue
            events.emit(
                "run.ended",
                run=row.id,
                destination=row.target,
                status=row.status,
                records={name: getattr(row.counts, name) for name in COUNT_NAMES},
                requests=row.requests,
                retries=row.retries,
                duration_s=round(row.duration_s, 3),
                stopped_by=row.stopped_by,
            )


@dataclass(frozen=True, slots=True)
class PipelineContext:
    """What a pipeline needs to send batches; one per run."""

    shape: Shape
    sender: Sender
    batch_jobs: BatchJobs
    directory: LookupClient
    recorder: OutcomeRecorder
    signal: StopSignal
    clock: Clock
    run: str
    code: GroupingCode | None = None
    lane: Lane = "live"
    locks: RequestLocks = field(default_factory=NoLocks)
    run_events: RunEvents = field(default_factory=RunEvents)


@dataclass(slots=True)
class _Intent:
    """The intent to send some records once, which is durable before the first byte of their request leaves.

    It has the time of the last attempt: those before did nothing, and a read-back must not come too early.
    """

    recorder: OutcomeRecorder
    payloads: Sequence[Payload]
    request: Request
    number: int | None = None  # of the intent that is written down and has not ended

    async def write(self) -> None:
        if self.number is not None:
            self.recorder.withdraw(self.number)
        self.number = await self.recorder.intend(self.payloads, self.request)

    def ended_by(self, delivery: Delivery) -> int | None:
        """The number of the intent that this delivery ends: one that settles records."""
        if not delivery.settled:
            return None
        ended, self.number = self.number, None
        return ended

    def withdraw(self) -> None:
        """Remove the intent: nothing of the request was sent."""
        if self.number is not None:
            self.recorder.withdraw(self.number)


@dataclass(slots=True)
class Pipeline:
    """`put` batches in their order, then `drain`. Both raise errors of the state database."""

    context: PipelineContext
    concurrency: int
    _room: asyncio.Semaphore = field(init=False)
    _jobs: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(OUTSTANDING_JOBS))
    _busy: set[Key] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _failure: BaseException | None = None
    _unanswered: UnansweredRequests = field(init=False)

    def __post_init__(self) -> None:
        self._unanswered = UnansweredRequests(self.concurrency)
        self._room = asyncio.Semaphore(self.concurrency + self._ahead())

    def _ahead(self) -> int:
        """How many more requests are made ready while the client keeps `concurrency` in flight.

        Those that are sent once wait for their intents to be durable: while the disk works for one group of them, the
        next gathers. No more, because an intent may end unknown if the process dies. Large batches gain nothing by it.
        """
        if self.context.shape.size > 1:
            return 0
        return self.concurrency if self.context.shape.retry is RetryClass.ONCE else self.concurrency // AHEAD

    async def put(self, batch: Batch) -> None:
        """Send a batch in the background. Waits for a free place, and for earlier versions of its keys."""
        keys = set(batch.keys())
        while not (self.context.signal.is_set or self._busy.isdisjoint(keys)):
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        if self.context.shape.replies is Replies.JOBS:
            await self._jobs.acquire()
        await self._room.acquire()
        self._raise_failure()
        if self.context.signal.is_set:  # nothing new leaves, and the batches behind this one must not wait for its room
            self._release()
            return
        self._busy |= keys
        self._spawn(self._send(batch, keys))

    def poll(self, ticket: Ticket, job: str, payloads: Sequence[Payload], render: RenderStored) -> None:
        """Confirm a batch job that an earlier process left; `render` makes its payloads again."""
        keys = {payload.key for payload in payloads}
        self._busy |= keys
        left = SentJob(job, payloads, self._rules(self._requests), render)
        self._spawn(self._confirm_left(ticket, left, keys))

    async def _confirm_left(self, ticket: Ticket, job: SentJob, keys: set[Key]) -> None:
        try:
            await self._confirm(ticket, job)
        finally:
            self._busy -= keys

    async def drain(self) -> None:
        """Return when nothing is in flight any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._raise_failure()

    def _release(self) -> None:
        self._room.release()
        if self.context.shape.replies is Replies.JOBS:
            self._jobs.release()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None and self._failure is None:
            self._failure = failure
            self.context.signal.stop("error", "the outcome of a request could not be stored")

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _send(self, batch: Batch, keys: set[Key]) -> None:
        has_room = True
        try:
            async with self.context.locks.held(batch.payloads):
                with self.context.run_events.batch(len(batch.payloads)) as span:
                    jobs = await self._deliver(batch, span)
                self._room.release()
                has_room = False
                for ticket, job in jobs:
                    await self._confirm(ticket, job)
        except Stopped:
            pass  # its records stay undecided: the run's end counts them as unsent
        finally:
            if has_room:
                self._room.release()
            self._busy -= keys
            if self.context.shape.replies is Replies.JOBS:
                self._jobs.release()

    async def _deliver(self, batch: Batch, span: Span) -> list[tuple[Ticket, SentJob]]:
        """Send one batch and record its deliveries; returns those whose job has to be polled."""
        context = self.context
        payloads = await self._resolved(batch.payloads)
        bodies = await self._bodies(payloads) if context.code is not None and payloads else None
        if not payloads or (context.code is not None and bodies is None):
            return []

        requests = partial(self._requests, bodies=bodies)
        whole = requests(payloads)
        intent = _Intent(context.recorder, payloads, whole[0])
        before = intent.write if context.shape.retry is RetryClass.ONCE else None
        jobs: list[tuple[Ticket, SentJob]] = []
        try:
            async for delivery in context.sender.deliver(
                payloads, context.shape, requests, whole, lane=context.lane, before=before
            ):
                ticket = self._settle(delivery, intent, span)
                if delivery.job is not None:
                    taken = [settled.payload for settled in delivery.settled]
                    jobs.append((ticket, SentJob(delivery.job, taken, self._rules(requests))))
        except Stopped:  # what is not settled stays undecided: the run's end counts it as unsent
            # A request sent once is retried only while nothing of it can have arrived, so the intent may be taken
            # back; not so when code made several requests of it, of which the first may have been sent.
            if bodies is None or len(bodies) == 1:
                intent.withdraw()
        return jobs

    def _settle(self, delivery: Delivery, intent: _Intent, span: Span) -> Ticket:
        """Record one delivery; the run stops when its reply requires it."""
        ticket = self.context.recorder.settle(delivery, intent.ended_by(delivery))
        self.context.run_events.delivered(ticket[1], delivery, span)
        stop = delivery.stop or self._unanswered.count(delivery.answer)
        if stop is not None:
            self.context.signal.stop(stop.kind, stop.reason, stop.found)
        return ticket

    def _rules(self, requests: RequestsFor) -> BatchRules:
        return self.context.sender.rules(self.context.shape, requests, self.context.lane)

    def _requests(self, some: Sequence[Payload], bodies: Sequence[bytes] | None = None) -> Sequence[Request]:
        made = requests_for(self.context.shape, some, bodies)
        return [finish(request, run=self.context.run, now=self.context.clock.now()) for request in made]

    async def _confirm(self, ticket: Ticket, job: SentJob) -> None:
        try:
            end = await self.context.batch_jobs.end_of(job)
        except Stopped:
            return  # the next run polls it first
        if end is not None:
            stop = end.delivery.stop
            if stop is not None:
                self.context.signal.stop(stop.kind, stop.reason, stop.found)
                return  # the job is still there: the next run polls it first
            self.context.recorder.confirm(ticket, end.delivery, end.repeats)

    async def _resolved(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads with their look-ups filled in; those whose look-up is refused are quarantined."""
        wanted = [lookup for payload in payloads for lookup in payload.lookups]
        if not wanted:
            return list(payloads)
        found = await self.context.directory.resolve(wanted)
        ready: list[Payload] = []
        for payload in payloads:
            answers = [found[lookup] for lookup in payload.lookups]
            trouble = next((answer for answer in answers if not isinstance(answer, str)), None)
            if trouble is None:
                ready.append(filled(payload, {k: v for k, v in found.items() if isinstance(v, str)}))
            elif isinstance(trouble, Lost):
                self.context.signal.stop("credential" if trouble.refused else "unreachable", trouble.reason)
                raise Stopped
            else:
                self.context.recorder.refuse([payload], trouble)
        return ready

    async def _bodies(self, payloads: Sequence[Payload]) -> list[bytes] | None:
        """The bodies that the user's grouping code returns; None when it failed and the payloads are quarantined."""
        assert self.context.code is not None
        try:
            bodies = await asyncio.to_thread(self.context.code.bodies, records_of(payloads))
            return encode_bodies(self.context.shape, bodies)
        except CodeFailed as failure:
            refusal = Refusal("code", str(failure), accepted="code that returns a body, or a list of bodies")
        except Unencodable as failure:
            refusal = failure.refusal
        self.context.recorder.refuse(payloads, refusal)
        return None
