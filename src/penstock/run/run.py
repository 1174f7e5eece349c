"""One run of one destination, from its checkpoint to its end: reads, compares, batches, delivers, records.

While a run is in progress, Python's garbage collector looks for cycles less often: a run makes some hundred short-lived
objects a request, hardly ever in cycles, beside a chunk of records that is not freed. Collecting every 700 objects took
a quarter of the time of small requests.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.delivery.http.client import Client
from penstock.delivery.limit.budget import Budget
from penstock.delivery.lookup import LookupClient
from penstock.delivery.sender import BatchJobs, Sender
from penstock.model.delivery import Lane, Waiting
from penstock.model.errors import InputError
from penstock.model.events import Events
from penstock.model.outcome import COUNT_NAMES, Outcome, only_quarantine, quarantine_reason
from penstock.model.record import Chunk, Payload, Rendered
from penstock.model.runs import Listener, Progress, RunStatus
from penstock.model.spec import RateLimit
from penstock.render.batches import Batcher
from penstock.render.merger import one_of_each
from penstock.run.commit import RecorderContext
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classifier, Parents
from penstock.run.diff.known_records import CompanyLinks, QuarantineIndex, StoredIds
from penstock.run.diff.records import chunk_of
from penstock.run.pipeline import Pipeline, PipelineContext, RunEvents
from penstock.run.prepare import Prepared, doubt
from penstock.run.recorder import Recorder
from penstock.run.stop import Fuse, StoppableBudget, StoppableClock, StopSignal
from penstock.sources.typing.exact_json import read_record
from penstock.store import memory, quarantine
from penstock.store.memory import Memory
from penstock.store.project import resources
from penstock.store.runs import ledger, runs
from penstock.store.runs.runs import RunRow
from penstock.usercode.grouping_code import GroupingCode

if TYPE_CHECKING:
    from numpy.typing import NDArray


COLLECTED_AFTER = 20_000  # new containers before Python collects garbage; some megabytes
_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []  # the setting before each of the runs in progress

LEAST_S = 1.0  # of a run before its end is estimated
PROGRESS_EVERY_S = 0.2
MOST_OPEN = 4_000_000  # cells of the chunks that are not decided yet
DIED = "the process ended while the request was under way: it may have arrived or not"


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Python collects garbage less often in the block; the last of several blocks restores the setting."""
    with _lock:
        _before.append(gc.get_threshold() if not _before else _before[0])
        first, *others = _before[0]
        if first > 0:  # 0: the host program has turned it off
            gc.set_threshold(max(first, COLLECTED_AFTER), *others)
    try:
        yield
    finally:
        with _lock:
            before = _before.pop()
            if not _before:
                gc.set_threshold(*before)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Everything one run needs. `chunks(skip)` gives the input from that row on; `budget` is the credential's."""

    prepared: Prepared
    run: RunRow
    chunks: Callable[[int], Iterator[Chunk]]
    budget: Budget
    signal: StopSignal
    decided: NDArray[np.int64]  # ordinals that an earlier process of this run has decided
    parents: Parents | None = None
    listener: Listener | None = None
    resend: bool = False  # sends records in quarantine, without comparison with memory
    lane: Lane = "live"
    guard: Callable[[Connection], None] = lambda _: None  # raises in a transaction of a holder that has lost the lease
    edited_entries: Mapping[tuple[int, int], str] = field(default_factory=dict)  # of a resend: key hash → edited entry
    resent: Mapping[int, int] = field(default_factory=dict)  # of a resend: ordinal → hash of the source's version


@contextmanager
def run_events(events: Events, run: RunRow) -> Iterator[list[RunRow]]:
    """Reports the start and the end of a run, and times it; put the ended run into the list."""
    with events.span("run", run=run.id, destination=run.target, kind=run.kind) as span:
        events.emit("run.started", run=run.id, destination=run.target, kind=run.kind, parent=run.parent)
        ended: list[RunRow] = []
        yield ended
        for row in ended:
            span.set(status=row.status, requests=row.requests, retries=row.retries)
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


