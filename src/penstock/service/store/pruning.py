"""The deletion of old rows, a few in each transaction, so that runs are not delayed.

Never deleted: records in quarantine and discarded records, memory, intents, batch jobs, runs that can be resumed, and
the newest run of every destination and flow. A flow's run is deleted together with the runs of its destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    union,
    update,
)

from penstock.store.runs import timeseries
from penstock.store.runs.runs import PRUNED
from penstock.store.sent_notes import old_sent_notes
from penstock.store.service_tables import (
    alerts,
    answers,
    approved_deletions,
    audit,
    exchanges,
    one_time_links,
    ticks,
    work,
)
from penstock.store.tables import (
    cursors,
    discarded,
    in_flight,
    intents,
    jobs,
    ledger_batches,
    memory_segments,
    quarantine,
    reconciliations,
    responses,
    runs,
    sent_identities,
    sent_links,
    sent_notes,
    sent_values,
    switches,
)

PART = 400  # rows that one transaction deletes
EVERYTHING = 1 << 40
UNDER_WAY = ("running", "queued")


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """The times (ISO 8601) before which rows of each kind are deleted, empty for never; `now` is in epoch seconds."""

    runs: str
    ledger: str
    responses: str
    audit: str
    alerts: str
    now: float


class Sweep(NamedTuple):
    """The deletion of one kind of rows: `find` returns the ids of at most so many old rows; `drop` deletes them and
    returns their number.
    """

    name: str
    find: Callable[[Connection, int], Sequence[Any]]
    drop: Callable[[Connection, Sequence[Any]], int]


def sweeps(before: Cutoffs) -> Iterator[Sweep]:
    """The sweeps in their order: a run is deleted after its other rows."""
    yield Sweep("exchanges", lambda c, n: _exchanges(c, before.responses, n), _drop_exchanges)
    yield Sweep("ledger", lambda c, n: _ledger(c, max(before.ledger, before.runs), n), _drop_ledger)
    yield Sweep("runs", lambda c, n: _runs(c, before.runs, n), _drop_runs)
    yield Sweep("responses", lambda c, n: _responses(c, before.responses, n), lambda c, ids: _drop(c, responses, ids))
    for name, table, old in (
        ("audit", audit, audit.c.at < before.audit),
        ("alerts", alerts, (alerts.c.state == "over") & (alerts.c.over_at < before.alerts)),
        ("ticks", ticks, ticks.c.run.is_not(None) & (ticks.c.due < before.runs)),
        ("one_time_links", one_time_links, one_time_links.c.expires < before.now),
        ("answers", answers, answers.c.until < before.now),
        ("sent_notes", sent_notes, old_sent_notes(datetime.fromtimestamp(before.now, UTC))),
    ):
        yield _plain(name, table, old)


def _plain(name: str, table: Table, old: ColumnElement[bool]) -> Sweep:
    keys = tuple(table.primary_key)

    def find(conn: Connection, most: int) -> Sequence[Any]:
        rows = conn.execute(select(*keys).where(old).order_by(*keys).limit(most)).all()
        return [tuple(row) for row in rows]

    def drop(conn: Connection, ids: Sequence[Any]) -> int:
        return conn.execute(delete(table).where(tuple_(*keys).in_(ids), old)).rowcount

    return Sweep(name, find, drop)


def _drop(conn: Connection, table: Table, ids: Sequence[Any]) -> int:
    return conn.execute(delete(table).where(table.c.id.in_(ids))).rowcount


# ── runs ─────────────────────────────────────────────────────────────────────


def _has_ended(run: FromClause, before: str) -> ColumnElement[bool]:
    """Whether a run ended before `before`, has no undecided records, and is not the newest of its target."""
    newer = runs.alias()
    after = or_(
        newer.c.started_at > run.c.started_at, and_(newer.c.started_at == run.c.started_at, newer.c.id > run.c.id)
    )
    same = (newer.c.target == run.c.target) & (newer.c.kind == run.c.kind)
    undecided = union(
        select(intents.c.run), select(jobs.c.run), select(in_flight.c.run), select(quarantine.c.run),
        select(work.c.run).where(work.c.state != "ended"),
    )  # fmt: skip
    return and_(
        run.c.finished_at < before,
        ~run.c.resumable,
        run.c.status.not_in(UNDER_WAY),
        exists().where(same, after),
        run.c.id.not_in(undecided),
    )


def _old_runs(before: str) -> Any:
    """The ids of runs to delete: only if all runs of the same flow's run can be deleted."""
    part, whole = runs.alias(), runs.alias()
    family = func.coalesce(runs.c.parent, runs.c.id)
    return select(runs.c.id).where(
        _has_ended(runs, before),
        ~exists().where(part.c.parent == family, ~_has_ended(part, before)),
        ~exists().where(whole.c.id == runs.c.parent, ~_has_ended(whole, before)),
    )


