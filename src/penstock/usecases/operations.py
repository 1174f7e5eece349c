"""What reads records or calls the API: looks at data, checks, previews, tests, plans, runs, resends.

Arrow, DuckDB, numpy and aiohttp come with this module: the App imports it when the first of these is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from penstock.delivery.budget import Budget
from penstock.model.outcome import Note
from penstock.model.reports import (
    CheckReport,
    DatasetReport,
    PlanReport,
    Preview,
    PreviewedRequest,
    RefusedRecord,
    TestReport,
)
from penstock.model.runs import Listener, RunReport
from penstock.model.spec import CredentialSpec, DestinationSpec, FlowSpec
from penstock.run.connection import check, connection
from penstock.run.connection.leased_window import SharedBudgets
from penstock.run.context import Context
from penstock.run.datasets import dataset_report, samples_of
from penstock.run.orchestrator import Orchestrator
from penstock.run.prepare import prepare
from penstock.usecases import quarantine, settlement, unsaved
from penstock.usecases.plan import plan, plan_flow
from penstock.usecases.preview import preview, preview_of_everything
from penstock.usecases.test_send import send_test
from penstock.usecases.unsaved import UnsavedSettings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operations:
    """`ctx` answers the project as it is now; `budgets` are those of all processes on its state."""

    ctx: Callable[[], Context]
    budgets: SharedBudgets

    def dataset(self, name: str, *, refresh: bool) -> DatasetReport:
        """The detected schema of a dataset; `refresh` reads and detects it again."""
        return dataset_report(self.ctx(), name, refresh=refresh)

    def samples(self, name: str) -> list[dict[str, Any]]:
        """The sample records stored for a dataset, as JSON values."""
        return samples_of(self.ctx(), name)

    def check(self, credential: str, *, refresh: bool) -> CheckReport:
        """Ask the API whether the credential works, and which base answers."""
        ctx = self.ctx()
        spec = connection.credential_spec(ctx, credential)

        async def asked() -> CheckReport:
            return await check.check(ctx, spec, self.budgets.of(ctx, spec), refresh=refresh)

        return _wait_for(asked())

    def check_unsaved(self, spec: CredentialSpec, key: str | None) -> CheckReport:
        """Ask the API of a credential that is not saved, with this key."""
        ctx = self.ctx()
        is_known = spec.name in ctx.project.credentials

        async def asked() -> CheckReport:
            budget = self.budgets.of(ctx, spec) if is_known else Budget(spec.rate_limit, ctx.clock)
            return await check.check_unsaved(ctx, spec, budget, key)

        return _wait_for(asked())

    def preview(self, destination: str, *, limit: int | None, everything: bool) -> Preview:
        """The requests that the cached samples (or the whole dataset) would make. Calls no API."""
        ctx = self.ctx()
        return preview(prepare(ctx, ctx.destination(destination)), limit=limit, everything=everything)

    def preview_held(self, entry: str) -> Preview:
        """What a resend of this record in quarantine would send."""
        return settlement.preview_of(self.ctx(), entry)

    def preview_all(self, destination: str) -> Iterator[PreviewedRequest | RefusedRecord | Note]:
        """What the whole dataset would make, one by one: requests and refused records, then the notes. Calls no API.

        InputError for settings or data that cannot be read, before the first; while it goes on, too.
        """
        ctx = self.ctx()
        return preview_of_everything(prepare(ctx, ctx.destination(destination)))

    def compile(self, spec: DestinationSpec) -> None:
        """InputError with every problem of the destination's settings."""
        prepare(self.ctx(), spec)

    def refuse_misfit(self, kind: str, name: str, value: Any) -> None:
        """InputError where settings that are to be saved do not fit their records."""
        unsaved.refuse_misfit(self.ctx(), kind, name, value)

    def unsaved(self, ctx: Callable[[], Context]) -> UnsavedSettings:
        """What settings that are not saved would do."""
        return UnsavedSettings(ctx, self.send_test, self.check_unsaved)

    def typed_changes(self, entry: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """Changes of a held record that are given as text, read by the types of its columns."""
        return settlement.typed_changes(self.ctx(), entry, texts)

    def settle(self, entry: str, *, delivered: bool) -> None:
        """Remember an unknown record as sent, because a person knows that it arrived."""
        settlement.settle(self.ctx(), entry, delivered=delivered)

    def test(self, destination: str, *, sample: int, body: str | None) -> TestReport:
        """Send the request of the `sample`-th sample record (from 1), or the edited `body`, now."""
        return self.send_test(self.ctx(), destination, sample=sample, body=body)

    def send_test(self, ctx: Context, destination: str, *, sample: int, body: str | None) -> TestReport:
        """As `test`, of the destination as it is in `ctx`."""
        spec = ctx.destination(destination)
        credential = connection.credential_spec(ctx, spec.credential)

        async def send() -> TestReport:
            budget = self.budgets.of(ctx, credential)
            address = await check.ensure_checked(ctx, credential, budget)
            prepared = prepare(ctx, spec, address)
            return await send_test(ctx, prepared, budget, sample=sample, body=body)

        return _wait_for(send())

    def plan(self, target: str, *, begins_at: str | None) -> PlanReport:
        """What a run of this destination or flow would do now."""
        ctx = self.ctx()
        spec = ctx.target(target)
        if isinstance(spec, FlowSpec):
            return plan_flow(ctx, spec, begins_at)
        return plan(ctx, prepare(ctx, spec), begins_at=begins_at)

    def plan_flow(self, flow: str) -> PlanReport:
        """What a run of this flow would do now, also where a destination has the same name."""
        ctx = self.ctx()
        return plan_flow(ctx, ctx.flow(flow))

    def run(
        self, target: str, listener: Listener | None, *, wait: bool, handle_signals: bool, begins_at: str | None
    ) -> RunReport:
        """Run a destination or flow from its checkpoint to its end."""
        spec = self.ctx().target(target)
        conductor = self._conductor(listener, wait=wait, handle_signals=handle_signals, begins_at=begins_at)
        return _wait_for(conductor.run_flow(spec) if isinstance(spec, FlowSpec) else conductor.run_one(spec))

    def resend(
        self,
        entries: Sequence[str],
        listener: Listener | None,
        *,
        cause: str | None,
        everything: bool,
        handle_signals: bool,
    ) -> list[RunReport]:
        """Send the records in quarantine now, under run ids of their own: one run per destination."""
        held = quarantine.chosen(self.ctx(), entries, cause=cause, everything=everything)
        return _wait_for(self._conductor(listener, wait=False, handle_signals=handle_signals).resend(held))

    def _conductor(self, listener: Listener | None, **how: Any) -> Orchestrator:
        ctx = self.ctx()
        return Orchestrator(ctx, lambda spec: self.budgets.of(ctx, spec), listener, **how)


def _wait_for(work: Coroutine[Any, Any, T]) -> T:
    try:
        import uvloop  # noqa: PLC0415 - only where it exists, and only when something is sent
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
