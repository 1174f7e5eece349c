"""One run of one destination, from its checkpoint to its end: reads, compares, batches, delivers, records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.delivery.http.client import Client
from penstock.delivery.limit.budget import Budget
from penstock.delivery.lookup import LookupClient
from penstock.delivery.read_back import ReadBack
from penstock.delivery.reader import ApiReader
from penstock.delivery.sender import BatchJobs, Sender
from penstock.model.delivery import Lane
from penstock.model.errors import InputError
from penstock.model.outcome import Outcome, only_quarantine, quarantine_reason
from penstock.model.record import Chunk
from penstock.model.runs import Listener
from penstock.render.batches import Batcher
from penstock.run.connection import connection
from penstock.run.connection.key_locks import key_locks
from penstock.run.context import Context
from penstock.run.destination_lock import Turn
from penstock.run.diff.backlog import SENT_AGAIN_FROM, OpenChunk
from penstock.run.diff.diff import Classified, Classifier
from penstock.run.diff.first_sends import FirstSends, send_parts
from penstock.run.diff.known_records import CompanyLinks, QuarantineIndex, StoredIds, StoredNotes
from penstock.run.diff.newer_versions import NewerVersions, hashes_read
from penstock.run.diff.notes import with_notes_of_reading
from penstock.run.diff.protocols import Parents
from penstock.run.gc_pause import fewer_collections
from penstock.run.mirror.deletions import Deletions, NoDeletions
from penstock.run.mirror.mirror import Mirror
from penstock.run.mirror.turns import Gate
from penstock.run.pipeline import BatchPipeline, Pipeline, PipelineContext, RunEvents, put_all, run_events
from penstock.run.preparation.datasets import chunks_of, resent_record
from penstock.run.preparation.interrupted_requests import sends_each_once
from penstock.run.preparation.prepare import Prepared, doubt
from penstock.run.reconcile.people_check import people_check
from penstock.run.reconcile.unchanged_fields import UnchangedFields
from penstock.run.recording.commit import Gathered, RecorderContext, each_of
from penstock.run.recording.file_output import FileOutput
from penstock.run.recording.file_pipeline import FilePipeline
from penstock.run.recording.progress import progress_of, reason_of, status_of
from penstock.run.recording.recorder import Recorder
from penstock.run.settling.leftovers import poll_left_jobs, put_leftovers_in_doubt
from penstock.run.settling.sent_records import notes_of, unknown_versions
from penstock.run.settling.settling import SettleMode, Settling
from penstock.run.stop import GAVE_WAY, StoppableBudget, StoppableClock, StopSignal
from penstock.store import memory, quarantine, unknown_records
from penstock.store.memory import Memory
from penstock.store.project import resources
from penstock.store.quarantine import KeyHash, QuarantineRow
from penstock.store.runs import ledger, runs, sent_beside
from penstock.store.runs.runs import RunRow
from penstock.store.unknown_records import ResentRecord
from penstock.usercode.grouping_code import GroupingCode

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROGRESS_EVERY_S = 0.2
MOST_OPEN = 4_000_000  # cells of the chunks that are not decided yet


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Everything one run needs. `chunks(skip)` gives the input from that row on; `budget` is the credential's."""

    prepared: Prepared
    run: RunRow
    chunks: Callable[[int], Iterator[Chunk]]
    budget: Budget
    signal: StopSignal
    decided: NDArray[np.int64]  # ordinals that an earlier process of this run has decided
    gathered: Gathered  # also before it gave way to another run
    parents: Parents | None = None
    listener: Listener | None = None
    resend: bool = False  # sends records in quarantine, without comparison with memory
    again: bool = False  # sends what was sent last again
    lane: Lane = "live"
    settle: SettleMode = "off"  # what it does about the unknown records of its destination
    guard: Callable[[Connection], None] = lambda _: None  # raises in a transaction of a holder that has lost the lease
    gate: Gate | None = None  # of a mirror in a flow: waits for its turn to delete
    resent: Mapping[int, ResentRecord] = field(default_factory=dict)  # of a resend: by ordinal
    newer: frozenset[int] | None = None  # of a resend: the records that are newer than the run beside it; None: all
    turn: Turn | None = None  # of a backfill, which has to give way


