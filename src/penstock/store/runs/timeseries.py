"""Time series from the ledger: records by outcome, requests and their duration, by parts of a time span.

The service adds up the ledger every few seconds (`fold`), by parts of five minutes, an hour and a day. A query reads
these and the ledger's rows above them: its cost does not depend on how much was sent, and it works after the ledger is
pruned. Totals for metrics only grow, because a metric that shrinks looks like a restart: deliveries are added up once,
by the ledger's own order (`fold_deliveries`), and runs just before they are deleted (`add_deleted_runs`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, case, delete, func, select

from penstock.model.outcome import COUNT_NAMES
from penstock.model.runs import RunKind
from penstock.store.database import insert_all, upsert, upsert_all
from penstock.store.service_tables import span_parts, tallies
from penstock.store.tables import ledger_batches, ledger_exceptions, runs

DAY = 24 * 60
LENGTHS = MappingProxyType({5: 1, 60: 7, DAY: 100})  # minutes of the parts, and for how many days they are stored
MARK = 0  # instead of a length: the row that says how far the ledger was added up
REQUESTS, STEP = "requests", "step "

STEPS_MS = (
    *(1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700),
    *(1000, 1500, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000, 30_000, 60_000),
)  # durations between two steps count as equal

Labels = tuple[str, ...]
Tally = Mapping[Labels, float]
BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
FOLDED = "folded"  # the newest ledger row that is in the tallies
AT_ONCE = 500
COUNTED: tuple[RunKind, ...] = ("destination", "resend", "settle")  # kinds of runs whose records are counted


@dataclass(slots=True)
class Part:
    """One part of the span: records by outcome, requests, and deliveries by the step that their duration is below."""

    records: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    requests: int = 0
    steps: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def count(self, word: str, number: int) -> None:
        """Add a number to a counter: an outcome, requests, or deliveries of a step."""
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
    upsert(conn, span_parts, {"minutes": MARK, "at": "", "destination": "", "word": "", "number": newest})
    for minutes, days in LENGTHS.items() if last else ():
        before = (datetime.fromisoformat(last) - timedelta(days=days)).isoformat()[:16]
        conn.execute(delete(span_parts).where(span_parts.c.minutes == minutes, span_parts.c.at < before))
    return True


def correct_outcomes(conn: Connection, batch: int, changes: Mapping[str, int]) -> None:
    """Correct the sums for records of a batch whose outcomes have changed, by the change for each outcome."""
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
    """The ledger's rows between two of them, added up minute by minute."""
    b = ledger_batches.c
    at = func.substr(b.at, 1, 16).label("part")
    step: ColumnElement[int] = case(
        (b.delivery.is_(None), -1),
        *((b.duration_ms <= bound, number) for number, bound in enumerate(STEPS_MS)),
        else_=len(STEPS_MS),
    ).label("step")
    mine = [b.id > above, *([] if to is None else [b.id <= to]), ~b.is_test, runs.c.kind.in_(COUNTED)]
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
    """The newest row of the ledger that is added up; 0 when the ledger has begun again below it."""
    found = conn.execute(select(span_parts.c.number).where(span_parts.c.minutes == MARK)).scalar()
    newest = conn.execute(select(func.coalesce(func.max(ledger_batches.c.id), 0))).scalar_one()
    return 0 if found is None or found > newest else int(found)


def _add(conn: Connection, sums: Mapping[tuple[int, str, str, str], int]) -> None:
    rows = [
        {"minutes": minutes, "at": at, "destination": destination, "word": word, "number": number}
        for (minutes, at, destination, word), number in sums.items()
        if number != 0
    ]
    insert_all(conn, span_parts, rows, "number")


def add(conn: Connection, name: str, more: Tally) -> None:
    """Add to the counts of one name."""
    if not more:
        return
    known = {
        labels: value for labels, value in _of(conn, name).items() if labels in more
    }  # the block is alone with the table: see `Database.begin`
    rows = [
        {"name": name, "labels": orjson.dumps(labels).decode(), "value": known.get(labels, 0.0) + value}
        for labels, value in more.items()
    ]
    upsert_all(conn, tallies, rows, ["name", "labels"])


def all_counts(conn: Connection) -> dict[str, dict[Labels, float]]:
    """All counts by name and labels."""
    found: dict[str, dict[Labels, float]] = defaultdict(dict)
    for name, labels, value in conn.execute(select(tallies.c.name, tallies.c.labels, tallies.c.value)):
        found[name][tuple(orjson.loads(labels))] = value
    return found


