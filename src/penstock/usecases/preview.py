"""Preview and plan: what a run would send, made by the code of a run. Both send nothing.

A preview shows the requests for the samples or the whole dataset. A plan reads all records, compares them with memory
and quarantine, and counts the requests.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from math import ceil
from typing import Any

import numpy as np

from penstock.model.outcome import Note, Outcome
from penstock.model.record import (
    Batch,
    Chunk,
    Lookup,
    Payload,
    ReadWindow,
    RefusedRecord,
    Replies,
    Request,
    Shape,
)
from penstock.model.reports import Preview, PreviewedRequest
from penstock.model.runs import PLANNED, PlanReport
from penstock.model.spec import FlowSpec, RateLimit
from penstock.render.batches import Batcher, encode_bodies, records_of, requests_for
from penstock.render.bodies import Unencodable
from penstock.render.values.macros import shown
from penstock.run.context import Context, is_active, is_paused
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classified, Classifier
from penstock.run.diff.first_sends import FirstSends, first_sends_notes, planned_batches
from penstock.run.diff.known_records import QuarantineIndex, parents_in_quarantine
from penstock.run.diff.notes import Notes, of_plan
from penstock.run.diff.protocols import Parents
from penstock.run.flow import in_order
from penstock.run.mirror.decision import hash_together
from penstock.run.mirror.mirror import Mirror, planned_deletions
from penstock.run.preparation.cursor_reading import reading_of, with_notes
from penstock.run.preparation.prepare import Prepared, doubt, prepare
from penstock.run.reconcile.unchanged_fields import PlannedReads
from penstock.run.settling.sent_records import unknown_versions
from penstock.sources.chunks import read_frozen
from penstock.store.memory import Memory
from penstock.usecases.exact_plan import Exact, ExactCounts, exact_or_note, sum_of
from penstock.usecases.file_preview import file_requests, refused_record
from penstock.usercode.grouping_code import CodeFailed, GroupingCode

CHUNK_ROWS = 4096  # as in a run
REDACTED = "Bearer ***"
FIRST_ERRORS = 5
SECONDS_A_REQUEST = 0.05  # assumed time of a request when the rate limit does not delay it


def preview(prepared: Prepared, *, limit: int | None, everything: bool) -> Preview:
    """The first `limit` requests for the samples, or every request for the whole dataset."""
    data = prepared.data
    chunks = data.dataset.read(data.schema) if everything else iter([data.samples])
    return preview_of_chunks(prepared, chunks, None if everything else limit, data.samples.records.num_rows)


def preview_of_chunks(prepared: Prepared, chunks: Iterator[Chunk], limit: int | None, rows: int) -> Preview:
    """The first `limit` requests for these records, or all; `rows` is the number of records for the notes."""
    notes = prepared.notes()
    refused: list[RefusedRecord] = []
    made = (request for request in _requests(prepared, chunks, notes, refused) if request is not None)
    return Preview(
        requests=tuple(made if limit is None else islice(made, limit)),
        notes=notes.all(rows),
        refused=tuple(refused),
        base_url=prepared.address.base_url,
        base_url_reason=prepared.address.reason,
    )


def preview_of_everything(prepared: Prepared) -> Iterator[PreviewedRequest | RefusedRecord | Note]:
    """Yield the requests and refused records of the whole dataset in order, then the notes. Uses constant memory."""
    data = prepared.data
    notes, rows = prepared.notes(), 0

    def counted() -> Iterator[Chunk]:
        nonlocal rows
        for chunk in data.dataset.read(data.schema, rows=CHUNK_ROWS):
            rows += chunk.records.num_rows
            yield chunk

    refused: list[RefusedRecord] = []
    for request in _requests(prepared, counted(), notes, refused):
        yield from refused
        refused.clear()
        if request is not None:
            yield request
    yield from refused
    yield from notes.all(rows)


def _requests(
    prepared: Prepared, chunks: Iterator[Chunk], notes: Notes, refused: list[RefusedRecord]
) -> Iterator[PreviewedRequest | None]:
    """Yields requests, and None after each chunk, so that the caller can free the refused records."""
    shape = prepared.compiled.shape
    if prepared.is_file:
        yield from file_requests(prepared, _walk(prepared, chunks, notes, refused), refused)
        return
    with grouping_code(shape) as code:
        for batch in _walk(prepared, chunks, notes, refused):
            if batch is None:
                yield None
                continue
            try:
                requests = finished(shape, batch.payloads, code)
            except (CodeFailed, Unencodable) as failure:
                refused.extend(refused_record(payload.key, failure.refusal) for payload in batch.payloads)
                continue
            for request in requests:
                yield previewed(request, batch.payloads)


def batches(prepared: Prepared, chunks: Iterator[Chunk], notes: Notes, refused: list[RefusedRecord]) -> Iterator[Batch]:
    """The batches of these chunks, without comparison with memory; refused records are added to `refused`."""
    return (batch for batch in _walk(prepared, chunks, notes, refused) if batch is not None)


def _walk(
    prepared: Prepared, chunks: Iterator[Chunk], notes: Notes, refused: list[RefusedRecord]
) -> Iterator[Batch | None]:
    """The same, with None after each chunk."""
    classifier = Classifier(prepared.policy, prepared.render, merger=prepared.merger)
    batcher = Batcher(prepared.compiled.shape, repeats=prepared.policy.repeats)
    for chunk in chunks:
        opened = prepared.open_chunk(chunk)
        classified = classifier.classify(opened)
        notes.count(opened, classified)
        refused.extend(refused_record(d.key, d.refusal) for d in classified.decided if d.outcome is Outcome.QUARANTINED)
        yield from batcher.add(classified.fresh)
        refused.extend(refused_record(r.key, r.refusal) for r in batcher.oversized)
        batcher.oversized.clear()
        yield None
    notes.read()
    yield from batcher.flush()


@contextmanager
def grouping_code(shape: Shape) -> Iterator[GroupingCode | None]:
    """The user's grouping code, ready to be called; None if the grouping is not by code."""
    if shape.grouping.algorithm != "code":
        yield None
        return
    with GroupingCode(shape.grouping.code) as code:
        yield code


