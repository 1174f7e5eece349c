"""The overview of the project: the graph of its resources, their states, and statistics.

The graph is cached as JSON, and made again after a commit to the state or after a minute. The state of a resource is
what the state database has about it, in addition to the project.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.outcome import Outcome
from penstock.model.reports import CheckJson, Page, page_of, read_cursor, write_cursor
from penstock.model.runs import BareRunJson, RunKind, run_json
from penstock.model.spec import DestinationSpec, Dialect, ProjectSpec, ResponseSource, WebhookSource
from penstock.model.text import digest
from penstock.run.connection import connection
from penstock.run.context import Context, activity
from penstock.service.documents import (
    CheckedJson,
    CredentialStateJson,
    DatasetStateJson,
    ReadBack,
    SourceStateJson,
    StateJson,
)
from penstock.service.intake.intake import hook_json
from penstock.service.overview.search import KINDS, SearchResult, search
from penstock.service.store import figures, work
from penstock.service.store.commit_watch import CommitWatch
from penstock.service.store.figures import BudgetUse
from penstock.service.work.schedules import next_at
from penstock.store import quarantine
from penstock.store.project import credentials, resources
from penstock.store.runs import deliveries, runs, timeseries
from penstock.store.runs.timeseries import Part
from penstock.usecases.runs import reports

Document = dict[str, Any]
OUTCOMES = tuple(outcome.value for outcome in Outcome)
PARTS = ((3, 5), (72, 60))  # up to so many hours, buckets of so many minutes; beyond that, days

OLDEST_S = 60.0  # the greatest age of the cached graph: parts such as a flow's next time depend only on the clock


@dataclass(frozen=True, slots=True)
class Overview:
    """The use-cases of the overview. `ctx` returns the context with the current project."""

    ctx: Callable[[], Context]

    def overview(self) -> Document:
        """The resources of the project as nodes, and the edges between them."""
        ctx = self.ctx()
        project = ctx.project
        return {"nodes": list(_nodes(ctx)), "edges": [edge for edge in _edges(project) if _is_whole(project, edge)]}

    def stats(self, hours: int, destination: str | None = None) -> Document:
        """What was sent in the last hours, in buckets, oldest first; and the current use of each rate limit."""
        ctx = self.ctx()
        if destination is not None:
            ctx.destination(destination)
        now, minutes = ctx.clock.now(), next((part for most, part in PARTS if hours <= most), timeseries.DAY)
        first = _floor(now - timedelta(hours=hours), minutes)
        with ctx.database.read() as conn:
            found = timeseries.parts(conn, iso(first), minutes, destination)
            budgets = figures.budget_use(conn)
        buckets = []
        while first <= now:
            buckets.append(_bucket(iso(first), found.get(timeseries.beginning(iso(first), minutes), Part())))
            first += timedelta(minutes=minutes)
        return {"minutes": minutes, "buckets": buckets, "budget": _allowances(ctx, budgets, now.timestamp())}

    def replies(self, destination: str, *, limit: int, cursor: str | None = None) -> Page[dict[str, Any]]:
        """The replies stored for a destination, newest first."""
        ctx = self.ctx()
        ctx.destination(destination)
        (before,) = (None,) if cursor is None else read_cursor(cursor, int)
        with ctx.database.read() as conn:
            rows = deliveries.page_of_responses(conn, destination, limit + 1, before)
        return page_of(rows, limit, lambda row: {"id": row[0], **row[1]}, lambda row: write_cursor(row[0]))

    def search(self, words: str, most: int) -> list[SearchResult]:
        """Resources, runs and records that match a part of a name, id or key."""
        return search(self.ctx(), words, most)


# ── nodes and edges ──────────────────────────────────────────────────────────


def _nodes(ctx: Context) -> Iterator[Document]:
    project = ctx.project
    for section in OF_KIND:
        kind, specs = KINDS[section], getattr(project, section)
        states = states_of(ctx, section, list(specs))
        for name, spec in specs.items():
            yield {"id": f"{section}/{name}", "kind": kind, "name": name, **_about(kind, spec), "state": states[name]}


def _about(kind: str, spec: Any) -> Document:
    """The settings of a resource that the graph shows."""
    if kind == "source":
        return {"type": spec.traits.kind}
    if kind == "dataset":
        return {"key": list(spec.key), "sql": spec.sql is not None}
    if kind == "destination":
        return {"template": spec.template, "credential": spec.credential, "responses": spec.responses}
    if kind == "credential":
        return {"type": spec.connector}
    return {"schedule": spec.schedule, "timezone": spec.timezone, "destinations": list(spec.destinations)}


def _edges(project: ProjectSpec) -> Iterator[Document]:
    """The edges of the project; `kind` is the relation."""
    for source in project.sources.values():
        if isinstance(source, ResponseSource):
            yield _edge("replies", ("destinations", source.destination), ("sources", source.name))
    for dataset in project.datasets.values():
        yield _edge("reads", ("sources", dataset.source), ("datasets", dataset.name))
    for destination in project.destinations.values():
        yield _edge("feeds", ("datasets", destination.dataset), ("destinations", destination.name))
        yield _edge("sends", ("destinations", destination.name), ("credentials", destination.credential))
    for flow in project.flows.values():
        for name in flow.destinations:
            yield _edge("runs", ("flows", flow.name), ("destinations", name))


def _edge(kind: str, start: tuple[str, str], end: tuple[str, str]) -> Document:
    return {"kind": kind, "from": "/".join(start), "to": "/".join(end)}


def _is_whole(project: ProjectSpec, edge: Mapping[str, str]) -> bool:
    """Whether both nodes of the edge exist."""
    places = [edge[end].split("/", 1) for end in ("from", "to")]
    return all(name in getattr(project, section) for section, name in places)


# ── figures ──────────────────────────────────────────────────────────────────


def _floor(moment: datetime, minutes: int) -> datetime:
    """The start of the bucket of `minutes` that a time is in; buckets begin at midnight."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(minutes=(moment - day).total_seconds() // 60 // minutes * minutes)