def _of(conn: Connection, name: str) -> dict[Labels, float]:
    query = select(tallies.c.labels, tallies.c.value).where(tallies.c.name == name)
    return {tuple(orjson.loads(labels)): value for labels, value in conn.execute(query)}


# ── deliveries ───────────────────────────────────────────────────────────────


def folded(conn: Connection) -> int:
    """The newest ledger row whose delivery is in the tallies; 0 when the ledger has begun again below it."""
    mark = int(_of(conn, FOLDED).get((), 0))
    newest: int = conn.execute(select(func.coalesce(func.max(ledger_batches.c.id), 0))).scalar_one()
    return mark if mark <= newest else 0


def new_deliveries(conn: Connection, above: int) -> dict[str, dict[Labels, float]]:
    """The deliveries written down since: `deliveries` by (destination, status), `buckets` by (destination, bound) and
    `seconds` by destination. A request without an answer has the status `lost`.
    """
    b = ledger_batches.c
    bucket: ColumnElement[int] = case(
        *((b.duration_ms <= bound, number) for number, bound in enumerate(BUCKETS_MS)), else_=len(BUCKETS_MS)
    )
    query = (
        select(runs.c.target, b.status, bucket.label("bucket"), func.count(), func.sum(b.duration_ms))
        .join(runs, runs.c.id == b.run)
        .where(b.id > above, b.delivery.is_not(None), b.is_test.is_(False), b.attempts > 0)
        .group_by(runs.c.target, b.status, "bucket")
    )
    found: dict[str, dict[Labels, float]] = {"deliveries": {}, "buckets": {}, "seconds": {}}
    for target, status, number, count, duration in conn.execute(query):
        word = "lost" if status is None else str(status)
        bound = str(BUCKETS_MS[number] / 1000) if number < len(BUCKETS_MS) else "+Inf"
        _plus(found["deliveries"], (target, word), count)
        _plus(found["buckets"], (target, bound), count)
        _plus(found["seconds"], (target,), (duration or 0.0) / 1000)
    return found


def fold_deliveries(conn: Connection) -> None:
    """Bring the tallies up to the newest row of the ledger; inside a write transaction that is alone."""
    newest: int = conn.execute(select(func.coalesce(func.max(ledger_batches.c.id), 0))).scalar_one()
    above = folded(conn)
    if newest == above:
        return
    for name, more in new_deliveries(conn, above).items():
        add(conn, name, more)
    row = {"name": FOLDED, "labels": "[]", "value": float(newest)}
    upsert_all(conn, tallies, [row], ["name", "labels"])


# ── runs ─────────────────────────────────────────────────────────────────────


def run_counts(conn: Connection, ids: Sequence[str] | None = None) -> dict[str, dict[Labels, float]]:
    """What runs have counted (all of them, or those named): `records` by (destination, outcome), `requests` and
    `retries` by destination, `runs` by (kind, target, status).
    """
    r = runs.c
    sums = [func.sum(r[name]) for name in (*COUNT_NAMES, "requests", "retries")]
    query = select(r.kind, r.target, r.status, func.count(), *sums).where(r.kind != "test")
    found: dict[str, dict[Labels, float]] = {"records": {}, "requests": {}, "retries": {}, "runs": {}}
    for some in [None] if ids is None else _slices(ids):
        mine = query if some is None else query.where(r.id.in_(some))
        for kind, target, status, count, *values in conn.execute(mine.group_by(r.kind, r.target, r.status)):
            _plus(found["runs"], (kind, target, status), count)
            if kind == "flow":  # its destinations' runs have counted the same
                continue
            for name, value in zip((*COUNT_NAMES, "requests", "retries"), values, strict=True):
                if name in found:
                    _plus(found[name], (target,), float(value or 0))
                else:
                    _plus(found["records"], (target, name), float(value or 0))
    return found


def add_deleted_runs(conn: Connection, ids: Sequence[str]) -> None:
    """Add the counts of runs that are about to be deleted to the totals, with their deliveries in the ledger."""
    fold_deliveries(conn)
    for name, more in run_counts(conn, ids).items():
        add(conn, name, more)


def _slices(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))


def _plus(counts: dict[Labels, float], labels: Labels, value: float) -> None:
    counts[labels] = counts.get(labels, 0.0) + value
