"""`RunEvents`: the events of one run, without repeated lines and without the content of records.

Also estimates how long a run still takes, from its progress so far and from the rate limit. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from penstock.model.delivery import Delivery, Lost
from penstock.model.events import SILENT, Events, Span
from penstock.model.outcome import COUNT_NAMES, Outcome
from penstock.model.spec import RateLimit
from penstock.store.runs.runs import RunRow

LEAST_S = 1.0  # of a run before anything is reported

MOST_REPORTED = 20  # failed deliveries of a run that are reported one by one; all of them are in the ledger
FAILED = frozenset({Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.UNSENT})


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


@dataclass(slots=True)
class RunEvents:
    """Tells of one run to `events`."""

    run: str = ""
    destination: str = ""
    events: Events = SILENT
    reported: int = 0

    def batch(self, records: int) -> AbstractContextManager[Span]:
        """A batch in flight, as a part of the run's trace."""
        return self.events.span("batch", run=self.run, destination=self.destination, records=records)

    def delivered(self, number: int, delivery: Delivery, span: Span) -> None:
        """A delivery has ended. The API's own text is in the ledger, not here: it may quote records."""
        records = len(delivery.settled)
        span.set(outcome=delivery.outcome.value, status=delivery.status, attempts=delivery.attempts, records=records)
        if delivery.outcome not in FAILED:
            return
        self.reported += 1
        if self.reported > MOST_REPORTED:
            return
        reason = delivery.answer.reason if isinstance(delivery.answer, Lost) else None
        if delivery.stop is not None:
            reason = delivery.stop.reason
        self.events.tell(
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
def reported(events: Events, run: RunRow) -> Iterator[list[RunRow]]:
    """A run from its start to its end; put the ended run into the list."""
    with events.span("run", run=run.id, destination=run.target, kind=run.kind) as span:
        events.tell("run.started", run=run.id, destination=run.target, kind=run.kind, parent=run.parent)
        ended: list[RunRow] = []
        yield ended
        for row in ended:
            span.set(status=row.status, requests=row.requests, retries=row.retries)
            events.tell(
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