def _ledger(conn: Connection, before: str, most: int) -> Sequence[Any]:
    query = select(ledger_batches.c.id).where(ledger_batches.c.run.in_(_old_runs(before)))
    return conn.execute(query.limit(most)).scalars().all()


def _drop_ledger(conn: Connection, ids: Sequence[Any]) -> int:
    """Delete batches of the ledger. A note is added to each run: its records can no longer be listed."""
    timeseries.fold_deliveries(conn)
    timeseries.fold(conn)
    mine = select(ledger_batches.c.run).where(ledger_batches.c.id.in_(ids))
    for run, notes in conn.execute(select(runs.c.id, runs.c.notes).where(runs.c.id.in_(mine))).all():
        known = orjson.loads(notes)
        if not any(note[1] == PRUNED for note in known):
            known.append(["ledger", PRUNED, "its records and requests were deleted after the retention period", None])
            changed = {"notes": orjson.dumps(known).decode(), "exported": None}
            conn.execute(update(runs).where(runs.c.id == run).values(changed))
    return _drop(conn, ledger_batches, ids)


def _exchanges(conn: Connection, before: str, most: int) -> Sequence[Any]:
    query = select(exchanges.c.run, exchanges.c.delivery).where(exchanges.c.run.in_(_old_runs(before)))
    return [tuple(row) for row in conn.execute(query.limit(most)).all()]


def _drop_exchanges(conn: Connection, ids: Sequence[Any]) -> int:
    return conn.execute(delete(exchanges).where(tuple_(exchanges.c.run, exchanges.c.delivery).in_(ids))).rowcount


def _runs(conn: Connection, before: str, most: int) -> Sequence[Any]:
    """The ids of old runs together with the runs of their parts."""
    roots = select(runs.c.id).where(runs.c.parent.is_(None), runs.c.id.in_(_old_runs(before)))
    first = conn.execute(roots.order_by(runs.c.started_at).limit(most)).scalars().all()
    parts = conn.execute(select(runs.c.id).where(runs.c.parent.in_(first))).scalars().all()
    return [*first, *parts]


def _drop_runs(conn: Connection, ids: Sequence[Any]) -> int:
    timeseries.add_deleted_runs(conn, ids)  # the sums for metrics keep their counts
    conn.execute(delete(work).where(work.c.run.in_(ids)))
    return _drop(conn, runs, ids)


def _responses(conn: Connection, before: str, most: int) -> Sequence[Any]:
    """The ids of old replies. Replies are stored in their order, so the first new one ends the search."""
    found: list[int] = []
    rows = conn.execute(select(responses.c.id, responses.c.record).order_by(responses.c.id).limit(most))
    for number, record in rows:
        if orjson.loads(record)["sent_at"] >= before:
            break
        found.append(number)
    return found


# ── destinations no longer in the project ───────────────────────────────────────────────

_OF_DESTINATIONS = (
    memory_segments,
    in_flight,
    cursors,
    switches,
    discarded,
    sent_links,
    sent_values,
    reconciliations,
    sent_identities,
    approved_deletions,
)


def remembered_destinations(conn: Connection) -> dict[str, int]:
    """All destinations with a memory, and the number of their keys."""
    names = union(*(select(table.c.destination) for table in _OF_DESTINATIONS))
    found = {name: 0 for (name,) in conn.execute(names)}
    sizes = select(memory_segments.c.destination, func.sum(memory_segments.c.count))
    for name, size in conn.execute(sizes.group_by(memory_segments.c.destination)):
        found[name] = int(size)
    return found


def forget_destination(conn: Connection, name: str) -> int:
    """Delete the memory of a destination; returns the number of deleted rows. Its records in quarantine stay."""
    return sum(conn.execute(delete(table).where(table.c.destination == name)).rowcount for table in _OF_DESTINATIONS)
