"""What the ledger says of a span of time: records by outcome, requests and how long they took, by parts of the span.

The service adds the ledger up every few seconds (`fold`), by parts of five minutes, an hour and a day. What is asked
for is these and the rows of the ledger above them: it costs the same however much was sent, and outlives the ledger.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, delete, func, select

from penstock.stores.put import add_all, put
from penstock.stores.schema import ledger_batches, ledger_exceptions, runs
from penstock.stores.schema_care import span_parts

DAY = 24 * 60
LENGTHS = MappingProxyType({5: 1, 60: 7, DAY: 100})  # minutes of the parts, and for how many days they are kept
MARK = 0  # the length of a part that is none: how far the ledger was added up
REQUESTS, STEP = "requests", "step "

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

    def count(self, word: str, number: int) -> None:
        """So many more of what the word says: an outcome, requests, or deliveries of a step."""
        if word == REQUESTS:
            self.requests += number
        elif word.startswith(STEP):
            self.steps[int(word.removeprefix(STEP))] += number
        else:
            self.records[word] += number

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


def parts(conn: Connection, since: str, minutes: int, destination: str | None = None) -> Mapping[str, Part]:
    """The parts of so many minutes (one of LENGTHS) since the beginning of one, by their beginning as `beginning` says
    it. Test sends do not count.
    """
    s = span_parts.c
    found: dict[str, Part] = defaultdict(Part)
    first = beginning(since, minutes)
    mine = (s.minutes == minutes) & (s.at >= first)
    if destination is not None:
        mine &= s.destination == destination
    for at, word, number in conn.execute(select(s.at, s.word, func.sum(s.number)).where(mine).group_by(s.at, s.word)):
        found[at].count(word, int(number))
    for row in _counted(conn, _mark(conn)):
        at = beginning(row.at, minutes)
        if at >= first and destination in {None, row.destination}:
            found[at].count(row.word, row.number)
    return found


def beginning(moment: str, minutes: int) -> str:
    """When the part that a moment is in begins, in UTC, to the minute: `2026-01-31T12:35`."""
    if minutes >= DAY:
        return f"{moment[:10]}T00:00"
    return f"{moment[:14]}{int(moment[14:16]) // minutes * minutes:02}"


def fold(conn: Connection, most: int | None = None) -> bool:
    """Add up what is new in the ledger, or the oldest `most` rows of that; False when nothing was left to do. Inside a
    write transaction that is alone.
    """
    newest = int(conn.execute(select(func.coalesce(func.max(ledger_batches.c.id), 0))).scalar_one())
    above = _mark(conn)
    if newest == above:
        return False
    newest = newest if most is None else min(newest, above + most)
    sums: Counter[tuple[int, str, str, str]] = Counter()
    last = ""
    for row in _counted(conn, above, newest):
        last = max(last, row.at)
        for minutes in LENGTHS:
            sums[minutes, beginning(row.at, minutes), row.destination, row.word] += row.number
    _add(conn, sums)
    put(conn, span_parts, {"minutes": MARK, "at": "", "destination": "", "word": "", "number": newest})
    for minutes, days in LENGTHS.items() if last else ():
        before = (datetime.fromisoformat(last) - timedelta(days=days)).isoformat()[:16]
        conn.execute(delete(span_parts).where(span_parts.c.minutes == minutes, span_parts.c.at < before))
    return True


def became(conn: Connection, batch: int, changes: Mapping[str, int]) -> None:
    """Records of a batch that was added up may have become something else: so many more of each outcome."""
    if batch > _mark(conn):
        return
    b = ledger_batches.c
    query = select(b.at, runs.c.target).join(runs, runs.c.id == b.run).where(b.id == batch, ~b.is_test)
    for at, target in conn.execute(query).all():
        _add(
            conn,
            {
                (minutes, beginning(at, minutes), target, word): number
                for word, number in changes.items()
                for minutes in LENGTHS
            },
        )


class _Sum(NamedTuple):
    at: str  # to the minute
    destination: str
    word: str
    number: int


def _counted(conn: Connection, above: int, to: int | None = None) -> Iterator[_Sum]:
    """What the ledger says above one of its rows, up to another, minute by minute."""
    b = ledger_batches.c
    at = func.substr(b.at, 1, 16).label("part")
    step: ColumnElement[int] = case(
        (b.delivery.is_(None), -1),
        *((b.duration_ms <= bound, number) for number, bound in enumerate(STEPS_MS)),
        else_=len(STEPS_MS),
    ).label("step")
    mine = [b.id > above, *([] if to is None else [b.id <= to]), ~b.is_test, runs.c.kind.in_(("destination", "resend"))]
    query = select(at, runs.c.target, b.outcome, step, func.sum(b.records), func.sum(b.requests), func.count())
    query = query.select_from(ledger_batches).join(runs, runs.c.id == b.run).where(*mine)
    for part, target, outcome, number, records, requests, count in conn.execute(
        query.group_by("part", runs.c.target, b.outcome, "step")
    ):
        yield _Sum(part, target, outcome, int(records))
        yield _Sum(part, target, REQUESTS, int(requests))
        if number >= 0:
            yield _Sum(part, target, f"{STEP}{number}", int(count))
    x = ledger_exceptions.c
    odd = select(at, runs.c.target, b.outcome, x.outcome, func.count()).select_from(ledger_exceptions)
    odd = odd.join(ledger_batches).join(runs, runs.c.id == b.run).where(*mine, x.batch > above)
    for part, target, usual, outcome, count in conn.execute(odd.group_by("part", runs.c.target, b.outcome, x.outcome)):
        yield _Sum(part, target, usual, -int(count))
        yield _Sum(part, target, outcome, int(count))


def _mark(conn: Connection) -> int:
    """The newest row of the ledger that is added up; 0 when the ledger has begun anew below it."""
    found = conn.execute(select(span_parts.c.number).where(span_parts.c.minutes == MARK)).scalar()
    newest = conn.execute(select(func.coalesce(func.max(ledger_batches.c.id), 0))).scalar_one()
    return 0 if found is None or found > newest else int(found)


def _add(conn: Connection, sums: Mapping[tuple[int, str, str, str], int]) -> None:
    rows = [
        {"minutes": minutes, "at": at, "destination": destination, "word": word, "number": number}
        for (minutes, at, destination, word), number in sums.items()
        if number != 0
    ]
    add_all(conn, span_parts, rows, "number")
