"""The run of a comparison with Custify, which stores what was found; what was found is kept whatever follows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from penstock.clock import iso
from penstock.model.errors import (
    CredentialRefused,
    EnvironmentFailure,
    HostUnreachable,
    InputError,
    PenstockError,
    Problem,
    StateLocked,
)
from penstock.model.reconciliation import NOTHING_FIXED, ReconcileReport, stored_report
from penstock.model.runs import RunStatus
from penstock.run.context import Context
from penstock.run.preparation.prepare import Prepared
from penstock.run.reconcile.reconciliation import RECONCILE, Comparison
from penstock.run.stop import StopKind, StopSignal
from penstock.store.runs import runs
from penstock.store.runs.reconciliations import StoredReconciliation, store_reconciliation
from penstock.store.runs.runs import RunRow, holder_text

DRIFT: Final = "{0:,} records are not in Custify as they were sent"
ONE_DRIFTED: Final = "1 record is not in Custify as it was sent"


@dataclass(slots=True)
class ComparisonRun:
    """The run of a comparison. `found` is what was found, None until Custify was read.

    `error` is what ended the run after that; what ends it earlier is raised.
    """

    ctx: Context
    run: RunRow
    found: Comparison | None = None
    is_to_fix: bool = False
    error: PenstockError | KeyboardInterrupt | None = None

    def compared(self, found: Comparison, *, fix: bool) -> None:
        """Custify was read. With `fix` the report is stored at once, since what follows may take long or fail."""
        self.found = found
        self.run = replace(self.run, requests=self.run.requests + found.report.requests)
        self.is_to_fix = fix and found.to_send > 0
        if self.is_to_fix:
            self._store(found.report.drifted, None)

    @property
    def report(self) -> ReconcileReport:
        """What was found before anything was sent, with the requests of all."""
        assert self.found is not None
        return replace(self.found.report, requests=self.run.requests)

    def end(self, seconds: float) -> None:
        """Store the report; and the end of the run, unless it has sent something and has ended with that."""
        report, run = self.report, self.run
        if run.finished_at is not None:
            self._store(0 if run.status == "succeeded" else report.drifted, None)
            return
        drift = ONE_DRIFTED if report.drifted == 1 else DRIFT.format(report.drifted)
        reason = drift if report.has_drift else None
        self._store(report.drifted, replace(run, duration_s=seconds, reason=reason))

    def fail(self, error: PenstockError | KeyboardInterrupt, signal: StopSignal, seconds: float) -> None:
        """Store that an error or a person has ended the run. Raises the error if nothing was found yet."""
        if isinstance(error, KeyboardInterrupt) and signal.kind == "error":  # the lease was lost
            hint = "run the same command again"
            error = StateLocked(Problem(self.run.target, signal.reason, "held", hint))
        self.error = error
        try:
            with self.ctx.database.begin() as conn:
                row = self._ended_by(runs.get(conn, self.run.id) or self.run, error, signal)
                self.run = runs.finish(conn, replace(row, duration_s=seconds), row.status, iso(self.ctx.clock.now()))
        except EnvironmentFailure:  # the caller has the report, and the error that came first
            self.run = self._ended_by(self.run, error, signal)
        if self.found is None:
            raise error

    def _ended_by(self, row: RunRow, error: PenstockError | KeyboardInterrupt, signal: StopSignal) -> RunRow:
        """`row`, which is as it was stored last, as ended by the error."""
        problems = error.problems if isinstance(error, PenstockError) else ()
        reason = str(problems[0]) if problems else signal.reason or "stopped by a person"
        if self.is_to_fix and not row.counts.read:
            reason = NOTHING_FIXED.format(reason)
        kind = _kind_of(error)
        status: RunStatus = "cancelled" if kind == "cancelled" else "failed"
        ended = replace(row, status=status, reason=reason, stopped_by=kind, errors=problems)
        return replace(ended, requests=max(row.requests, self.run.requests))

    def _store(self, drifted: int, ended: RunRow | None) -> None:
        report, found = self.report, self.found
        assert found is not None
        stored = StoredReconciliation(found.read_at, self.run.id, drifted, stored_report(report))
        with self.ctx.database.begin() as conn:
            store_reconciliation(conn, self.run.target, stored)
            if ended is not None:
                status: RunStatus = "partial" if report.has_drift else "succeeded"
                self.run = runs.finish(conn, ended, status, iso(self.ctx.clock.now()))


def _kind_of(error: PenstockError | KeyboardInterrupt) -> StopKind:
    match error:
        case KeyboardInterrupt():
            return "cancelled"
        case InputError():
            return "input"
        case CredentialRefused():
            return "credential"
        case HostUnreachable():
            return "unreachable"
        case _:
            return "error"


@contextmanager
def comparison_run(
    ctx: Context, prepared: Prepared, run: str, requests: int, signal: StopSignal
) -> Iterator[ComparisonRun]:
    """A run with this id that is stored for the block; at its end the report is stored too.

    `requests` were made before it; `signal` stops it. The caller has the lease of the destination's comparisons. An
    error of the block, also ^C, ends the block and is in `ComparisonRun.error` once Custify was read.
    """
    row = RunRow(
        id=run,
        kind=RECONCILE,
        target=prepared.spec.name,
        started_at=iso(ctx.clock.now()),
        resumable=False,
        requests=requests,
        settings=prepared.compiled.version,
        holder=holder_text(ctx.clock),
    )
    with ctx.database.begin() as conn:
        for left in runs.left_open(conn, row.target, RECONCILE):
            runs.finish(conn, left, "interrupted", row.started_at)
        runs.begin(conn, row)
    began, comparison = ctx.clock.monotonic(), ComparisonRun(ctx, row)
    try:
        yield comparison
        comparison.end(ctx.clock.monotonic() - began)
    except (PenstockError, KeyboardInterrupt) as error:
        comparison.fail(error, signal, ctx.clock.monotonic() - began)
