"""The progress of a run, when it will end, and the status with which it has ended."""

from __future__ import annotations

from penstock.delivery.http.client import AttemptLog
from penstock.model.delivery import Waiting
from penstock.model.outcome import COUNT_NAMES, NOT_DELETED
from penstock.model.runs import Progress, RunStatus
from penstock.model.spec import RateLimit
from penstock.run.stop import StopSignal
from penstock.store.runs.runs import RunRow

LEAST_S = 1.0  # of a run before its end is estimated


def progress_of(run: RunRow, log: AttemptLog, for_allowance_s: float, limit: RateLimit, phase: str) -> Progress:
    """The progress of a run that is going on; it waits `for_allowance_s` seconds for the rate limit."""
    decided = sum(getattr(run.counts, name) for name in COUNT_NAMES[1:])
    return Progress(
        target=run.target,
        counts={name: getattr(run.counts, name) for name in run.counts.__slots__},
        requests=run.requests,
        total=run.input_rows,
        elapsed_s=run.duration_s,
        waiting_for_allowance_s=for_allowance_s,
        phase=phase,
        attempts=log.attempts(),
        waiting_for=Waiting("rate limit", round(for_allowance_s, 3)) if for_allowance_s else log.waiting(),
        left_s=time_left(decided, run.input_rows, run.requests, run.duration_s, limit),
    )


def progress_given_way(run: RunRow, other: RunRow | None) -> Progress:
    """The progress of a run that has given way to another one of its destination, if that has begun."""
    phase = "waiting for another run" if other is None else f"waiting for the run {other.id}"
    counts = {name: getattr(run.counts, name) for name in run.counts.__slots__}
    return Progress(run.target, counts, run.requests, run.input_rows, run.duration_s, phase=phase)


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


def reason_of(signal: StopSignal, credential: str) -> str | None:
    """Why a run stopped; for a problem with the credential also its place and the fix."""
    if signal.kind in {"credential", "unreachable"}:
        return f"credentials.{credential}: {signal.reason} — see `penstock check {credential}`"
    return signal.reason or None


def status_of(run: RunRow) -> RunStatus:
    """succeeded, partial, failed or cancelled: see product rules for exit codes."""
    if run.stopped_by == "cancelled":
        return "cancelled"
    if run.stopped_by is not None:
        return "failed"
    counts = run.counts
    clean = counts.quarantined == counts.unknown == counts.waiting == 0 and (counts.unsent == 0 or run.limited)
    return "succeeded" if clean and all(note.action != NOT_DELETED for note in run.notes) else "partial"
