"""`Executor`: executes one ticket in its own thread. Other threads can stop it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from traceback import extract_tb
from typing import Any

from penstock.clock import iso
from penstock.model.errors import (
    ConflictError,
    CredentialRefused,
    HostUnreachable,
    PenstockError,
    Problem,
    StateLocked,
    StateUnavailable,
)
from penstock.model.reports import as_json
from penstock.model.runs import Progress, RunStatus
from penstock.run import flow
from penstock.run.connection.leased_window import SharedBudgets
from penstock.run.context import Context
from penstock.run.orchestrator import Orchestrator
from penstock.service.store.work import FIX, WorkRow
from penstock.service.work.queue import Interrupted
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN
from penstock.usecases import quarantine
from penstock.usecases.runs import stopped_by_canary

RATE_OVER_S = 5.0
log = logging.getLogger("penstock.worker")


@dataclass(slots=True)
class Executor:
    """A run that this process executes. `execute` is called from one thread, the other methods from any."""

    ctx: Context
    row: WorkRow
    shutdown: bool = False
    _loop: asyncio.AbstractEventLoop | None = None
    _orchestrator: Orchestrator | None = None
    _wanted: tuple[str, str | None] | None = None  # a stop that came before the loop
    _latest: Progress | None = None
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=64))

    # ── for its own thread ───────────────────────────────────────────────────

    def execute(self) -> None:
        """Execute the run to its end, store the result and export the ledger.

        Raises Interrupted if the run has to be continued later.
        """
        self._execute()
        if self.ctx.project.ledger_to is not None:
            from penstock.usecases.ledger_export import export_ledger  # noqa: PLC0415 - imports Psycopg

            export_ledger(self.ctx, [self.row.run])

    def _execute(self) -> None:
        try:
            self._run(self._orchestrate())
        except (StateLocked, StateUnavailable) as trouble:
            log.warning("run.interrupted run=%s reason=%s", self.row.run, trouble)
            raise Interrupted(later=True) from trouble
        except PenstockError as error:
            reason = str(error.problems[0]) if error.problems else str(error)
            self._failed(_kind_of(error), reason, error.problems)
        except KeyboardInterrupt:  # stopped while it waited for the lock on the destination
            if self.shutdown:
                raise Interrupted(later=False) from None
            self._never_begun(self._wanted[0] if self._wanted else "stopped")
        except Exception as error:  # noqa: BLE001 - a defect ends its run, not the worker
            places = "".join(f"\n  {f.filename}:{f.lineno} in {f.name}" for f in extract_tb(error.__traceback__))
            self.ctx.events.emit("defect", run=self.row.run, error=type(error).__name__, places=places)
            self._failed("error", f"a defect in Penstock: {type(error).__name__}")
        else:
            if self.shutdown and self._is_unfinished():
                raise Interrupted(later=False)
            self._never_begun("an unfinished run was continued instead")

    @staticmethod
    def _run(work: Coroutine[Any, Any, None]) -> None:
        try:
            import uvloop  # noqa: PLC0415 - only where it exists
        except ImportError:
            asyncio.run(work)
            return
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)

    async def _orchestrate(self) -> None:
        row, ctx = self.row, self.ctx
        with ctx.database.read() as conn:
            run = runs.get(conn, row.run)
        orchestrator = Orchestrator(
            ctx,
            partial(SharedBudgets().of, ctx),
            self._note_progress,
            wait=True,
            handle_signals=False,
            queued=row.run,
            begins_at=None if run is None else run.begins_at,
            limit=None if run is None else run.limit,
        )
        self._loop, self._orchestrator = asyncio.get_running_loop(), orchestrator
        if self._wanted is not None:
            orchestrator.stop("cancelled", *self._wanted)
        if row.kind in ("destination", "flow") and row.trigger.startswith("person:"):
            self._require_canaries_seen()
        if row.kind == "flow":
            await orchestrator.run_flow(ctx.flow(row.target))
        elif row.kind == "resend":
            await orchestrator.resend(quarantine.still_quarantined(ctx, row.payload or ()))
        elif row.kind == "settle":
            await orchestrator.settle(ctx.destination(row.target))
        elif row.kind == "reconcile":
            comparison = await orchestrator.reconcile(ctx.destination(row.target), fix=FIX in (row.payload or ()))
            if comparison.error is not None:
                raise comparison.error
        else:
            await orchestrator.run_one(ctx.destination(row.target))

    def _require_canaries_seen(self) -> None:
        """Raise ConflictError if a canary stopped a destination after the run was requested: nobody has seen it."""
        for destination, stopped in stopped_by_canary(self.ctx, self.row.target).items():
            with self.ctx.database.read() as conn:
                ended = runs.get(conn, stopped)
            if stopped != self.row.run and ended is not None and (ended.finished_at or "") > self.row.asked_at:
                message = f"after this run was requested, the canary of {destination} stopped the run {stopped}"
                hint = "look at what was refused, and start the run again to go past the canary"
                raise ConflictError(Problem("target", message, "past-canary", hint, found=self.row.target))

    def _note_progress(self, progress: Progress) -> None:
        self._latest = progress
        done = sum(number for name, number in progress.counts.items() if name != "read")
        self._seen.append((self.ctx.clock.monotonic(), done))

    def _is_unfinished(self) -> bool:
        with self.ctx.database.read() as conn:
            run = runs.get(conn, self.row.run)
        if run is not None and run.kind == "reconcile":  # a fix that was stopped while it sent: it is compared again
            return run.status == "cancelled"
        return run is not None and (run.position == NOT_BEGUN or run.resumable)

    def _never_begun(self, reason: str) -> None:
        """End a new run that has not started as cancelled. An unfinished run that was continued stays as it is."""
        self._close("cancelled", reason, "cancelled")

    def _failed(self, kind: str, reason: str, problems: tuple[Problem, ...] = ()) -> None:
        self.ctx.events.emit("run.failed", run=self.row.run, target=self.row.target, reason=reason)
        self._close("failed", reason, kind, problems)

    def _close(self, status: RunStatus, reason: str, kind: str, problems: tuple[Problem, ...] = ()) -> None:
        with self.ctx.database.begin() as conn:
            run = runs.get(conn, self.row.run)
            if run is None or (status == "cancelled" and run.position != NOT_BEGUN):
                return
            if run.kind == "reconcile" and run.status == status:  # it has ended with its report and the reason
                return
            ended = replace(run, reason=reason, stopped_by=kind, errors=problems)
            if run.kind == "flow":
                ended = replace(ended, **flow.sums(runs.children(conn, run.id)))
            resumable = run.position != NOT_BEGUN and run.resumable and run.kind != "flow"
            runs.finish(conn, ended, status, iso(self.ctx.clock.now()), resumable=resumable)

    # ── for any thread ───────────────────────────────────────────────────────

    def stop(self, reason: str, destination: str | None = None) -> None:
        """Stop the run, or one of its destinations, after the requests in flight."""
        if destination is None and self._wanted is None:
            self._wanted = (reason, None)
        loop, orchestrator = self._loop, self._orchestrator
        if loop is not None and orchestrator is not None:
            with suppress(RuntimeError):  # the loop has just ended, and the run with it
                loop.call_soon_threadsafe(orchestrator.stop, "cancelled", reason, destination)

    def sending(self) -> tuple[str, ...]:
        """The destinations that are being run now."""
        return () if self._orchestrator is None else tuple(self._orchestrator.sending)

    def progress(self) -> dict[str, Any]:
        """The live progress of the run, as `store_progress` stores it."""
        latest = self._latest
        if latest is None:
            return {"phase": "preparing"}
        return {
            "target": latest.target,
            "records": as_json(latest.counts),
            "requests": latest.requests,
            "total": latest.total,
            "elapsed_s": round(latest.elapsed_s, 3),
            "rate_per_s": self._rate(),
            "waiting_for_allowance_s": round(latest.waiting_for_allowance_s, 3),
            "phase": latest.phase,
            "attempts": [attempt._asdict() for attempt in latest.attempts],
            "waiting_for": None if latest.waiting_for is None else latest.waiting_for._asdict(),
            "left_s": latest.left_s,
        }

    def _rate(self) -> float:
        """Records decided per second, over the last seconds."""
        seen = list(self._seen)
        if len(seen) < 2:
            return 0.0
        at, done = seen[-1]
        since, before = next(((t, n) for t, n in seen if at - t <= RATE_OVER_S), seen[0])
        return round((done - before) / (at - since), 1) if at > since and done >= before else 0.0


def _kind_of(error: PenstockError) -> str:
    if isinstance(error, CredentialRefused):
        return "credential"
    return "unreachable" if isinstance(error, HostUnreachable) else "error"
