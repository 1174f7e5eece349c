"""Requests for comparisons of a destination with Custify."""

from __future__ import annotations

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.run.context import Context
from penstock.service.store import work
from penstock.service.store.work import WorkRow
from penstock.store import leases
from penstock.store.runs import runs
from penstock.store.runs.runs import RunRow

LEFT = ("cancelled", "interrupted", "failed", "running")


def put_comparison(conn: Connection, ctx: Context, row: WorkRow) -> None:
    """Put a comparison into the queue."""
    work.enqueue(conn, row)
    ctx.events.emit("run.queued", run=row.run, target=row.target, trigger=row.trigger)


def lane_of_comparisons(ctx: Context, destination: str) -> str:
    """The lane of the engine, so that comparisons take no place of the runs of the credential."""
    return f"comparisons of {ctx.destination(destination).credential}"


def resume_comparison(conn: Connection, ctx: Context, row: RunRow, *, asked_by: str) -> bool:
    """Request the newest comparison of a destination again, if it did not come to its end.

    False, and no change, for other runs and for a fix.
    """
    if row.kind != "reconcile" or row.status not in LEFT or row.counts.read:
        return False
    queued, newest = work.get(conn, row.id), runs.last(conn, row.target, "reconcile")
    if newest is None or newest.id != row.id:
        return False
    if queued is not None and (queued.state != "ended" or work.FIX in (queued.payload or ())):
        return False
    if row.status == "running" and leases.is_taken(ctx.database, leases.of_target(row.kind, row.target)):
        return False
    lane, now = lane_of_comparisons(ctx, row.target), iso(ctx.clock.now())
    put_comparison(conn, ctx, WorkRow(row.id, "reconcile", row.target, lane, "resume", asked_by, now))
    return True
