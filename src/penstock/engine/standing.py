"""How the resources of a project stand: what the state knows of them besides what the project says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from penstock.engine import connecting
from penstock.engine.intake import hook_json
from penstock.engine.moments import next_at
from penstock.engine.preparing import is_active
from penstock.engine.surroundings import Surroundings
from penstock.model.reports import run_json
from penstock.model.spec import WebhookSource
from penstock.stores import credentials, flow_times, quarantine, resources, runs

Standing = dict[str, Any]


def standing(around: Surroundings, kind: str, names: Sequence[str]) -> dict[str, Standing]:
    """By name, of resources of one section; a name that the project does not have (any more) stands empty."""
    known = getattr(around.project, kind)
    with around.database.read() as conn:
        return {name: OF_KIND[kind](around, conn, name) if name in known else {} for name in names}


def _credential(around: Surroundings, conn: Connection, name: str) -> Standing:
    spec = around.project.credentials[name]
    stored = credentials.stored_check(conn, name)
    check = None if stored is None else {**_check(around, stored), **(stored.report or {}), "at": stored.checked_at}
    has_key = spec.api_key is not None or credentials.has_secret(conn, name)
    return {"has_key": has_key, "check": check, "dialect": connecting.address(around, spec).dialect}


def _check(around: Surroundings, stored: credentials.StoredCheck) -> Standing:
    """What a check said, as far as one that kept no report tells."""
    spec = around.project.credentials[stored.name]
    return {
        "credential": stored.name,
        "ok": stored.ok,
        "base_url": stored.base_url,
        "dialect": connecting.dialect_of(spec, stored.base_url),
        "tried": [],
        "allowance": None,
        "reason": "",
    }


def _source(around: Surroundings, conn: Connection, name: str) -> Standing:
    used = [dataset.name for dataset in around.project.datasets.values() if dataset.source == name]
    source = around.project.sources[name]
    return {"used_by": used, "hook": hook_json(conn, source) if isinstance(source, WebhookSource) else None}


def _dataset(_around: Surroundings, conn: Connection, name: str) -> Standing:
    size = resources.dataset_size(conn, name)
    return {"records": None, "columns": None} if size is None else {"records": size[0], "columns": size[1]}


def _destination(around: Surroundings, conn: Connection, name: str) -> Standing:
    spec = around.project.destinations[name]
    active, reason = is_active(around, spec)
    word = "active" if active else "paused" if "paused" in reason else "draft"
    return {
        "state": word,
        "reason": reason,
        "held": quarantine.count(conn, name),
        "last_run": _last_run(conn, name, ("destination", "resend")),
        "template": spec.template,
    }


def _flow(around: Surroundings, conn: Connection, name: str) -> Standing:
    times = flow_times.times_of(conn, name)
    return {
        "next_at": next_at(around, around.project.flows[name], times),
        "last_run": _last_run(conn, name, ("flow",)),
        "paused": times.paused,
    }


def _last_run(conn: Connection, target: str, kinds: Sequence[runs.RunKind]) -> Standing | None:
    found = [run for kind in kinds if (run := runs.last(conn, target, kind)) is not None]
    if not found:
        return None
    newest = max(found, key=lambda run: (run.started_at, run.id))
    return run_json(runs.to_report(newest, runs.children(conn, newest.id)), times=True)


OF_KIND: Mapping[str, Callable[[Surroundings, Connection, str], Standing]] = MappingProxyType(
    {
        "credentials": _credential,
        "sources": _source,
        "datasets": _dataset,
        "destinations": _destination,
        "flows": _flow,
    }
)
