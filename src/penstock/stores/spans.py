"""What the ledger says of a span of time: records by outcome, requests and how long they took, by parts of the span."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Select, case, func, or_, select

from penstock.stores.schema import ledger_batches, ledger_exceptions, runs

STEPS_MS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700),
    *(1000, 1500, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000, 30_000, 60_000),
)  # between two of them no duration is told from another


@dataclass(slots=True)
class Part:
    """One part of the span: records by outcome, requests, and deliveries by the step that their duration is below."""

    records: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    requests: int = 0
    steps: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, other: Part) -> None:
        """Count the other's too."""
        self.requests += other.requests
        for word, number in other.records.items():
            self.records[word] += number
        for step, number in other.steps.items():
            self.steps[step] += number

    def quantile(self, share: float) -> float | None:
        """The duration in ms that this share of the deliveries did not exceed, about; None when none was made."""
        total = sum(self.steps.values())
        below, wanted = 0.0, share * total
        for step in sorted(self.steps):
            number = self.steps[step]
            if below + number >= wanted:
                low = STEPS_MS[step - 1] if step > 0 else 0
                high = STEPS_MS[step] if step < len(STEPS_MS) else 2 * STEPS_MS[-1]
                return round(low + (high - low) * (wanted - below) / number, 1)
            below += number
        return None


def parts(conn: Connection, since: str, letters: int, destination: str | None = None) -> Mapping[str, Part]:
    """The parts since a moment by the first letters of their moments (13: the hour). Test sends do not count."""
    found: dict[str, Part] = defaultdict(Part)
    b = ledger_batches.c
    at = func.substr(b.at, 1, letters).label("part")
    step: ColumnElement[int] = case(
        (b.delivery.is_(None), -1),
        *((b.duration_ms <= bound, number) for number, bound in enumerate(STEPS_MS)),
        else_=len(STEPS_MS),
    ).label("step")
    mine = [b.run.in_(_runs(since, destination)), b.at >= since, ~b.is_test]
    query = select(at, b.outcome, step, func.sum(b.records), func.sum(b.requests), func.count())
    for part, outcome, number, records, requests, count in conn.execute(
        query.where(*mine).group_by("part", b.outcome, "step")
    ):
        found[part].records[outcome] += int(records)
        found[part].requests += int(requests)
        if number >= 0:
            found[part].steps[number] += int(count)
    x = ledger_exceptions.c
    odd = select(at, b.outcome, x.outcome, func.count()).join_from(ledger_batches, ledger_exceptions)
    for part, usual, outcome, count in conn.execute(odd.where(*mine).group_by("part", b.outcome, x.outcome)):
        found[part].records[usual] -= count
        found[part].records[outcome] += count
    return found


def _runs(since: str, destination: str | None) -> Select[tuple[str]]:
    """The runs that may have written anything down since."""
    query = select(runs.c.id).where(
        runs.c.kind.in_(("destination", "resend")), or_(runs.c.finished_at.is_(None), runs.c.finished_at >= since)
    )
    return query if destination is None else query.where(runs.c.target == destination)