async def run_destination(ctx: Context, job: RunRequest) -> RunRow:
    """Execute the run; returns it as it ended, or `running` if it gave way. Raises errors of the state database."""
    with fewer_collections(), run_events(ctx.events, job.run) as ended:
        ended.append(await _run_destination(ctx, job))
    return ended[0]


async def _run_destination(ctx: Context, job: RunRequest) -> RunRow:
    prepared = job.prepared
    clock, budget = StoppableClock(ctx.clock, job.signal), StoppableBudget(job.budget, job.signal)
    link = connection.connection(ctx, prepared.credential, prepared.address.base_url)
    if prepared.is_file:
        output = await asyncio.to_thread(FileOutput.open, ctx, prepared, job.run, job.guard)
        run = _Run(ctx, job, Client(link, budget, clock), clock, output)  # nothing is sent
        return await run.execute(FilePipeline(output, run.recorder, job.signal, clock, prepared.compiled.shape.method))
    with ExitStack() as stack:
        grouping = prepared.compiled.shape.grouping
        code = stack.enter_context(GroupingCode(grouping.code)) if grouping.algorithm == "code" else None
        async with Client(link, budget, clock, concurrency=prepared.spec.concurrency) as client:
            client.events = ctx.events
            put_leftovers_in_doubt(ctx.database, prepared, job.run.id, job.guard)
            run = _Run(ctx, job, client, clock)
            pipeline_context = PipelineContext(
                shape=prepared.compiled.shape,
                sender=Sender(client, clock),
                batch_jobs=BatchJobs(client, clock, prepared.spec.confirm_timeout),
                directory=LookupClient(
                    client, StoredIds(ctx.database, prepared.credential.name, ctx.clock), clock, job.lane
                ),
                recorder=run.recorder,
                signal=job.signal,
                clock=clock,
                run=job.run.id,
                code=code,
                lane=job.lane,
                locks=key_locks(ctx, prepared.spec, clock, job.guard),
                run_events=RunEvents(job.run.id, prepared.spec.name, ctx.events),
            )
            return await run.execute(Pipeline(pipeline_context, prepared.spec.concurrency))