async def run_destination(ctx: Context, job: RunRequest) -> RunRow:
    """Execute the run; returns it as it ended. Raises errors of the state database."""
    with fewer_collections(), run_events(ctx.events, job.run) as ended:
        ended.append(await _run_destination(ctx, job))
    return ended[0]


async def _run_destination(ctx: Context, job: RunRequest) -> RunRow:
    prepared = job.prepared
    clock = StoppableClock(ctx.clock, job.signal)
    budget = StoppableBudget(job.budget, job.signal)
    link = connection.connection(ctx, prepared.credential, prepared.address.base_url)
    with ExitStack() as stack:
        grouping = prepared.compiled.shape.grouping
        code = stack.enter_context(GroupingCode(grouping.code)) if grouping.algorithm == "code" else None
        concurrency = prepared.spec.concurrency
        async with Client(link, budget, clock, concurrency=concurrency) as client:
            client.events = ctx.events
            run = _Run(ctx, job, client)
            known = StoredIds(ctx.database, prepared.credential.name, ctx.clock)
            sender = Sender(client, clock)
            pipeline_context = PipelineContext(
                shape=prepared.compiled.shape,
                sender=sender,
                batch_jobs=BatchJobs(client, clock),
                directory=LookupClient(client, known, clock, job.lane),
                recorder=run.recorder,
                signal=job.signal,
                clock=clock,
                run=job.run.id,
                code=code,
                lane=job.lane,
                run_events=RunEvents(job.run.id, prepared.spec.name, ctx.events),
            )
            return await run.execute(Pipeline(pipeline_context, prepared.spec.concurrency))


