"""The use-cases that read records or call the API: check, preview, test, plan, run, resend, settle.

This module imports Arrow, DuckDB, numpy and aiohttp; the App imports it when a method first needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from penstock.model.errors import InputError, Problem
from penstock.model.identity import IdentityReport
from penstock.model.outcome import Note
from penstock.model.reconciliation import ReconcileReport
from penstock.model.record import DatasetReport, RefusedRecord
from penstock.model.reports import CheckReport, Preview, PreviewedRequest, SettleReport, TestReport
from penstock.model.runs import Listener, PlanReport, RunReport
from penstock.model.spec import CredentialSpec, DestinationSpec, FlowSpec
from penstock.run.connection import check, connection
from penstock.run.connection.leased_window import SharedBudgets, budget_in_memory
from penstock.run.context import Context, is_active, require_destination
from penstock.run.diff.first_sends import first_sends_notes
from penstock.run.orchestrator import Orchestrator
from penstock.run.preparation.datasets import dataset_report, samples_of
from penstock.run.preparation.output_place import require_parts, require_parts_for_limit
from penstock.run.preparation.prepare import prepare
from penstock.run.reconcile.account_objects import Announce, require_list
from penstock.store.runs.runs import to_report
from penstock.usecases import quarantine, settlement, unsaved
from penstock.usecases.deletions import approved_by
from penstock.usecases.exact_plan import exact_counts
from penstock.usecases.identity import Against, identity_report, people_report
from penstock.usecases.preview import plan, plan_flow, preview, preview_of_everything
from penstock.usecases.test_send import send_test
from penstock.usecases.unsaved import UnsavedSettings

T = TypeVar("T")
LARGEST_LIMIT = 2**53 - 1  # as in the REST API


def say_nothing(_requests: int, _seconds: float) -> None:
    """Announce nothing."""


@dataclass(frozen=True, slots=True)
class Operations:
    """`ctx` returns the context with the current project; `budgets` are the rate limits shared by all processes."""

    ctx: Callable[[], Context]
    budgets: SharedBudgets

    def dataset(self, name: str, *, refresh: bool) -> DatasetReport:
        """The detected schema of a dataset; `refresh` detects it again."""
        return dataset_report(self.ctx(), name, refresh=refresh)

    def identity(
        self, dataset: str, *, most: int, against: str | None = None, announce: Announce = say_nothing
    ) -> IdentityReport:
        """Which people of a dataset Custify would hold twice; at most `most` entries of each list."""
        account = None if against is None else Against(against, announce)
        return identity_report(self.ctx(), dataset, most=most, against=account)

    def people_of(self, destination: str) -> tuple[str, IdentityReport | None]:
        """A destination's dataset and its identity report, without entries; None if it sends no people."""
        spec = self.ctx().destination(destination)
        return spec.dataset, people_report(self.ctx(), spec)

    def samples(self, name: str) -> list[dict[str, Any]]:
        """The sample records stored for a dataset, as JSON values."""
        return samples_of(self.ctx(), name)

    def check(self, credential: str, *, refresh: bool) -> CheckReport:
        """Check with the API whether the credential works, and find its base URL."""
        ctx = self.ctx()
        spec = connection.credential_spec(ctx, credential)

        async def report() -> CheckReport:
            return await check.check(ctx, spec, self.budgets.of(ctx, spec), refresh=refresh)

        return _wait_for(report())

    def check_unsaved(self, spec: CredentialSpec, key: str | None) -> CheckReport:
        """Check with the API whether a credential that is not saved works with this key."""
        ctx = self.ctx()
        is_known = spec.name in ctx.project.credentials

        async def report() -> CheckReport:
            budget = self.budgets.of(ctx, spec) if is_known else budget_in_memory(spec.rate_limit, ctx.clock)
            return await check.check_unsaved(ctx, spec, budget, key)

        return _wait_for(report())

    def preview(self, destination: str, *, limit: int | None, everything: bool) -> Preview:
        """The requests for the cached samples, or for the whole dataset. Sends nothing.

        The only API that is called is that of a source of `type: custify`: for its first pages if
        it was not read yet, for all with `everything`.
        """
        ctx = self.ctx()
        prepared = prepare(ctx, ctx.destination(destination), whole=everything)
        return preview(prepared, limit=limit, everything=everything)

    def preview_quarantined(self, entry: str) -> Preview:
        """The requests that a resend of this record in quarantine would make."""
        return settlement.preview_of(self.ctx(), entry)

    def preview_all(self, destination: str) -> Iterator[PreviewedRequest | RefusedRecord | Note]:
        """Yield the requests and refused records of the whole dataset, then the notes. Sends nothing.

        The only API that is called is that of a source of `type: custify`, which is read whole.
        Raises InputError if settings or data cannot be read, before the first item or later.
        """
        ctx = self.ctx()
        return preview_of_everything(prepare(ctx, ctx.destination(destination), whole=True))

    def compile(self, spec: DestinationSpec) -> None:
        """Raise InputError with every problem of the destination's settings."""
        prepare(self.ctx(), spec)

    def refuse_misfit(self, kind: str, name: str, value: Any) -> None:
        """Raise InputError if settings that are to be saved do not fit their records."""
        unsaved.refuse_misfit(self.ctx(), kind, name, value)

    def unsaved(self, ctx: Callable[[], Context]) -> UnsavedSettings:
        """The use-cases on settings that are not saved."""
        return UnsavedSettings(ctx, self.send_test, self.check_unsaved)

    def typed_changes(self, entry: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """Changes to a record in quarantine from texts, parsed by the types of its columns."""
        return settlement.typed_changes(self.ctx(), entry, texts)

    def settle(self, entry: str, *, delivered: bool) -> None:
        """Remember an unknown record as sent, because a person saw that it arrived."""
        settlement.settle(self.ctx(), entry, delivered=delivered)

    def test(self, destination: str, *, sample: int, body: str | None) -> TestReport:
        """Send the request of the `sample`-th sample record (from 1), or the edited `body`, now."""
        return self.send_test(self.ctx(), destination, sample=sample, body=body)

    def send_test(self, ctx: Context, destination: str, *, sample: int, body: str | None) -> TestReport:
        """As `test`, with the destination's settings in `ctx`."""
        spec = ctx.destination(destination)
        credential = connection.credential_spec(ctx, spec.credential)

        async def send() -> TestReport:
            budget = self.budgets.of(ctx, credential)
            address = await check.ensure_checked(ctx, credential, budget)
            prepared = await asyncio.to_thread(prepare, ctx, spec, address)
            return await send_test(ctx, prepared, budget, sample=sample, body=body)

        return _wait_for(send())

    def approved_deletions(self, target: str, hash_: str) -> Mapping[str, str]:
        """The destinations whose deletions a hash approves, each with its own hash. InputError if it approves none."""
        ctx = self.ctx()
        return approved_by(ctx, ctx.target(target), hash_)

    def plan(
        self,
        target: str,
        *,
        begins_at: str | None,
        exact: bool = False,
        announce: Announce = say_nothing,
        limit: int | None = None,
    ) -> PlanReport:
        """What a run of this destination or flow would do now; `exact`: Custify is read for what exists there.

        The plan is of all records that the run has to send; a note says that it sends `limit` of them only.
        """
        ctx = self.ctx()
        spec = ctx.target(target)
        if limit is not None:
            self.require_limit(target, limit)
        if isinstance(spec, FlowSpec):
            return self._plan_flow(ctx, spec, begins_at, exact=exact, announce=announce)
        if exact:
            self._ensure_checked(ctx, [spec])
        prepared = prepare(ctx, spec, whole=True)
        counts = exact_counts(ctx, prepared, announce) if exact else None
        report = plan(ctx, prepared, begins_at=begins_at, exact=counts)
        first = first_sends_notes(spec.canary, report.creates_or_updates, limit)
        active, _ = is_active(ctx, spec)
        return replace(report, notes=(*report.notes, *first), active=active)

    def plan_flow(self, flow: str, *, exact: bool = False) -> PlanReport:
        """What a run of this flow would do now, also if a destination has the same name."""
        ctx = self.ctx()
        return self._plan_flow(ctx, ctx.flow(flow), None, exact=exact, announce=say_nothing)

    def _plan_flow(
        self, ctx: Context, flow: FlowSpec, begins_at: str | None, *, exact: bool, announce: Announce
    ) -> PlanReport:
        if not exact:
            return plan_flow(ctx, flow, begins_at)
        self._ensure_checked(ctx, [ctx.destination(name) for name in flow.destinations])
        return plan_flow(ctx, flow, begins_at, lambda prepared: exact_counts(ctx, prepared, announce))

    def _ensure_checked(self, ctx: Context, specs: Sequence[DestinationSpec]) -> None:
        """Find the base URL of the credentials of these destinations where that was not done yet."""

        async def ensure() -> None:
            for name in dict.fromkeys(spec.credential for spec in specs):
                credential = connection.credential_spec(ctx, name)
                await check.ensure_checked(ctx, credential, self.budgets.of(ctx, credential))

        _wait_for(ensure())

    def run(self, target: str, listener: Listener | None, *, allow_deletes: str | None = None, **how: Any) -> RunReport:
        """Run a destination or flow, or continue its unfinished run. `how` are fields of the `Orchestrator`."""
        ctx = self.ctx()
        spec = ctx.target(target)
        if (limit := how.get("limit")) is not None:
            self.require_limit(target, limit, allow_deletes)
        how["approved"] = {} if allow_deletes is None else approved_by(ctx, spec, allow_deletes)
        orchestrator = self._orchestrator(listener, **how)
        run = orchestrator.run_flow(spec) if isinstance(spec, FlowSpec) else orchestrator.run_one(spec)
        return _exported(orchestrator.ctx, [_wait_for(run)])[0]

    def require_limit(self, target: str, limit: int, allow_deletes: str | None = None) -> None:
        """Raise InputError if a run of the target cannot have this limit.

        It is out of range, or the target is a flow or a file that is written whole, or deletions are approved.
        """
        ctx = self.ctx()
        if not 1 <= limit <= LARGEST_LIMIT:
            message, hint = "the limit is out of range", f"write a number from 1 to {LARGEST_LIMIT}"
            raise InputError(Problem("limit", message, "out-of-range", hint, found=str(limit)))
        require_parts_for_limit(ctx, require_destination(ctx.target(target)))
        if allow_deletes is not None:
            message = "a run with --limit does not read everything, so it deletes nothing"
            raise InputError(Problem("--allow-deletes", message, "usage", "leave out one of them", allow_deletes))

    def resend(
        self,
        entries: Sequence[str],
        listener: Listener | None,
        *,
        cause: str | None,
        everything: bool,
        handle_signals: bool,
    ) -> list[RunReport]:
        """Send records in quarantine now, in one new run per destination."""
        held = quarantine.chosen(self.ctx(), entries, cause=cause, everything=everything)
        orchestrator = self._orchestrator(listener, wait=False, handle_signals=handle_signals)
        for name in dict.fromkeys(entry.destination for entry in held):
            require_parts(orchestrator.ctx, orchestrator.ctx.destination(name))
        return _exported(orchestrator.ctx, _wait_for(orchestrator.resend(held)))

    def settle_destination(self, name: str, listener: Listener | None, *, handle_signals: bool) -> SettleReport:
        """Find out what became of the unknown records of a destination, and send again what did not arrive."""
        ctx = self.ctx()
        spec = ctx.destination(name)
        settlement.require_reads(ctx, spec)
        orchestrator = self._orchestrator(listener, wait=False, handle_signals=handle_signals)
        [report] = _exported(ctx, [_wait_for(orchestrator.settle(spec))])
        return settlement.settle_report(report)

    def reconcile(
        self, name: str, listener: Listener | None, *, fix: bool, handle_signals: bool
    ) -> tuple[ReconcileReport, RunReport]:
        """Compare what Custify has with what a destination has sent; `fix` sends again what differs or is missing.

        Waits for other comparisons of the destination, and to fix for its runs. What ends it after Custify was read is
        in the report of the run.
        """
        ctx = self.ctx()
        orchestrator = self._orchestrator(listener, wait=True, handle_signals=handle_signals)
        comparison = _wait_for(orchestrator.reconcile(ctx.destination(name), fix=fix))
        return comparison.report, _exported(ctx, [to_report(comparison.run)])[0]

    def require_list(self, destination: str) -> None:
        """Raise InputError if Custify has no list of what the destination writes."""
        require_list(self.ctx(), self.ctx().destination(destination))

    def require_reads(self, destination: str) -> None:
        """Raise InputError if nothing that the destination sends can be read back."""
        settlement.require_reads(self.ctx(), self.ctx().destination(destination))

    def _orchestrator(self, listener: Listener | None, **how: Any) -> Orchestrator:
        ctx = self.ctx()
        return Orchestrator(ctx, lambda spec: self.budgets.of(ctx, spec), listener, **how)


def _exported(ctx: Context, reports: list[RunReport]) -> list[RunReport]:
    """The reports of runs that have ended, after the export of the ledger; with a note if it failed."""
    if ctx.project.ledger_to is None:
        return reports
    from penstock.usecases.ledger_export import exported_reports  # noqa: PLC0415 - imports Psycopg

    return exported_reports(ctx, reports)


def _wait_for(work: Coroutine[Any, Any, T]) -> T:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform, and only needed for requests
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