def _bucket(at: str, part: Part) -> Document:
    records = {word: part.records.get(word, 0) for word in OUTCOMES}
    return {
        "at": at,
        **records,
        "requests": part.requests,
        "p50_ms": part.quantile(0.5),
        "p95_ms": part.quantile(0.95),
    }


def _allowances(ctx: Context, budgets: list[BudgetUse], now: float) -> list[Document]:
    """The rate limit of each credential, and the used share of its current window."""
    known = {budget.credential: budget for budget in budgets}
    found = []
    for name, spec in ctx.project.credentials.items():
        budget = known.get(name)
        limit, per = (spec.rate_limit.requests, spec.rate_limit.per) if budget is None else (budget.quota, budget.per)
        share, blocked = (0.0, 0.0) if budget is None else (budget.used_share(now), budget.blocked_s(now))
        found.append(
            {"credential": name, "limit": limit, "per_s": per, "used_share": round(share, 4), "blocked_s": blocked}
        )
    return found


class CachedOverview(NamedTuple):
    """The graph as JSON text, with its digest."""

    text: bytes
    digest: str


class OverviewCache:
    """Caches the graph, which browsers request every few seconds and which is large for large projects."""

    def __init__(self, ctx: Callable[[], Context], make: Callable[[], Document]) -> None:
        self._ctx, self._make = ctx, make
        self._commits = CommitWatch(ctx().database)
        self._lock = threading.Lock()
        self._known: tuple[str, float, CachedOverview] | None = None

    def get(self) -> CachedOverview:
        """Returns the cached graph, or a new one if the state has changed or the cached one is over a minute old."""
        with self._lock:
            mark = self._commits.mark()  # before the graph is made: it is never older than its mark
            now = self._ctx().clock.monotonic()
            if self._known is None or self._known[0] != mark or now - self._known[1] > OLDEST_S:
                text = orjson.dumps(self._make())
                self._known = (mark, now, CachedOverview(text, digest(text)))
            return self._known[2]

    def close(self) -> None:
        self._commits.close()


GONE = cast(StateJson, {})  # the state of a resource that was deleted in the meantime


def states_of(ctx: Context, kind: str, names: Sequence[str]) -> dict[str, StateJson]:
    """The states of resources of a section, by name; empty for a name that is not in the project."""
    known = getattr(ctx.project, kind)
    there = [name for name in names if name in known]
    with ctx.database.read() as conn:
        found = OF_KIND[kind](ctx, conn, there)
    return {name: found.get(name, GONE) for name in names}


def _each(one: Callable[[Context, Connection, str], StateJson]) -> OfNames:
    return lambda ctx, conn, names: {name: one(ctx, conn, name) for name in names}