def finished(shape: Shape, payloads: Sequence[Payload], code: GroupingCode | None) -> tuple[Request, ...]:
    """The requests of one batch. Raises CodeFailed or Unencodable if grouping code makes no body from it."""
    bodies = None if code is None else encode_bodies(shape, code.bodies(records_of(payloads)))
    return requests_for(shape, payloads, bodies)


def previewed(request: Request, payloads: Sequence[Payload]) -> PreviewedRequest:
    """A request for people: the credential's header without its value."""
    shown_request = shown(request)
    return PreviewedRequest(
        method=request.method,
        url=shown_request.url,
        headers={"Authorization": REDACTED, **dict(shown_request.headers)},
        body=None if request.body is None else request.body.decode("utf-8"),
        records=tuple(payload.key for payload in payloads),
        unresolved=tuple(dict.fromkeys(lookup.target for payload in payloads for lookup in payload.lookups)),
    )


# ── plan ─────────────────────────────────────────────────────────────────────


def plan(
    ctx: Context,
    prepared: Prepared,
    parents: Parents | None = None,
    begins_at: str | None = None,
    *,
    alone: bool = True,
    exact: ExactCounts | None = None,
) -> PlanReport:
    """Count what a run of this destination would send, leave out and refuse. `begins_at` as in `reading_of`."""
    policy, name = prepared.policy, prepared.spec.name
    with ctx.database.read() as conn:
        memory = Memory.load(conn, name, prepared.fingerprints) if policy.compares else None
        quarantine = QuarantineIndex.load(conn, name)
        reading = reading_of(conn, prepared, begins_at, ctx.clock.now(), alone=alone)
        doubts = doubt(conn, prepared)
        mirror = Mirror.load(conn, prepared, memory)
    prepared = with_notes(prepared, reading)
    render, merger, former = prepared.render, prepared.merger, prepared.compiled.former
    known, table = (None if doubts.ignores_memory else memory), prepared.data.dataset.is_table
    unknown = unknown_versions(prepared, quarantine)
    classifier = Classifier(
        policy, render, known, quarantine, unknown, parents, doubts.refusal, merger, former=former, table=table
    )
    notes = prepared.notes()
    tally = _Tally(exact=exact, reads=PlannedReads.of(ctx, prepared, memory), mirror=mirror)
    _count(tally, prepared, _read(ctx, prepared, reading.window), classifier, memory, notes)
    deletions = planned_deletions(ctx.database, mirror)
    requests, asking = (0, 0) if prepared.is_file else (tally.requests + deletions.requests, tally.asking)
    reads, reads_s = (0, 0.0) if prepared.data.dataset.api is None else prepared.data.dataset.api.whole
    report = PlanReport(
        records=tally.counts["records"],
        creates_or_updates=tally.counts["fresh"],
        unchanged=tally.counts["unchanged"],
        deletes=len(deletions.keys),
        deletes_hash=deletions.hash,
        delete_keys=deletions.keys,
        invalid=tally.counts["invalid"],
        held=tally.counts["held"],
        requests=requests + reads,
        asking=asking + reads,
        eta_s=reads_s + eta_s(requests, prepared.credential.rate_limit, prepared.spec.concurrency),
        first_errors=tuple(tally.errors),
        notes=(*of_plan(notes.all(tally.counts["records"])), *deletions.notes, *_address_note(prepared)),
        destination=name,
        base_url=prepared.address.base_url,
        base_url_reason=prepared.address.reason,
    )
    return report if exact is None else exact.counted(report)


