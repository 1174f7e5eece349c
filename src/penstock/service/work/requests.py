"""`WorkRequests` (`ServiceApp.work`): requests for runs, who made them, and their progress.

A request writes rows. A worker, in this process or another, executes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.errors import ConflictError, InputError, Problem
from penstock.model.reports import Page, page_of, read_cursor, write_cursor
from penstock.model.runs import ProgressJson, RunFilter, RunJson, RunKind
from penstock.model.spec import DestinationSpec, FlowSpec, SqlSource
from penstock.run.context import Context, is_active, require_active
from penstock.service.store import figures, work
from penstock.service.store.work import WorkRow
from penstock.service.work.comparison_requests import lane_of_comparisons, put_comparison, resume_comparison
from penstock.service.work.run_bounds import UNBOUNDED, RunBounds
from penstock.service.work.schedules import next_at, upcoming
from penstock.store import leases
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN, OPEN_STATES, START, RunRow, new_run_id
from penstock.usecases.runs import RunDetails, documents, known_run

NOTHING_APPROVED: Mapping[str, str] = MappingProxyType({})
Trigger = Literal["schedule", "new-data", "intake", "resume"] | str  # noqa: PYI051 - or `person:<name>`


@dataclass(frozen=True, slots=True)
class WorkRequests:
    """Requests for runs. `ctx` returns the context with the current project."""

    ctx: Callable[[], Context]

    # ── requests ───────────────────────────────────────────────────────────────

    def enqueue(
        self,
        target: str,
        *,
        trigger: Trigger,
        asked_by: str,
        begins_at: str | None = None,
        approved: Mapping[str, str] = NOTHING_APPROVED,
        limit: int | None = None,
    ) -> RunJson:
        """Request a run of a destination or flow; returns the run with its id.

        If a run of the target is queued, that run is returned; an unfinished run is continued. With `begins_at`
        (`start`, or a value of the cursor) a source with a cursor is read again from there, and only a run that began
        there is continued; so is with `limit`, the number of records that it sends at most, only one with the same.
        InputError for a draft, a paused destination or flow, an unknown name, and a value if the source has no cursor;
        ConflictError if an unfinished run that began elsewhere, or a run with another limit, is queued. `approved`:
        destination → hash of the deletions that a person has approved for this run.
        """
        ctx = self.ctx()
        spec = ctx.target(target)
        self._require_ready(ctx, spec)
        _require_cursor(ctx, spec, begins_at)
        with ctx.database.begin() as conn:
            bounds = RunBounds(begins_at, limit)
            run = self.request(conn, ctx, spec, trigger=trigger, asked_by=asked_by, bounds=bounds)
            for name, hash_ in approved.items():
                from penstock.store.runs import deletions  # noqa: PLC0415 - a waiting service needs no NumPy

                deletions.approve(conn, name, hash_, run, iso(ctx.clock.now()))
            return self._shown(conn, run)

    def request(
        self,
        conn: Connection,
        ctx: Context,
        spec: DestinationSpec | FlowSpec,
        *,
        trigger: Trigger,
        asked_by: str,
        bounds: RunBounds = UNBOUNDED,
    ) -> str:
        """As `enqueue`, in the caller's transaction; returns the run's id."""
        kind: RunKind = "flow" if isinstance(spec, FlowSpec) else "destination"
        target = spec.name
        waiting = work.of_target(conn, kind, target, ["queued"])
        if waiting is not None:
            bounds.join(conn, waiting.run)
            return waiting.run
        running = work.of_target(conn, kind, target, ["handed", "running"])
        row = self._row(conn, ctx, kind, target, bounds) if running is None else None
        row = row or self._new(conn, ctx, kind, target, bounds)
        self._put(conn, ctx, spec, row, trigger=trigger, asked_by=asked_by)
        return row.id

    def retry(self, run: str, target: str, *, trigger: Trigger, asked_by: str) -> RunJson:
        """As `enqueue`, but a failed run that `asked_by` requested and that decided no record starts again."""
        ctx = self.ctx()
        spec = ctx.target(target)
        self._require_ready(ctx, spec)
        kind: RunKind = "flow" if isinstance(spec, FlowSpec) else "destination"
        with ctx.database.begin() as conn:
            if work.of_target(conn, kind, target, OPEN_STATES) is None and work.prepare_retry(conn, run, asked_by):
                row = self._new(conn, ctx, kind, target, run=run)
                self._put(conn, ctx, spec, row, trigger=trigger, asked_by=asked_by)
                return self._shown(conn, run)
        return self.enqueue(target, trigger=trigger, asked_by=asked_by)

    @staticmethod
    def _put(
        conn: Connection,
        ctx: Context,
        spec: DestinationSpec | FlowSpec,
        row: RunRow,
        *,
        trigger: Trigger,
        asked_by: str,
    ) -> None:
        lane, now = _lane(ctx, spec), iso(ctx.clock.now())
        work.enqueue(conn, WorkRow(row.id, row.kind, row.target, lane, trigger, asked_by, now))
        ctx.events.emit("run.queued", run=row.id, target=row.target, trigger=trigger)

    def resend(self, by_destination: Mapping[str, Sequence[str]], *, trigger: Trigger, asked_by: str) -> list[RunJson]:
        """Request that records in quarantine, given by their ids, are sent: one run per destination."""
        ctx = self.ctx()
        specs = {name: ctx.destination(name) for name in by_destination}
        for spec in specs.values():
            require_active(ctx, spec)
        with ctx.database.begin() as conn:
            requested = []
            for name, entries in by_destination.items():
                row = self._new(conn, ctx, "resend", name)
                now, lane = iso(ctx.clock.now()), specs[name].credential
                work.enqueue(conn, WorkRow(row.id, "resend", name, lane, trigger, asked_by, now, payload=list(entries)))
                requested.append(self._shown(conn, row.id))
            return requested

    def settle(self, destination: str, *, trigger: Trigger, asked_by: str) -> RunJson:
        """Request that the unknown records of a destination are read back. Returns the run, or the one that is queued.

        InputError for an unknown name, a draft and a paused destination.
        """
        ctx = self.ctx()
        spec = ctx.destination(destination)
        require_active(ctx, spec)
        with ctx.database.begin() as conn:
            waiting = work.of_target(conn, "settle", destination, ["queued"])
            if waiting is not None:
                return self._shown(conn, waiting.run)
            row = self._new(conn, ctx, "settle", destination)
            self._put(conn, ctx, spec, row, trigger=trigger, asked_by=asked_by)
            return self._shown(conn, row.id)

    def reconcile(self, destination: str, *, fix: bool, trigger: Trigger, asked_by: str) -> RunJson:
        """Request that a destination is compared with Custify, and fixed with `fix`. Returns the run.

        InputError for an unknown name, and with `fix` for a draft and a paused destination.
        """
        ctx = self.ctx()
        spec = ctx.destination(destination)
        if fix:
            require_active(ctx, spec)
        with ctx.database.begin() as conn:
            run = self.request_reconcile(conn, ctx, destination, fix=fix, trigger=trigger, asked_by=asked_by)
            return self._shown(conn, run)

    def request_reconcile(
        self, conn: Connection, ctx: Context, destination: str, *, fix: bool, trigger: Trigger, asked_by: str
    ) -> str:
        """As `reconcile`, in the caller's transaction; returns the run's id. One that is queued serves both."""
        payload, waiting = [work.FIX] if fix else [], work.of_target(conn, "reconcile", destination, ["queued"])
        if waiting is not None and list(waiting.payload or ()) == payload:
            return waiting.run
        run = self._new(conn, ctx, "reconcile", destination).id
        now, lane = iso(ctx.clock.now()), lane_of_comparisons(ctx, destination)
        row = WorkRow(run, "reconcile", destination, lane, trigger, asked_by, now, payload=payload)
        put_comparison(conn, ctx, row)
        return run

    def cancel(self, run: str, *, by: str) -> RunJson:
        """Stop a run after its requests in flight, in any process. A queued run does not start.

        ConflictError when the run has ended, or a command executes it.
        """
        ctx = self.ctx()
        with ctx.database.begin() as conn:
            row, queued = known_run(conn, run), work.get(conn, run)
            if queued is None or queued.state == "ended":
                running = row.status == "running" and self._is_executed_by_command(ctx, row)
                code, hint = (
                    ("held", "stop that command with ^C")
                    if running
                    else ("ended", "only runs that have not ended can be cancelled")
                )
                message = (
                    f"{row.holder} executes the run {run}" if running else f"the run {run} has ended: {row.status}"
                )
                raise ConflictError(Problem("run", message, code, hint, found=row.status))
            if queued.state == "running":
                work.request_stop(conn, run, "cancel", by)
            else:
                work.change(conn, queued, state="ended")
                if row.position == NOT_BEGUN:
                    ended = replace(row, reason=f"stopped by {by} before it began", stopped_by="cancelled")
                    runs.finish(conn, ended, "cancelled", iso(ctx.clock.now()))
            return self._shown(conn, run)

    def resume(self, run: str, *, asked_by: str) -> RunJson:
        """Resume a run that was stopped or interrupted. ConflictError when it has ended, and for a fix."""
        ctx = self.ctx()
        with ctx.database.begin() as conn:
            row = known_run(conn, run)
            if resume_comparison(conn, ctx, row, asked_by=asked_by):
                return self._shown(conn, run)
            last = runs.unfinished(conn, row.target, row.kind)
        if last is None or last.id != run:
            message = f"the run {run} cannot be resumed: it is {row.status}"
            hint = f"start a new run of {row.target}"
            raise ConflictError(Problem("run", message, "not-resumable", hint, found=row.status))
        return self.enqueue(row.target, trigger="resume", asked_by=asked_by, limit=row.limit)

    def pause_flow(self, flow: str, *, by: str) -> None:
        """Pause a flow: scheduled runs are skipped, queued runs are dropped, a run in progress stops after its requests
        in flight.
        """
        ctx = self.ctx()
        ctx.flow(flow)
        with ctx.database.begin() as conn:
            work.pause_flow(conn, flow, by=by, at=iso(ctx.clock.now()))
            unfinished = [
                row.run for row in work.in_state(conn, OPEN_STATES) if (row.kind, row.target) == ("flow", flow)
            ]
        for run in unfinished:
            with suppress(ConflictError):  # it has just ended
                self.cancel(run, by=by)

    def resume_flow(self, flow: str, *, by: str) -> None:
        """Resume a paused flow at its next scheduled time. The next run continues a run that the pause stopped."""
        ctx = self.ctx()
        ctx.flow(flow)
        with ctx.database.begin() as conn:
            work.resume_flow(conn, flow, by=by, at=iso(ctx.clock.now()))

    # ── reading ──────────────────────────────────────────────────────────────

    def run(self, run: str) -> RunJson:
        """A run as in `runs --json`, with its trigger and requester. InputError for an unknown id."""
        with self.ctx().database.read() as conn:
            return self._shown(conn, run)

    def runs(self, which: RunFilter = runs.EVERY, *, limit: int = 50, cursor: str | None = None) -> Page[RunJson]:
        """Runs a page at a time, newest first."""
        after = None if cursor is None else read_cursor(cursor, str, str)
        with self.ctx().database.read() as conn:
            rows = runs.list_runs(conn, limit + 1, which, after)
            shown = {run["run"]: run for run in documents(self.ctx(), conn, rows[:limit])}
        found = page_of(rows, limit, lambda row: shown[row.id], lambda row: write_cursor(row.started_at, row.id))
        if which.status is not None:
            found["items"] = [run for run in found["items"] if run["status"] == which.status]
        return found

    @property
    def details(self) -> RunDetails:
        """Requests and records of runs."""
        return RunDetails(lambda: self.ctx().database)

    def flow_state(self, flow: str) -> dict[str, Any]:
        """The state of a flow: `next_at` (its next scheduled time), `last_run`, `paused`."""
        ctx = self.ctx()
        spec = ctx.flow(flow)
        with ctx.database.read() as conn:
            times = work.times_of_flow(conn, flow)
            newest = runs.list_runs(conn, 1, RunFilter(target=flow))
            last = documents(ctx, conn, newest)[0] if newest else None
        return {"next_at": next_at(ctx, spec, times), "last_run": last, "paused": times.paused}

    def upcoming(self, schedule: str, timezone: str | None, most: int) -> list[str]:
        """The next times of a flow with this schedule. InputError for an invalid schedule."""
        return [iso(moment) for moment in upcoming(schedule, timezone, self.ctx().clock.now(), most)]

    def progress(self, run: str) -> tuple[ProgressJson | RunJson, bool]:
        """The progress of a run, or the run itself when it has ended."""
        with self.ctx().database.read() as conn:
            row, queued, document = known_run(conn, run), work.get(conn, run), self._shown(conn, run)
        if document["status"] in figures.ENDED:
            return document, True
        live: dict[str, Any] = dict(queued.progress or {}) if queued is not None and queued.state == "running" else {}
        stage = {"queued": "waiting for a worker", "interrupted": "waiting to be taken over"}
        at_hand = row.kind != "flow"  # the live counts are of a destination, not of the flow
        return {
            "run": run,
            "status": document["status"],
            "records": live.get("records", document["records"]) if at_hand else document["records"],
            "requests": live.get("requests", document["requests"]) if at_hand else document["requests"],
            "total": live.get("total", row.input_rows),
            "elapsed_s": live.get("elapsed_s", document["duration_s"]),
            "rate_per_s": live.get("rate_per_s", 0.0),
            "waiting_for_allowance_s": live.get("waiting_for_allowance_s", 0.0),
            "phase": live.get("phase", stage.get(document["status"], "preparing")),
            "attempts": live.get("attempts", []),
            "waiting_for": live.get("waiting_for"),
            "left_s": live.get("left_s") if at_hand else None,
            "destination": live.get("target", None if row.kind == "flow" else row.target),
        }, False

    # ── inside ───────────────────────────────────────────────────────────────

    def _require_ready(self, ctx: Context, spec: DestinationSpec | FlowSpec) -> None:
        if isinstance(spec, DestinationSpec):
            require_active(ctx, spec)
            return
        with ctx.database.read() as conn:
            times = work.times_of_flow(conn, spec.name)
        if times.paused:
            path, hint = f"flows.{spec.name}", "resume the flow"
            message = f"{spec.name} is paused (by {times.by} at {times.at}), so nothing is sent"
            raise InputError(ctx.problem(path, message, "not-active", hint=hint, found="paused"))
        if not any(is_active(ctx, ctx.destination(name))[0] for name in spec.destinations):
            path, hint = f"flows.{spec.name}", "activate one of its destinations"
            raise InputError(ctx.problem(path, f"no destination of {spec.name} is active", "not-active", hint=hint))

    def _row(self, conn: Connection, ctx: Context, kind: RunKind, target: str, bounds: RunBounds) -> RunRow | None:
        """The unfinished run of the target that the new request continues, if any."""
        last = runs.unfinished(conn, target, kind)
        if last is None or self._is_executed_by_command(ctx, last):  # a command executes it: a new run will follow
            return None
        return last if bounds.continues(last) else None

    @staticmethod
    def _new(
        conn: Connection,
        ctx: Context,
        kind: RunKind,
        target: str,
        bounds: RunBounds = UNBOUNDED,
        run: str | None = None,
    ) -> RunRow:
        row = RunRow(
            id=run or new_run_id(ctx.clock),
            kind=kind,
            target=target,
            started_at=iso(ctx.clock.now()),
            status="queued",
            resumable=False,
            position=NOT_BEGUN,
            window=None if bounds.begins_at is None else {"from": bounds.begins_at},
            limit=bounds.limit,
        )
        runs.start(conn, row)
        return row

    def _shown(self, conn: Connection, run: str) -> RunJson:
        return documents(self.ctx(), conn, [known_run(conn, run)], errors=True)[0]

    @staticmethod
    def _is_executed_by_command(ctx: Context, row: RunRow) -> bool:
        return leases.is_taken(ctx.database, leases.of_target(row.kind, row.target))


def _require_cursor(ctx: Context, spec: DestinationSpec | FlowSpec, begins_at: str | None) -> None:
    """InputError for a value to begin at if the source of the destination has no cursor."""
    if begins_at in (None, START) or isinstance(spec, FlowSpec):
        return
    source = ctx.project.sources[ctx.dataset(spec.dataset).source]
    if not isinstance(source, SqlSource) or source.cursor is None:
        message, hint = f"the source {source.name} has no cursor", "use start, or leave it out"
        raise InputError(Problem("from", message, "wrong-start", hint, found=begins_at))


def _lane(ctx: Context, spec: DestinationSpec | FlowSpec) -> str:
    """The credential whose rate limit the run shares; for a flow, that of its first destination."""
    return spec.credential if isinstance(spec, DestinationSpec) else ctx.destination(spec.destinations[0]).credential
