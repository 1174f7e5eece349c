"""What a run would do now: read everything, ask memory and quarantine, count the requests; send nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

from penstock.engine.notes import Notes
from penstock.engine.preparing import Prepared
from penstock.engine.preview import described_decision
from penstock.engine.remembering import QuarantineIndex, open_chunk
from penstock.engine.screen import Parents, Screen
from penstock.engine.surroundings import Surroundings
from penstock.model.outcome import Note, Outcome
from penstock.model.record import Chunk, Lookup, Replies
from penstock.model.reports import PlanReport, RefusedRecord
from penstock.model.spec import RateLimit
from penstock.sources.dataset import read_frozen
from penstock.sources.freezing import Window
from penstock.stores import resources
from penstock.stores.memory import Memory
from penstock.transform.batching import Batcher

FIRST_ERRORS = 5
SECONDS_A_REQUEST = 0.05  # what a request takes when the allowance does not hold it up; for the estimate only


def plan(around: Surroundings, prepared: Prepared, parents: Parents | None = None) -> PlanReport:
    """Count what a run of this destination would send, leave and refuse."""
    policy, name = prepared.policy, prepared.spec.name
    with around.database.read() as conn:
        memory = Memory.load(conn, name, prepared.fingerprints) if policy.compares else None
        quarantine = QuarantineIndex.load(conn, name)
        window = resources.window_of(conn, name)
    screen = Screen(policy, prepared.compiled.renderer.render, memory, quarantine, parents)
    batcher = Batcher(prepared.compiled.shape, repeats=not policy.newest_wins)
    notes, tally, errors = Notes(prepared.compiled.notes), Counter[str](), list[RefusedRecord]()
    lookups: set[Lookup] = set()
    last = None if window is None else Window.from_json(window)
    for chunk in _read(around, prepared, last):
        opened = open_chunk(prepared, chunk, prints=policy.compares)
        sifted = screen.sift(opened)
        notes.count(sifted.notes)
        tally["records"] += len(opened.rows)
        tally["fresh"] += len(sifted.fresh)
        tally["unchanged"] += sum(len(rows) for rows, _ in sifted.unchanged)
        for decision in sifted.decided:
            kind = _kind(decision.outcome, held=not decision.hold)
            tally[kind] += 1
            if kind == "invalid" and len(errors) < FIRST_ERRORS:
                errors.append(described_decision(decision))
        if memory is not None and sifted.fresh:
            rows = [payload.ordinal - chunk.first for payload in sifted.fresh]
            contents = np.array([payload.content for payload in sifted.fresh], dtype=np.uint64)
            memory.stage(opened.hashes[rows], contents)
        for payload in sifted.fresh:
            lookups.update(payload.lookups)
        tally["batches"] += sum(1 for _ in batcher.add(sifted.fresh))
        tally["invalid"] += len(batcher.oversized)
        batcher.oversized.clear()
    tally["batches"] += sum(1 for _ in batcher.flush())
    polls = tally["batches"] if prepared.compiled.shape.replies is Replies.JOBS else 0
    requests = tally["batches"] + polls + len(lookups)
    return PlanReport(
        records=tally["records"],
        creates_or_updates=tally["fresh"],
        unchanged=tally["unchanged"],
        deletes=0,
        invalid=tally["invalid"],
        held=tally["held"],
        requests=requests,
        eta_s=eta_s(requests, prepared.credential.rate_limit, prepared.spec.concurrency),
        first_errors=tuple(errors),
        notes=(*notes.all(tally["records"]), *_address_note(prepared)),
        destination=name,
        base_url=prepared.address.base_url,
        base_url_reason=prepared.address.reason,
    )


def _read(around: Surroundings, prepared: Prepared, last: Window | None) -> Iterator[Chunk]:
    """The records a run would read: all of them, or with a cursor those that came since the last run."""
    data = prepared.data
    if last is None:
        yield from data.dataset.read(data.schema)
        return
    path = around.folder / "frozen" / f"plan-{os.getpid()}.arrow"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        data.dataset.freeze(data.schema, path, last)
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
    """How long the credential's allowance makes these requests take, in seconds."""
    windows = max(ceil(requests / rate.requests) - 1, 0)
    return windows * rate.per + min(requests, rate.requests) * SECONDS_A_REQUEST / concurrency


def plan_of_flow(name: str, parts: Sequence[PlanReport], rate_eta: float, skipped: dict[str, str]) -> PlanReport:
    """The plans of a flow's destinations together."""
    return PlanReport(
        records=sum(part.records for part in parts),
        creates_or_updates=sum(part.creates_or_updates for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        deletes=0,
        invalid=sum(part.invalid for part in parts),
        held=sum(part.held for part in parts),
        requests=sum(part.requests for part in parts),
        eta_s=rate_eta,
        first_errors=tuple(error for part in parts for error in part.first_errors)[:FIRST_ERRORS],
        notes=tuple(note for part in parts for note in part.notes),
        flow=name,
        destinations=tuple(parts),
        skipped=skipped,
    )
