"""Runs as reports and as JSON, with one rule for their status, for the command line, the REST API and the overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from sqlalchemy import Connection

from penstock.model.errors import InputError, Problem
from penstock.model.reach import COMMAND_LINE
from penstock.model.runs import BareRunJson, RunJson, RunReport, RunStatus, run_json
from penstock.run import flow
from penstock.run.context import Context
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN, WAITING_STATES, RequestedRun, RunRow, requested_runs


def listed(ctx: Context, run: str | None, limit: int) -> list[RunReport]:
    """The runs, newest first, or the run `run`. Raises InputError if it is unknown."""
    with ctx.database.read() as conn:
        rows = runs.list_runs(conn, limit) if run is None else [known_run(conn, run, "penstock runs lists them")]
        return reports(ctx, conn, rows)


def known_run(conn: Connection, run: str, hint: str = "see the list of runs") -> RunRow:
    """The row of a run. Raises InputError with the hint if there is none."""
    row = runs.get(conn, run)
    if row is None:
        raise InputError(Problem("run", f"there is no run {run}", "unknown-run", hint, run))
    return row


def parts_of(conn: Connection, run: RunRow) -> list[str]:
    """The ids of the runs that have the requests and records of this run: its own, or for a flow those of its parts."""
    return [part.id for part in runs.children(conn, run.id)] if run.kind == "flow" else [run.id]


def reports(ctx: Context, conn: Connection, rows: Sequence[RunRow]) -> list[RunReport]:
    """These runs with their current status; an unfinished run of a flow has the sums of its parts."""
    return _reports(ctx, conn, rows, requested_runs(conn, [row.id for row in rows]))


def documents(ctx: Context, conn: Connection, rows: Sequence[RunRow], *, errors: bool = False) -> list[RunJson]:
    """These runs as in the REST API. A part of a flow's run has the requester of the flow's run."""
    requests = requested_runs(conn, [run for row in rows for run in (row.id, row.parent) if run is not None])
    found = _reports(ctx, conn, rows, requests)
    return [
        cast(RunJson, {**_document(row, report, errors=errors), **_origin(row, requests.get(row.parent or row.id))})
        for row, report in zip(rows, found, strict=True)
    ]


def _document(row: RunRow, report: RunReport, *, errors: bool) -> BareRunJson:
    document = cast(BareRunJson, run_json(report, times=True, errors=errors))
    if row.position == NOT_BEGUN:
        document["started_at"] = None
    return document


def _origin(row: RunRow, request: RequestedRun | None) -> dict[str, str]:
    if request is None:
        return {
            "kind": row.kind,
            "trigger": f"person:{COMMAND_LINE}",
            "asked_by": COMMAND_LINE,
            "asked_at": row.started_at,
        }
    shown = {"trigger": request.trigger, "asked_by": request.requested_by, "asked_at": request.requested_at}
    return {"kind": row.kind, **shown}


def _reports(
    ctx: Context, conn: Connection, rows: Sequence[RunRow], requests: Mapping[str, RequestedRun]
) -> list[RunReport]:
    parts = runs.children_of(conn, [row.id for row in rows if row.kind == "flow"])
    return [_report(ctx, row, requests.get(row.id), parts.get(row.id, [])) for row in rows]


def _report(ctx: Context, row: RunRow, request: RequestedRun | None, parts: Sequence[RunRow]) -> RunReport:
    seen = _seen(ctx.database, row, request)
    if parts and row.finished_at is None:
        seen = replace(seen, **flow.sums(parts))
    return runs.to_report(seen, [_seen(ctx.database, part, None) for part in parts])


def _seen(database: Database, row: RunRow, request: RequestedRun | None) -> RunRow:
    status = status_of(database, row, request)
    return row if status == row.status else replace(row, status=status)


def status_of(database: Database, row: RunRow, request: RequestedRun | None) -> RunStatus:
    """The current status: `queued` while it waits for a worker; `interrupted` if it did not end and has no process."""
    if request is not None and request.state in WAITING_STATES:
        return "queued"
    if request is not None and request.state == "running":
        return "running" if leases.is_held(database, leases.of_worker(str(request.worker))) else "interrupted"
    if row.status != "running" or leases.is_held(database, leases.of_target(row.kind, row.target)):
        return row.status
    with database.read() as conn:  # it may have ended meanwhile
        now = runs.get(conn, row.id)
    return "interrupted" if now is None or now.status == "running" else now.status
