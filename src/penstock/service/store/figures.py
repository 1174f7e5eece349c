"""Figures of the state that are cheap to read, for metrics and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import JSON, Connection, Select, Text, bindparam, cast, func, select, text

from penstock.model.outcome import Note
from penstock.store.migrations import HEAD
from penstock.store.service_tables import alerts, pushed_sources, work
from penstock.store.shared_tables import budgets
from penstock.store.tables import quarantine, runs, switches

TOP_CAUSES = 20  # per destination; other causes are counted together
OTHER = "other"
AT_ONCE = 500  # names in one statement
NEWEST = 500  # runs that are searched for those that ended recently
COMPLETED = ("succeeded", "partial")  # statuses of runs that read all their records
ENDED = (*COMPLETED, "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """The number of records in quarantine for one cause."""

    destination: str
    outcome: str
    cause: str
    records: int


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The use of a credential's rate limit. `opened` and `blocked_until` are epoch seconds; 0 means never blocked."""

    credential: str
    quota: int
    per: float
    opened: float
    used: int
    blocked_until: float

    def used_now(self, now: float) -> int:
        """The requests in the current window."""
        return self.used if now < self.opened + self.per else 0

    def used_share(self, now: float) -> float:
        """The used share of the current window, at most 1."""
        return min(1.0, self.used_now(now) / self.quota) if self.quota else 0.0

    def blocked_s(self, now: float) -> float:
        """Seconds until requests are allowed again after a 429."""
        return max(0.0, self.blocked_until - now)


FIGURES = (
    *(runs.c.id, runs.c.kind, runs.c.target, runs.c.status, runs.c.started_at, runs.c.finished_at, runs.c.read),
    *((runs.c.delivered + runs.c.accepted).label("sent"), runs.c.quarantined, runs.c.unknown),
    *(runs.c.stopped_by, runs.c.reason),
)  # in the order of RunFigures


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The figures of a run."""

    run: str
    kind: str
    target: str
    status: str
    started_at: str
    finished_at: str | None
    read: int
    sent: int
    quarantined: int
    unknown: int
    stopped_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class EndedRun:
    """The result of a run; a flow's run has the sums of its destinations. `trigger` is None for a run by a command."""

    run: str
    target: str
    status: str
    reason: str | None
    finished_at: str
    trigger: str | None
    read: int
    sent: int
    not_delivered: int  # quarantined or unknown


def schema_is_current(conn: Connection) -> bool:
    """Whether the tables have the schema of this version: a newer process may have migrated them."""
    return str(conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one()) == HEAD


def quarantine_counts(conn: Connection) -> list[QuarantineCount]:
    """Records in quarantine by destination, outcome and cause. Less frequent causes of a destination are `other`."""
    q = quarantine.c
    count = func.count()
    query = select(q.destination, q.outcome, q.cause, count).group_by(q.destination, q.outcome, q.cause)
    named: dict[tuple[str, str, str], int] = {}
    causes: dict[str, set[str]] = {}
    for destination, outcome, cause, records in conn.execute(query.order_by(count.desc(), q.cause)):
        known = causes.setdefault(destination, set())
        word = cause if cause in known or len(known) < TOP_CAUSES else OTHER
        if word != OTHER:
            known.add(word)
        named[(destination, outcome, word)] = named.get((destination, outcome, word), 0) + records
    return [QuarantineCount(*labels, records) for labels, records in named.items()]


def budget_use(conn: Connection) -> list[BudgetUse]:
    """The use of each credential's rate limit."""
    b = budgets.c
    query = select(b.credential, b.quota, b.per, b.opened, b.used, b.blocked_until).order_by(b.credential)
    return [BudgetUse(*row) for row in conn.execute(query)]