def _count(
    tally: _Tally,
    prepared: Prepared,
    chunks: Iterator[Chunk],
    classifier: Classifier,
    memory: Memory | None,
    notes: Notes,
) -> None:
    """Count the records of these chunks; `memory` takes what would be sent as sent, for later chunks."""
    shape = prepared.compiled.shape
    batcher, first = Batcher(shape, repeats=prepared.policy.repeats), FirstSends(canary=prepared.spec.canary)
    with grouping_code(shape) as code:
        for chunk in chunks:
            opened = prepared.open_chunk(chunk, prints=prepared.policy.compares)
            classified = classifier.classify(opened)
            if tally.exact is not None:
                tally.exact.withhold(classified)
            notes.count(opened, classified)
            tally.add(opened, classified)
            rows = [payload.ordinal - chunk.first for payload in classified.fresh]
            if tally.reads is not None:
                tally.counts["polls"] += tally.reads.add(classified.fresh, memory, opened.hashes[rows])
            if memory is not None and classified.fresh:
                contents = np.array([payload.content for payload in classified.fresh], dtype=np.uint64)
                memory.stage(opened.hashes[rows], contents)
            for batch in planned_batches(batcher, classified.fresh, first):
                tally.batch(batch, shape, code)
            tally.refuse([refused_record(r.key, r.refusal) for r in batcher.oversized])
            batcher.oversized.clear()
        notes.read()
        for batch in batcher.flush():
            tally.batch(batch, shape, code)


@dataclass(slots=True)
class _Tally:
    """The counts so far. Each look-up is sent once, for all records that need it."""

    counts: Counter[str] = field(default_factory=Counter)
    errors: list[RefusedRecord] = field(default_factory=list)
    lookups: set[Lookup] = field(default_factory=set)
    exact: ExactCounts | None = None
    reads: PlannedReads | None = None  # of fields with `if_unchanged`
    mirror: Mirror | None = None

    @property
    def requests(self) -> int:
        return self.counts["requests"] + self.asking

    @property
    def asking(self) -> int:
        return self.counts["polls"] + len(self.lookups)

    def add(self, opened: OpenChunk, classified: Classified) -> None:
        """Count a classified chunk."""
        if self.mirror is not None:
            self.mirror.add(opened, classified)
        self.counts["records"] += len(opened.rows)
        self.counts["fresh"] += _records(classified.fresh)
        self.counts["unchanged"] += sum(len(rows) for rows, _ in classified.unchanged)
        self.counts["unchanged"] += _records(classified.same_as_in_flight)
        for decision in classified.decided:
            kind = _kind(decision.outcome, held=not decision.is_new)
            self.counts[kind] += 1
            if kind == "invalid" and len(self.errors) < FIRST_ERRORS:
                self.errors.append(refused_record(decision.key, decision.refusal))

    def refuse(self, records: Sequence[RefusedRecord]) -> None:
        """Count classified records from which no request can be made."""
        self.counts["fresh"] -= len(records)
        self.counts["invalid"] += len(records)
        self.errors += records[: FIRST_ERRORS - len(self.errors)]

    def batch(self, batch: Batch, shape: Shape, code: GroupingCode | None) -> None:
        """Count the requests of one batch; grouping code can make several."""
        for payload in batch.payloads:
            self.lookups.update(payload.lookups)
        made = 1
        if code is not None:
            try:
                made = len(finished(shape, batch.payloads, code))
            except (CodeFailed, Unencodable) as failure:
                self.refuse([refused_record(payload.key, failure.refusal) for payload in batch.payloads])
                return
        polls = 1 if shape.replies is Replies.JOBS and made == 1 else 0  # those of several requests are not polled
        self.counts["requests"] += made
        self.counts["polls"] += polls
        if self.exact is not None:
            self.exact.add(batch.payloads)