def _credential(ctx: Context, conn: Connection, name: str) -> CredentialStateJson:
    spec = ctx.project.credentials[name]
    stored = credentials.stored_check(conn, name)
    check: CheckedJson | None = None
    if stored is not None:
        learned = {"batch_cost": connection.batch_cost_of(spec, conn)}  # also since then
        result = {**_check(ctx, stored), **(stored.report or {}), **learned, "at": stored.checked_at}
        check = cast(CheckedJson, result)
    has_key = spec.api_key is not None or credentials.has_secret(conn, name)
    return {"has_key": has_key, "check": check, "dialect": connection.address(ctx, spec, conn).dialect}


def _check(ctx: Context, stored: credentials.StoredCheck) -> CheckJson:
    """The result of a check without its report, which old checks do not have."""
    spec = ctx.project.credentials[stored.name]
    return {
        "credential": stored.name,
        "ok": stored.ok,
        "base_url": stored.base_url,
        "dialect": connection.dialect_of(spec, stored.base_url),
        "tried": [],
        "allowance": None,
        "reason": "",
        "batch_cost": None,
    }


def _source(ctx: Context, conn: Connection, name: str) -> SourceStateJson:
    used = [dataset.name for dataset in ctx.project.datasets.values() if dataset.source == name]
    source = ctx.project.sources[name]
    return {"used_by": used, "hook": hook_json(conn, source) if isinstance(source, WebhookSource) else None}


def _dataset(_ctx: Context, conn: Connection, name: str) -> DatasetStateJson:
    size = resources.dataset_size(conn, name)
    return {"records": None, "columns": None} if size is None else {"records": size[0], "columns": size[1]}


def _destinations(ctx: Context, conn: Connection, names: Sequence[str]) -> dict[str, StateJson]:
    switches = resources.switches_of(conn, names)
    quarantined, unknown = quarantine.counts(conn, names), quarantine.counts(conn, names, Outcome.UNKNOWN)
    last = _last_runs(ctx, conn, names, ("destination", "resend", "settle"))
    found: dict[str, StateJson] = {}
    dialect_of = cache(lambda credential: connection.address(ctx, ctx.project.credentials[credential], conn).dialect)
    for name in names:
        spec = ctx.project.destinations[name]
        active, reason = activity(spec, switches.get(name))
        found[name] = {
            "state": "active" if active else "paused" if "paused" in reason else "draft",
            "reason": reason,
            "held": quarantined.get(name, 0),
            "unknown": unknown.get(name, 0),
            "read_back": _read_back(spec, dialect_of) if active else "inactive",
            "last_run": last.get(name),
            "template": spec.template,
        }
    return found


def _read_back(spec: DestinationSpec, dialect_of: Callable[[str], Dialect]) -> ReadBack:
    """Whether the records of an active destination can be read back from the API, or why not."""
    if spec.request is not None:
        repeatable = spec.request.idempotent or (spec.request.idempotent is None and spec.request.idempotency)
        return "possible" if spec.request.settle or repeatable else "no-recipe"
    return "possible" if dialect_of(spec.credential) == "native" else "flat"


def _flows(ctx: Context, conn: Connection, names: Sequence[str]) -> dict[str, StateJson]:
    times, last = work.times_of_flows(conn, names), _last_runs(ctx, conn, names, ("flow",))
    return {
        name: {
            "next_at": next_at(ctx, ctx.project.flows[name], times[name]),
            "last_run": last.get(name),
            "paused": times[name].paused,
        }
        for name in names
    }


def _last_runs(
    ctx: Context, conn: Connection, targets: Sequence[str], kinds: Sequence[RunKind]
) -> dict[str, BareRunJson]:
    """The newest run of each target with its parts. The number of statements is the same for any number of targets."""
    newest: dict[str, runs.RunRow] = {}
    for kind in kinds:
        for name, run in runs.last_of(conn, targets, kind).items():
            other = newest.get(name)
            if other is None or (run.started_at, run.id) > (other.started_at, other.id):
                newest[name] = run
    found = zip(newest, reports(ctx, conn, list(newest.values())), strict=True)
    return {name: cast(BareRunJson, run_json(report, times=True, errors=False)) for name, report in found}


OfNames = Callable[[Context, Connection, Sequence[str]], Mapping[str, StateJson]]
OF_KIND: Mapping[str, OfNames] = MappingProxyType(  # in the order of the graph's nodes
    {
        "sources": _each(_source),
        "datasets": _each(_dataset),
        "destinations": _destinations,
        "credentials": _each(_credential),
        "flows": _flows,
    }
)
