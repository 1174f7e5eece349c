"""The status of the project's resources: what the state has of them besides the project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from penstock.model.reports import run_json
from penstock.model.spec import WebhookSource
from penstock.run.activity import activity
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.service.intake.intake import hook_json
from penstock.service.store import pauses
from penstock.service.work.cron import next_at
from penstock.store import quarantine
from penstock.store.project import credentials, resources
from penstock.store.runs import runs

Standing = dict[str, Any]


def standing(ctx: Context, kind: str, names: Sequence[str]) -> dict[str, Standing]:
    """The status of one section's resources, by name; empty for a name that the project does not have."""
    known = getattr(ctx.project, kind)
    there = [name for name in names if name in known]
    with ctx.database.read() as conn:
        found = OF_KIND[kind](ctx, conn, there)
    return {name: found.get(name, {}) for name in names}


def _each(one: Callable[[Context, Connection, str], Standing]) -> OfNames:
    return lambda ctx, conn, names: {name: one(ctx, conn, name) for name in names}


def _credential(ctx: Context, conn: Connection, name: str) -> Standing:
    spec = ctx.project.credentials[name]
    stored = credentials.stored_check(conn, name)
    check = None if stored is None else {**_check(ctx, stored), **(stored.report or {}), "at": stored.checked_at}
    has_key = spec.api_key is not None or credentials.has_secret(conn, name)
    return {"has_key": has_key, "check": check, "dialect": connection.address(ctx, spec).dialect}


def _check(ctx: Context, stored: credentials.StoredCheck) -> Standing:
    """The result of a check, as far as one without a stored report shows it."""
    spec = ctx.project.credentials[stored.name]
    return {
        "credential": stored.name,
        "ok": stored.ok,
        "base_url": stored.base_url,
        "dialect": connection.dialect_of(spec, stored.base_url),
        "tried": [],
        "allowance": None,
        "reason": "",
    }


def _source(ctx: Context, conn: Connection, name: str) -> Standing:
    used = [dataset.name for dataset in ctx.project.datasets.values() if dataset.source == name]
    source = ctx.project.sources[name]
    return {"used_by": used, "hook": hook_json(conn, source) if isinstance(source, WebhookSource) else None}


def _dataset(_ctx: Context, conn: Connection, name: str) -> Standing:
    size = resources.dataset_size(conn, name)
    return {"records": None, "columns": None} if size is None else {"records": size[0], "columns": size[1]}


def _destinations(ctx: Context, conn: Connection, names: Sequence[str]) -> dict[str, Standing]:
    switches = resources.switches_of(conn, names)
    held = quarantine.counts(conn, names)
    last = _last_runs(conn, names, ("destination", "resend"))
    found = {}
    for name in names:
        spec = ctx.project.destinations[name]
        active, reason = activity(spec, switches.get(name))
        found[name] = {
            "state": "active" if active else "paused" if "paused" in reason else "draft",
            "reason": reason,
            "held": held.get(name, 0),
            "last_run": last.get(name),
            "template": spec.template,
        }
    return found


def _flows(ctx: Context, conn: Connection, names: Sequence[str]) -> dict[str, Standing]:
    times, last = pauses.times_of_all(conn, names), _last_runs(conn, names, ("flow",))
    return {
        name: {
            "next_at": next_at(ctx, ctx.project.flows[name], times[name]),
            "last_run": last.get(name),
            "paused": times[name].paused,
        }
        for name in names
    }


def _last_runs(conn: Connection, targets: Sequence[str], kinds: Sequence[runs.RunKind]) -> dict[str, Standing]:
    """The newest run of each target, with its parts; in a few statements, however many targets there are."""
    newest: dict[str, runs.RunRow] = {}
    for kind in kinds:
        for name, run in runs.last_of(conn, targets, kind).items():
            other = newest.get(name)
            if other is None or (run.started_at, run.id) > (other.started_at, other.id):
                newest[name] = run
    parts = runs.children_of(conn, [run.id for run in newest.values() if run.kind == "flow"])
    reports = {name: runs.to_report(run, parts.get(run.id, ())) for name, run in newest.items()}
    return {name: run_json(report, times=True, errors=False) for name, report in reports.items()}


OfNames = Callable[[Context, Connection, Sequence[str]], dict[str, Standing]]
OF_KIND: Mapping[str, OfNames] = MappingProxyType(
    {
        "credentials": _each(_credential),
        "sources": _each(_source),
        "datasets": _each(_dataset),
        "destinations": _destinations,
        "flows": _flows,
    }
)