def _records(payloads: Sequence[Payload]) -> int:
    return sum(len(payload.parts) for payload in payloads if payload.parts) + len(payloads)


def _read(ctx: Context, prepared: Prepared, last: ReadWindow | None) -> Iterator[Chunk]:
    """The records that a run would read: all, or with a cursor those since the last run."""
    data = prepared.data
    if last is None:
        yield from data.dataset.read(data.schema)
        return
    path = ctx.folder / "frozen" / f"plan-{os.getpid()}.arrow"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        data.dataset.freeze(data.schema, path, last, ctx.clock.now())
        yield from read_frozen(path)
    finally:
        path.unlink(missing_ok=True)


def _kind(outcome: Outcome, *, held: bool) -> str:
    if outcome is Outcome.UNCHANGED:
        return "unchanged"
    return "invalid" if outcome is Outcome.QUARANTINED and not held else "held"


def _address_note(prepared: Prepared) -> tuple[Note, ...]:
    if not prepared.address.reason.startswith("assumed"):
        return ()
    return (Note("base_url", "assumed", f"{prepared.address.base_url}: {prepared.address.reason}"),)


def eta_s(requests: int, rate: RateLimit, concurrency: int) -> float:
    """The time that these requests take at the credential's rate limit, in seconds."""
    windows = max(ceil(requests / rate.requests) - 1, 0)
    return windows * rate.per + min(requests, rate.requests) * SECONDS_A_REQUEST / concurrency


def plan_flow(ctx: Context, flow: FlowSpec, begins_at: str | None = None, exact: Exact | None = None) -> PlanReport:
    """The plans of a flow's destinations as one report, drafts included; paused destinations are skipped."""
    specs, parts, skipped = in_order(ctx, flow), list[PlanReport](), dict[str, str]()
    requests: Counter[str] = Counter()  # by credential: a rate limit is shared
    for spec in specs:
        active, reason = is_active(ctx, spec)
        if is_paused(ctx, spec):
            skipped[spec.name] = reason
            continue
        prepared, parents = prepare(ctx, spec, whole=True), parents_in_quarantine(ctx, spec, specs)
        counts, unknown = (None, ()) if exact is None else exact_or_note(exact, prepared)
        part = plan(ctx, prepared, parents, begins_at, alone=False, exact=counts)
        part = replace(part, notes=(*part.notes, *unknown, *first_sends_notes(spec.canary, part.creates_or_updates)))
        if not active:
            draft = Note("active", "not sent", f"{reason}: a run skips it until it is activated")
            part = replace(part, notes=(*part.notes, draft))
        parts.append(part)
        requests[spec.credential] += part.requests
    rates = ctx.project.credentials
    seconds = max((eta_s(number, rates[name].rate_limit, 1) for name, number in requests.items()), default=0.0)
    return _together(flow.name, parts, seconds, skipped)


def _together(name: str, parts: Sequence[PlanReport], rate_eta: float, skipped: dict[str, str]) -> PlanReport:
    """The plans of a flow's destinations as one report."""
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in PLANNED}
    return PlanReport(
        **sums,
        **sum_of(parts),
        eta_s=rate_eta,
        first_errors=tuple(error for part in parts for error in part.first_errors)[:FIRST_ERRORS],
        notes=tuple(note for part in parts for note in part.notes),
        flow=name,
        destinations=tuple(parts),
        skipped=skipped,
        deletes_hash=hash_together([part.deletes_hash for part in parts]),
        delete_keys=tuple(key for part in reversed(parts) for key in part.delete_keys),
    )