def last_ended(conn: Connection, destinations: Iterable[str], statuses: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The start and end of the newest run with one of these statuses, for each destination that has one."""
    r = runs.c
    found: dict[str, tuple[str, str]] = {}
    for name in destinations:
        query = select(r.started_at, r.finished_at).where(
            r.target == name, r.kind == "destination", r.status.in_(statuses), r.finished_at.is_not(None)
        )
        row = conn.execute(query.order_by(r.started_at.desc(), r.id.desc()).limit(1)).one_or_none()
        if row is not None and row.finished_at is not None:
            found[name] = (row.started_at, row.finished_at)
    return found


def recent_runs(conn: Connection, target: str, kind: str, limit: int) -> list[RunFigures]:
    """The newest runs of a destination or flow, newest first."""
    r = runs.c
    query = (
        select(*FIGURES)
        .where(r.target == target, r.kind == kind)
        .order_by(r.started_at.desc(), r.id.desc())
        .limit(limit)
    )
    return [RunFigures(*tuple(row)) for row in conn.execute(query)]


def notes_of(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[Note, ...]]:
    """The notes of these runs, by run id; runs without notes are left out."""
    found = {}
    for first in range(0, len(ids), AT_ONCE):
        query = select(runs.c.id, runs.c.notes).where(runs.c.id.in_(ids[first : first + AT_ONCE]))
        for run, notes in conn.execute(query):
            found[run] = tuple(Note(*note) for note in orjson.loads(notes or "[]"))
    return {run: notes for run, notes in found.items() if notes}


def recent_runs_of(
    conn: Connection, targets: Sequence[str], kind: str, limit: int
) -> dict[str, tuple[RunFigures, ...]]:
    """As `recent_runs` for each of these targets that has runs, in one statement."""
    found: dict[str, list[RunFigures]] = {}
    r, newer = runs.c, runs.alias("newer")
    wanted = _names(conn).cte("wanted")
    mine = (newer.c.target == wanted.c.target) & (newer.c.kind == kind)
    newest = select(newer.c.id).where(mine).order_by(newer.c.started_at.desc(), newer.c.id.desc()).limit(limit)
    query = (
        select(*FIGURES)
        .select_from(wanted.join(runs, r.id.in_(newest.correlate(wanted))))
        .order_by(r.started_at.desc(), r.id.desc())
    )
    for row in conn.execute(query, {"names": orjson.dumps(list(targets)).decode()}):
        found.setdefault(row.target, []).append(RunFigures(*tuple(row)))
    return {name: tuple(rows) for name, rows in found.items()}


def _names(conn: Connection) -> Select[tuple[str]]:
    """The parameter `names`, a JSON list, as rows, so that one compiled statement serves any number of names."""
    given = bindparam("names", type_=Text)
    rows = func.json_each(given) if conn.dialect.name == "sqlite" else func.json_array_elements_text(cast(given, JSON))
    return select(rows.table_valued("value").c.value.label("target"))


def ended_since(conn: Connection, moment: str) -> list[EndedRun]:
    """The newest runs that ended after `moment`, ordered by their end; a flow's run includes its parts."""
    r = runs.c
    newest = (
        select(runs.c.id).where(r.parent.is_(None), r.kind != "test").order_by(r.started_at.desc(), r.id.desc())
    ).limit(NEWEST)
    part = runs.alias()
    mine = (part.c.id == r.id) | (part.c.parent == r.id)
    sums = [
        select(func.coalesce(func.sum(one), 0)).where(mine, part.c.kind != "flow").scalar_subquery()
        for one in (part.c.read, part.c.delivered + part.c.accepted, part.c.quarantined + part.c.unknown)
    ]
    query = (
        select(r.id, r.target, r.status, r.reason, r.finished_at, work.c.trigger, *sums)
        .outerjoin(work, work.c.run == r.id)
        .where(r.id.in_(newest), r.finished_at > moment, r.status.in_(ENDED))
        .order_by(r.finished_at, r.id)
    )
    return [EndedRun(*row) for row in conn.execute(query)]


def queue_figures(conn: Connection) -> tuple[dict[str, int], str | None]:
    """The number of open runs in the queue by state, and when the oldest waiting one was requested."""
    w = work.c
    counted = select(w.state, func.count()).where(w.state != "ended").group_by(w.state)
    return {row[0]: row[1] for row in conn.execute(counted)}, oldest_waiting(conn)


def oldest_waiting(conn: Connection) -> str | None:
    """When the oldest run that no worker has taken was requested."""
    query = select(func.min(work.c.asked_at)).where(work.c.state.in_(("queued", "handed")))
    return conn.execute(query).scalar_one_or_none()


def received(conn: Connection) -> dict[str, int]:
    """The number of records that each webhook source has ever received."""
    return {row[0]: row[1] for row in conn.execute(select(pushed_sources.c.source, pushed_sources.c.received))}


def raised_alerts(conn: Connection) -> dict[str, int]:
    """The number of raised alerts by kind."""
    query = select(alerts.c.kind, func.count()).where(alerts.c.state == "raised").group_by(alerts.c.kind)
    return {row[0]: row[1] for row in conn.execute(query)}


def switched_at(conn: Connection) -> dict[str, str]:
    """When each destination was last activated or paused by a person."""
    return {row[0]: row[1] for row in conn.execute(select(switches.c.destination, switches.c.at))}