class _Run:
    """The parts of one run, made from the stored state."""

    def __init__(self, ctx: Context, job: RunRequest, client: Client) -> None:
        prepared, name = job.prepared, job.prepared.spec.name
        self.ctx, self.job, self.client = ctx, job, client
        self.compares = prepared.policy.compares
        with ctx.database.read() as conn:
            self.memory = Memory.load(conn, name, prepared.fingerprints) if self.compares else None
            quarantined = QuarantineIndex.load(conn, name)
            doubts = doubt(conn, prepared)
            links = CompanyLinks.load(conn, prepared.spec, partial=prepared.data.dataset.partial)
            next_delivery = ledger.next_delivery(conn, job.run.id)
            self.left_intents = ledger.leftover_intents(conn, job.run.id)
            self.left_jobs = ledger.pending_jobs(conn, name)
        self.classifier = Classifier(
            policy=prepared.policy,
            render=prepared.render,
            memory=None if job.resend or doubts.ignores_memory else self.memory,
            quarantine=None if job.resend else quarantined,
            parents=job.parents,
            doubt=None if job.resend else doubts.refusal,
            merger=prepared.merger,
            links=links,
            former=prepared.compiled.former,
            table=prepared.data.dataset.is_table,
        )
        recorder_context = RecorderContext(
            database=ctx.database,
            clock=ctx.clock,
            destination=name,
            settings=prepared.compiled.version,
            signal=job.signal,
            fuse=Fuse(prepared.spec.fuse),
            memory=self.memory,
            store_responses=prepared.spec.responses,
            partial=prepared.policy.versions == "merge",
            edited_entries=job.edited_entries,
            links=links,
            resent=job.resent if prepared.policy.versions == "merge" else {},
            guard=job.guard,
            index=None if job.resend else quarantined,
            requests=lambda: client.requests,
        )
        keys = set[tuple[int, int]]() if job.resend else set(quarantined.keys())  # a resend releases by id, at its end
        self.recorder = Recorder.open(recorder_context, job.run, prepared.notes(), keys)
        self.recorder.next_delivery = next_delivery
        self.recorder.last_intent = max((intent.number for intent in self.left_intents), default=0)

    async def execute(self, pipeline: Pipeline) -> RunRow:
        """The run itself."""
        ticker = asyncio.get_running_loop().create_task(self._report_regularly())
        try:
            self._recover(pipeline)
            try:
                await self._send_all(pipeline)
            except InputError as error:  # the input cannot be read further: what is in flight ends first
                self.job.signal.stop("input", str(error.problems[0]), problems=error.problems)
            await pipeline.drain()
            self.recorder.decide_waiting_rows()
        except BaseException:
            self.job.signal.stop("error", "an error ended the run")
            raise
        finally:
            ticker.cancel()
            await self.recorder.commits.close()
        return self._end()

    # ── before: what an earlier process left ─────────────────────────────────

    def _recover(self, pipeline: Pipeline) -> None:
        """Forget what may have arrived, and poll the batch jobs that are still pending."""
        with self.ctx.database.begin() as conn:
            doubtful = memory.take_keys_left_in_flight(conn, self.job.prepared.spec.name)
            if self.memory is not None and len(doubtful):
                self.memory.forget(conn, doubtful)
        for left in self.left_jobs:
            self.recorder.resume_job(left)
            records = left.records
            payloads = [
                Payload(
                    r.ordinal, r.key or "", r.record.encode(), r.content, parts=tuple(ordinal for ordinal, _ in r.parts)
                )
                for r in records
            ]
            older = {ordinal: text for record in records for ordinal, text in record.parts}
            pipeline.poll((left.run, left.delivery), left.job, payloads, partial(self._rendered_again, older))

    def _rendered_again(self, older: Mapping[int, str], payloads: Sequence[Payload]) -> Rendered:
        """The payloads of a job that an earlier process left, under the present settings; the ordinals are theirs here.

        `text` of each is its newest record, `older` has the records of its parts.
        """
        prepared = self.job.prepared
        texts = [[*(older[part] for part in payload.parts), payload.text.decode()] for payload in payloads]
        records = [read_record(text) for some in texts for text in some]
        made = prepared.render(chunk_of(records, prepared.data.schema), None)
        return made if prepared.merger is None else one_of_each(made, [len(some) for some in texts], prepared.merger)

    # ── from record to outcome ───────────────────────────────────────────────

    async def _send_all(self, pipeline: Pipeline) -> None:
        prepared, signal = self.job.prepared, self.job.signal
        batcher = Batcher(prepared.compiled.shape, repeats=prepared.policy.repeats)
        reader = self.job.chunks(self.job.run.position)
        while not signal.is_set:
            chunk = await asyncio.to_thread(next, reader, None)
            if chunk is None:
                break
            opened = self._open(chunk)
            classified = self.classifier.classify(opened)
            self.recorder.add_classified(opened, classified)
            if self.recorder.backlog.weight() > MOST_OPEN:  # wide chunks: their decided rows are freed first
                await self.recorder.commits.durable()
            await self.recorder.add_in_flight(opened, classified.fresh)
            for batch in batcher.add(classified.fresh):
                await pipeline.put(batch)
            for refused in batcher.oversized:
                payload = next(p for p in classified.fresh if p.ordinal == refused.ordinal)
                self.recorder.refuse([payload], refused.refusal)
            batcher.oversized.clear()
        self.recorder.notes.read()
        for batch in batcher.flush():
            await pipeline.put(batch)

    def _open(self, chunk: Chunk) -> OpenChunk:
        """The chunk with its keys, less what an earlier process of this run decided or may have sent."""
        rows = np.arange(chunk.records.num_rows, dtype=np.int64)
        rows = rows[~np.isin(rows + chunk.first, self.job.decided)]
        opened = self.job.prepared.open_chunk(chunk, rows, prints=self.compares)
        self.recorder.backlog.add(opened)
        for intent in self.left_intents:
            mine = [ordinal for ordinal in intent.ordinals if opened.first <= ordinal < opened.end]
            if mine:
                self.recorder.unknown([opened.trace(ordinal) for ordinal in mine], DIED)
                if max(intent.ordinals) < opened.end:  # its batch may reach into the next chunk
                    self.recorder.withdraw(intent.number)
                opened.rows = opened.rows[~np.isin(opened.rows + chunk.first, mine)]
        return opened

    # ── after ────────────────────────────────────────────────────────────────

    def _end(self) -> RunRow:
        """Close the run: what was read and has no outcome is unsent."""
        recorder, signal = self.recorder, self.job.signal
        unsent = recorder.backlog.undecided()
        counts = recorder.run.counts.plus({"read": unsent, Outcome.UNSENT: unsent})
        run = replace(
            recorder.run,
            counts=counts,
            notes=(*recorder.notes.all(counts.read), *self.job.budget.notes()),
            reason=self._reason(),
            stopped_by=signal.kind,
        )
        with self.ctx.database.begin() as conn:
            self.job.guard(conn)
            if self.memory is not None:
                self.memory.compact(conn)
            if signal.kind is None:  # after a stop, what was in flight is forgotten by the next run
                memory.clear_in_flight(conn, run.target, run.id)
                if not self.job.resend:
                    resources.settle_restored(conn, run.target)
            status = status_of(run)
            if run.reason is None and only_quarantine(status, run.counts):
                new, since = quarantine.runs_behind(conn, run.target, run.id)
                run = replace(run, reason=quarantine_reason(run.counts, new=new, since=since))
            return runs.finish(conn, run, status, iso(self.ctx.clock.now()), resumable=signal.kind == "cancelled")

    def _reason(self) -> str | None:
        """Why the run stopped; for a problem with the credential also its place and the fix."""
        signal, name = self.job.signal, self.job.prepared.credential.name
        if signal.kind in {"credential", "unreachable"}:
            return f"credentials.{name}: {signal.reason} — see `penstock check {name}`"
        return signal.reason or None

    async def _report_regularly(self) -> None:
        while True:
            self._report()
            await asyncio.sleep(PROGRESS_EVERY_S)

    def _report(self) -> None:
        if self.job.listener is not None:
            run, log = self.recorder.commits.snapshot(), self.client.attempt_log
            for_allowance, limit = self.job.budget.wait_s(), self.job.prepared.credential.rate_limit
            decided = sum(getattr(run.counts, name) for name in COUNT_NAMES[1:])
            self.job.listener(
                Progress(
                    target=run.target,
                    counts={name: getattr(run.counts, name) for name in run.counts.__slots__},
                    requests=run.requests,
                    total=run.input_rows,
                    elapsed_s=run.duration_s,
                    waiting_for_allowance_s=for_allowance,
                    phase="stopping after the requests in flight" if self.job.signal.is_set else "sending",
                    attempts=log.attempts(),
                    waiting_for=Waiting("rate limit", round(for_allowance, 3)) if for_allowance else log.waiting(),
                    left_s=time_left(decided, run.input_rows, run.requests, run.duration_s, limit),
                )
            )


def status_of(run: RunRow) -> RunStatus:
    """succeeded, partial, failed or cancelled: see product rules for exit codes."""
    if run.stopped_by == "cancelled":
        return "cancelled"
    if run.stopped_by is not None:
        return "failed"
    counts = run.counts
    clean = counts.quarantined == counts.unknown == counts.waiting == counts.unsent == 0
    return "succeeded" if clean else "partial"


def time_left(decided: int, total: int | None, requests: int, elapsed_s: float, limit: RateLimit) -> float | None:
    """Seconds until the end; None while it cannot be known.

    `decided` of `total` records have their outcome, after `requests` requests in `elapsed_s` seconds. The rest takes as
    many requests a record as those did: it takes at least as long as the limit gives places for them, since the first
    window of a run is used up at once and says nothing of those that follow.
    """
    if total is None or decided == 0 or elapsed_s < LEAST_S:
        return None
    left = max(0, total - decided)
    by_pace = left * elapsed_s / decided
    by_limit = left * requests / decided * limit.per / limit.requests
    return round(max(by_pace, by_limit), 1)