class _Run:
    """The parts of one run, made from the stored state."""

    def __init__(
        self, ctx: Context, job: RunRequest, client: Client, clock: StoppableClock, output: FileOutput | None = None
    ) -> None:
        prepared, name, policy = job.prepared, job.prepared.spec.name, job.prepared.policy
        self.ctx, self.job, self.client, self.output = ctx, job, client, output
        self.compares, once = policy.compares, policy.once_per_key
        self.reads_input = not (job.resend or job.again)  # else it sends some records once more
        self.first = FirstSends.of(prepared.spec, job.run)
        self.resent = dict(job.resent)
        with ctx.database.read() as conn:
            self.memory = Memory.load(conn, name, prepared.fingerprints, once=once) if self.compares else None
            quarantined = QuarantineIndex.load(conn, name)
            doubts = doubt(conn, prepared)
            links = CompanyLinks.load(conn, prepared.spec, partial=prepared.data.dataset.partial)
            next_delivery = ledger.next_delivery(conn, job.run.id)
            self.left_intents = ledger.leftover_intents(conn, job.run.id)
            self.left_jobs = ledger.pending_jobs(conn, name)
            self.unchanged = UnchangedFields.load(ctx, prepared, conn, client, clock, job.lane)
            newer = NewerVersions.load(conn, job.run, policy) if self.reads_input else None
            newer_in_quarantine = sent_beside.newer_in_quarantine(conn, name, job.run.id, SENT_AGAIN_FROM)
            leftovers = [ledger.leftover_intents(conn, run) for run in ledger.leftover_runs(conn, name)]
            mirror = Mirror.load(conn, prepared, self.memory)
        self.classifier = Classifier(
            policy=policy,
            render=prepared.render,
            memory=None if job.resend or doubts.ignores_memory else self.memory,
            quarantine=None if job.resend else quarantined,
            unknown=unknown_versions(prepared, quarantined, job.resent),
            parents=job.parents,
            doubt=None if job.resend or job.again else doubts.refusal,
            merger=prepared.merger,
            links=links,
            former=prepared.compiled.former,
            table=prepared.data.dataset.is_table,
            again=job.again,
            finish=None if mirror is None else mirror.returned,
            newer=newer,
        )
        recorder_context = RecorderContext(
            database=ctx.database,
            clock=ctx.clock,
            destination=name,
            settings=prepared.compiled.version,
            signal=job.signal,
            fuse=job.gathered.fuse,
            first=self.first,
            memory=self.memory,
            store_responses=prepared.spec.responses,
            partial=policy.versions == "merge",
            each_once=sends_each_once(prepared),
            once_per_key=once,
            links=links,
            resent=self.resent,
            guard=job.guard,
            index=None if job.resend else quarantined,
            unchanged=self.unchanged,
            remember_sent=each_of(notes_of(prepared) if output is None else output.count, self.unchanged, mirror),
            requests=lambda: client.requests,
        )
        keys = set[KeyHash]() if job.resend else set(quarantined.keys()) - newer_in_quarantine  # a resend: by id
        self.recorder = Recorder.open(recorder_context, job.run, job.gathered.notes, keys)
        self.recorder.next_delivery = next_delivery
        self.recorder.last_intent = max((intent.number for intent in self.left_intents), default=0)
        self.deletions: Deletions | NoDeletions = NoDeletions()
        if mirror is not None and self.reads_input and job.settle != "only" and not job.run.limited:
            self.deletions = Deletions(mirror, self.recorder, job.signal, job.chunks, job.run.position, job.gate)
        notes = StoredNotes(ctx.database, prepared.credential.name)
        self.people = people_check(ctx, prepared, ApiReader(client, clock, job.lane))
        self.settling = Settling(
            prepared=prepared,
            recorder=self.recorder,
            reader=ReadBack(client, clock, notes, prepared.spec.settle_after),
            signal=job.signal,
            index=quarantined,
            memory=self.memory,
            mode=job.settle,
            in_flight=frozenset(key for intents in leftovers for intent in intents for key in intent.keys),
            next_ordinal=max(SENT_AGAIN_FROM, int(job.decided.max(initial=-1)) + 1),
        )
        self.next_row = job.run.position  # of a run with `--limit`: the first row that it leaves undecided
        self.batcher = partial(Batcher, prepared.compiled.shape, repeats=policy.repeats)

    async def execute(self, pipeline: BatchPipeline) -> RunRow:
        """The run itself."""
        ticker = asyncio.get_running_loop().create_task(self._report_regularly())
        try:
            self._recover(pipeline)
            await self.settling.before(partial(self._send_again, pipeline))
            if self.job.turn is not None:
                self.job.turn.begin()
            try:
                await self._send_all(pipeline)
            except InputError as error:  # the input cannot be read further: what is in flight ends first
                self.job.signal.stop("input", str(error.problems[0]), problems=error.problems)
            await pipeline.drain()
            self.recorder.decide_waiting_rows()
            await self.settling.after(partial(self._send_again, pipeline))
            await self.deletions.carry_out(pipeline)
        except BaseException:
            self.job.signal.stop("error", "an error ended the run")
            raise
        finally:
            ticker.cancel()
            await self.recorder.commits.close()
        if self.output is not None:
            await asyncio.to_thread(self.output.end, self.job.signal.kind)
        return self._end()

    # ── before: what an earlier process left ─────────────────────────────────

    def _recover(self, pipeline: BatchPipeline) -> None:
        """Forget what may have arrived, and poll the batch jobs that are still pending."""
        with self.ctx.database.begin() as conn:
            doubtful = memory.take_keys_left_in_flight(conn, self.job.prepared.spec.name)
            if self.memory is not None and len(doubtful):
                self.memory.forget(conn, doubtful)
        poll_left_jobs(self.left_jobs, self.job.prepared, self.recorder, pipeline)

    # ── from record to outcome ───────────────────────────────────────────────

    async def _send_all(self, pipeline: BatchPipeline) -> None:
        signal, batcher, reader = self.job.signal, self.batcher(), self.job.chunks(self.job.run.position)
        inside = len(self.job.decided) > 0  # an earlier process has decided a part of the first chunk
        while not signal.is_set and (inside or not self.first.limit_sent):
            chunk = await asyncio.to_thread(next, reader, None)
            if chunk is None:
                self.first.at_end = self.deletions.is_read = True
                self.recorder.notes.read()
                break
            inside = False
            await self._send_input(self._open(chunk), batcher, pipeline)
        await put_all(batcher, pipeline)

    async def _send_input(self, opened: OpenChunk, batcher: Batcher, pipeline: BatchPipeline) -> None:
        """Send a chunk of the input, as far as `--limit` and `canary` allow it; the rest stays undecided."""
        send = partial(self._send_classified, opened, batcher=batcher, pipeline=pipeline)
        wait = partial(self._wait_for_all, batcher, pipeline)
        sent, self.next_row = await send_parts(self.classifier.classify, opened, self.first, send, wait)
        self.deletions.add(opened, sent)

    async def _wait_for_all(self, batcher: Batcher, pipeline: BatchPipeline) -> bool:
        """Wait until nothing is in flight; whether the run goes on."""
        await put_all(batcher, pipeline)
        await pipeline.drain()
        reason = None if self.job.signal.is_set else self.first.judge()
        if reason is not None:
            self.job.signal.stop("canary", reason)
        return not self.job.signal.is_set

    async def _send_classified(
        self, opened: OpenChunk, classified: Classified, batcher: Batcher, pipeline: BatchPipeline
    ) -> None:
        if self.people is not None and not await self.people.withhold(classified, self.job.signal):
            return  # the run stops
        if self.unchanged is not None:
            await self.unchanged.leave_out_changed(opened, classified)
        self.recorder.add_classified(opened, classified)
        if self.job.run.beside is not None and opened.first < SENT_AGAIN_FROM:  # the others were stored, or are older
            hashes = hashes_read(opened, classified, self.job.newer, self.classifier.policy)
            await self.recorder.commits.add_beside(opened.first, hashes)
        if self.recorder.backlog.weight() > MOST_OPEN:  # wide chunks: their decided rows are freed first
            await self.recorder.commits.durable()
        await self.recorder.add_in_flight(opened, classified.fresh)
        for batch in batcher.add(classified.fresh):
            await pipeline.put(batch)
        for refused in batcher.oversized:
            self.recorder.refuse([p for p in classified.fresh if p.ordinal == refused.ordinal], refused.refusal)
        batcher.oversized.clear()

    async def _send_again(self, pipeline: BatchPipeline, rows: Sequence[QuarantineRow]) -> None:
        """Send records from the quarantine, under ordinals that are not of the input; returns when they are decided."""
        prepared, batcher = self.job.prepared, self.batcher()
        again = replace(self.classifier, memory=None, quarantine=None, parents=None, doubt=None, newer=None)
        originals = dict(zip((row.id for row in rows), self.settling.originals(rows), strict=True))
        for are_own in (False, True):  # of earlier runs, then of this one
            some = [row for row in rows if (originals[row.id] is not None) is are_own]
            for made in chunks_of(prepared.data, some) if some else ():
                first, made_rows = self.settling.next_ordinal, some[made.first : made.first + made.records.num_rows]
                for ordinal, row in enumerate(made_rows, first):
                    self.resent[ordinal] = resent_record(row)
                    original = originals[row.id]
                    if original is not None:
                        self.recorder.sent_again[ordinal] = original
                self.settling.next_ordinal += made.records.num_rows
                opened = prepared.open_chunk(replace(made, first=first), prints=self.compares)
                self.recorder.backlog.add(opened)
                await self._send_classified(opened, again.classify(opened), batcher, pipeline)
        await put_all(batcher, pipeline)
        await pipeline.drain()

    def _open(self, chunk: Chunk) -> OpenChunk:
        """The chunk with its keys, less what an earlier process of this run decided or may have sent."""
        rows = np.arange(chunk.records.num_rows, dtype=np.int64)
        rows = rows[~np.isin(rows + chunk.first, self.job.decided)]
        opened = self.job.prepared.open_chunk(chunk, rows, prints=self.compares)
        self.recorder.backlog.add(opened)
        for intent in self.left_intents:
            mine = [ordinal for ordinal in intent.ordinals if opened.first <= ordinal < opened.end]
            if mine:
                self.recorder.unknown([opened.trace(ordinal) for ordinal in mine], intent)
                self.first.add_sent(len(mine))
                if max(intent.ordinals) < opened.end:  # its batch may reach into the next chunk
                    self.recorder.withdraw(intent.number)
                opened.rows = opened.rows[~np.isin(opened.rows + chunk.first, mine)]
        return opened

    # ── after ────────────────────────────────────────────────────────────────

    def _end(self) -> RunRow:
        """Close the run: what was read and has no outcome is unsent. One that gave way has not ended."""
        recorder, signal = self.recorder, self.job.signal
        if signal.kind == GAVE_WAY:
            return recorder.run
        counts = recorder.run.counts.plus(dict.fromkeys(("read", Outcome.UNSENT), recorder.backlog.undecided()))
        run = recorder.run if signal.is_set else self.first.ended(recorder.run, self.next_row)
        run = replace(
            run,
            counts=counts,
            notes=(
                *with_notes_of_reading(recorder.notes.all(counts.read), self.job.run.notes),
                *self.settling.counts.notes(),
                *self.job.budget.notes(),
                *(self.deletions.notes if self.output is None else self.output.notes),
            ),
            deletes_hash=self.deletions.deletes_hash,
            reason=reason_of(signal, self.job.prepared.credential.name) or self.deletions.reason,
            stopped_by=signal.kind,
        )
        with self.ctx.database.begin() as conn:
            self.job.guard(conn)
            if self.output is not None:
                self.output.forget(conn)
            if self.memory is not None:
                self.memory.compact(conn)
            if signal.kind is None:  # after a stop, what was in flight is forgotten by the next run
                memory.clear_in_flight(conn, run.target, run.id)
            if signal.kind is None and run.at_end and self.reads_input and run.beside is None:
                if self.job.settle != "only":
                    unknown_records.release_found(conn, run.target)
                resources.settle_restored(conn, run.target)
            status = status_of(run)
            if run.reason is None and only_quarantine(status, run.counts):
                new, since = quarantine.runs_behind(conn, run.target, run.id)
                run = replace(run, reason=quarantine_reason(run.counts, new=new, since=since))
            return runs.finish(conn, run, status, iso(self.ctx.clock.now()), resumable=signal.kind == "cancelled")

    async def _report_regularly(self) -> None:
        while True:
            self._report()
            turn, done = self.job.turn, self.client.requests > 0 or self.recorder.run.counts != self.job.run.counts
            if turn is not None and not self.first.canary_waits and await asyncio.to_thread(turn.is_to_end, done):
                self.job.signal.stop(GAVE_WAY, "another run of the destination waits")
            await asyncio.sleep(PROGRESS_EVERY_S)

    def _report(self) -> None:
        if self.job.listener is not None and not self.deletions.is_waiting:
            phase = self.job.signal.phase or self.settling.phase
            run, limit = self.recorder.commits.snapshot(), self.job.prepared.credential.rate_limit
            self.job.listener(progress_of(run, self.client.attempt_log, self.job.budget.wait_s(), limit, phase))
