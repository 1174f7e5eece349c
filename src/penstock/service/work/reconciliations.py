"""`Reconciliations`: comparisons of destinations with Custify, on request and every so many hours.

How often a destination is compared is a setting of the service; where it has none, the shortest `reconcile_every` of
its flows counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.config.flows import can_be_compared
from penstock.model.errors import InputError
from penstock.model.reconciliation import LastReconcileJson, read_stored
from penstock.model.runs import RunJson
from penstock.run.context import Context, is_active
from penstock.service.store import work
from penstock.service.work.requests import WorkRequests
from penstock.store.project.resources import put_setting, setting
from penstock.store.runs import runs
from penstock.store.runs.reconciliations import last_reconciliation
from penstock.store.runs.runs import NOT_BEGUN, OPEN_STATES

NAME = "reconcile"  # of the setting: destination → hours
SCHEDULE = "schedule"
FAILED_START_PAUSE = timedelta(hours=1)  # after a comparison that failed before it began: its source was not there


@dataclass(frozen=True, slots=True)
class Reconciliations:
    """`require_list` raises InputError for a destination whose objects Custify cannot list."""

    ctx: Callable[[], Context]
    work: WorkRequests
    require_list: Callable[[str], None]

    def request(self, destination: str, *, fix: bool, asked_by: str) -> RunJson:
        """Request a comparison; returns its run, or the one that is queued.

        InputError for what Custify cannot list, and, if it is to be fixed, for a draft or paused destination.
        """
        self.require_list(destination)
        return self.work.reconcile(destination, fix=fix, trigger=f"person:{asked_by}", asked_by=asked_by)

    def last(self, destination: str) -> LastReconcileJson:
        """The last comparison of a destination, and how often it is compared."""
        ctx = self.ctx()
        ctx.destination(destination)
        with ctx.database.read() as conn:
            found, hours = last_reconciliation(conn, destination), _hours(conn).get(destination)
        flows = [] if hours is not None else _flows_of(ctx, destination)
        if found is None:
            nothing = {"report": None, "counts": None, "cut": False, "flows": flows}
            return cast(LastReconcileJson, {"at": None, "run": None, "drifted": 0, "every_hours": hours, **nothing})
        report, counts, cut = read_stored(found.report)
        return {
            "at": found.at,
            "run": found.run,
            "drifted": found.drifted,
            "every_hours": hours,
            "report": report,
            "counts": counts,
            "cut": cut,
            "flows": flows,
        }

    def schedule(self, destination: str, every_hours: int | None, *, by: str) -> None:
        """Compare a destination every so many hours; None: only on request."""
        ctx = self.ctx()
        ctx.destination(destination)
        if every_hours is not None:
            self.require_list(destination)
        with ctx.database.begin() as conn:
            document = {**_hours(conn), destination: every_hours}
            kept = {name: hours for name, hours in document.items() if hours is not None}
            put_setting(conn, NAME, kept, by=by, at=iso(ctx.clock.now()))

    def tick(self) -> None:
        """Request the comparisons that are due; call it every few seconds."""
        ctx = self.ctx()
        with ctx.database.read() as conn:
            due = [name for name, every in _intervals(ctx, conn).items() if self._is_due(ctx, conn, name, every)]
        for name in filter(self._has_list, due):
            with ctx.database.begin() as conn:  # another worker may have requested it
                every = _intervals(ctx, conn).get(name)
                if every is not None and self._is_due(ctx, conn, name, every):
                    self.work.request_reconcile(conn, ctx, name, fix=False, trigger=SCHEDULE, asked_by=SCHEDULE)

    def _has_list(self, name: str) -> bool:
        try:
            self.require_list(name)
        except InputError:  # that the credential is flat may be known only since it was checked
            return False
        return True

    @staticmethod
    def _is_due(ctx: Context, conn: Connection, name: str, every: timedelta) -> bool:
        spec = ctx.project.destinations.get(name)
        if spec is None or work.of_target(conn, "reconcile", name, OPEN_STATES) is not None:
            return False
        if not is_active(ctx, spec)[0]:
            return False
        newest = runs.last(conn, name, "reconcile", begun=False)
        if newest is None:
            return True
        is_failed_start = newest.status == "failed" and newest.position == NOT_BEGUN
        pause = min(every, FAILED_START_PAUSE) if is_failed_start else every
        return ctx.clock.now() - datetime.fromisoformat(newest.started_at) >= pause


def _intervals(ctx: Context, conn: Connection) -> dict[str, timedelta]:
    """How often each destination is compared: by its own setting, else by the flows that are not paused."""
    found: dict[str, timedelta] = {}
    paused = work.paused_flows(conn)
    for flow in ctx.project.flows.values():
        if flow.reconcile_every is not None and flow.name not in paused:
            every = timedelta(seconds=flow.reconcile_every)
            for name in flow.destinations:
                spec = ctx.project.destinations.get(name)
                if spec is not None and can_be_compared(ctx.project, spec):
                    found[name] = min(every, found.get(name, every))
    return {**found, **{name: timedelta(hours=hours) for name, hours in _hours(conn).items()}}


def _flows_of(ctx: Context, destination: str) -> list[str]:
    """The flows that have a destination compared."""
    flows = [flow for flow in ctx.project.flows.values() if flow.reconcile_every is not None]
    is_compared = can_be_compared(ctx.project, ctx.destination(destination))
    return [flow.name for flow in flows if is_compared and destination in flow.destinations]


def _hours(conn: Connection) -> dict[str, int]:
    found = setting(conn, NAME)
    return {} if found is None else dict(found.document)
