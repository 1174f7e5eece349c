"""Counts that only grow: what was counted stays counted when the rows that it was counted from are pruned.

A metric that shrank would look like a restart to whoever watches it. So deliveries are added up once, by the ledger's
own order (`fold_deliveries`), and runs are added up when they are about to be deleted (`keep_runs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, case, func, select

from penstock.model.outcome import COUNT_NAMES
from penstock.stores.put import put_all
from penstock.stores.schema import ledger_batches, runs
from penstock.stores.schema_care import tallies

Labels = tuple[str, ...]
Tally = Mapping[Labels, float]
BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
FOLDED = "folded"  # the newest ledger row that is in the tallies
AT_ONCE = 500


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
    put_all(conn, tallies, rows, ["name", "labels"])


def everything(conn: Connection) -> dict[str, dict[Labels, float]]:
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
    """The newest ledger row whose delivery is in the tallies; 0 when the ledger has begun anew below it."""
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
    put_all(conn, tallies, [row], ["name", "labels"])


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


def keep_runs(conn: Connection, ids: Sequence[str]) -> None:
    """Keep what these runs have counted, for they are about to be deleted; the ledger's deliveries with them."""
    fold_deliveries(conn)
    for name, more in run_counts(conn, ids).items():
        add(conn, name, more)


def _slices(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))


def _plus(counts: dict[Labels, float], labels: Labels, value: float) -> None:
    counts[labels] = counts.get(labels, 0.0) + value
