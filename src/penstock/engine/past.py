"""What was run: the runs and their requests, as reports."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from penstock.engine.surroundings import Surroundings
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import RunReport
from penstock.model.reports import DeliveryReport
from penstock.stores import leases, ledger, runs
from penstock.stores.runs import RunRow


def runs_of(around: Surroundings, run: str | None, limit: int) -> list[RunReport]:
    """The runs, newest first; or the one named. InputError when it is unknown."""
    with around.database.read() as conn:
        rows = runs.list_runs(conn, limit) if run is None else [_known(conn, run)]
        families = [(row, runs.children(conn, row.id)) for row in rows]
    return [runs.to_report(_seen(around, row), [_seen(around, part) for part in parts]) for row, parts in families]


def deliveries_of(around: Surroundings, run: str) -> list[DeliveryReport]:
    """The requests of a run; of a flow's run, those of its destinations. InputError when it is unknown."""
    with around.database.read() as conn:
        row = _known(conn, run)
        return [
            DeliveryReport(
                **{**found, "delivery": f"{part.id}-{found['delivery']}", "records": tuple(found["records"])}
            )
            for part in runs.children(conn, row.id) or [row]
            for found in ledger.deliveries(conn, part.id)
        ]


def _seen(around: Surroundings, row: RunRow) -> RunRow:
    """A run that nobody works on any more, though it never ended, was interrupted."""
    name = f"flow {row.target}" if row.kind == "flow" else row.target
    if row.status == "running" and not leases.is_held(around.database, name):
        return replace(row, status="interrupted")
    return row


def _known(conn: Connection, run: str) -> RunRow:
    row = runs.get(conn, run)
    if row is None:
        raise InputError(Problem("run", f"there is no run {run}", "unknown-run", "penstock runs lists them", run))
    return row
