"""`App`: the one entry to every use-case. The command line, the Python API and the REST API only translate to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from penstock.clock import Clock, SystemClock
from penstock.config.loader import project_json_schema
from penstock.delivery.budget import Budget
from penstock.model.events import Events
from penstock.model.outcome import RunReport
from penstock.model.reports import (
    CheckReport,
    DatasetReport,
    DeliveryReport,
    PlanReport,
    Preview,
    QuarantineDetail,
    QuarantineEntry,
    TestReport,
)
from penstock.model.spec import CredentialSpec, FlowSpec
from penstock.run.connection import connection
from penstock.run.connection.leased_window import SharedBudgets
from penstock.run.context import CodePolicy, Context
from penstock.run.datasets import dataset_report, samples_of
from penstock.run.orchestrator import Orchestrator
from penstock.run.prepare import prepare
from penstock.run.run import Listener
from penstock.service.app import ServiceParts
from penstock.service.demo import Demo
from penstock.store.project import versions
from penstock.usecases import activation, history
from penstock.usecases import quarantine as quarantine_entries
from penstock.usecases.applied_project.applied_project import (
    PROJECT_FILE,
    applied_project,
    open_applied_state,
    open_state,
)
from penstock.usecases.applied_project.reach import reach_of
from penstock.usecases.edits import Edits
from penstock.usecases.plan import plan, plan_flow
from penstock.usecases.preview import preview
from penstock.usecases.project_check import CheckedFile, checked_file
from penstock.usecases.test_send import send_test
from penstock.usecases.unsaved import UnsavedSettings

T = TypeVar("T")


class App(ServiceParts):
    """One project, its state and its context. Use it as a context manager; all methods are synchronous.

    Every method raises `InputError` (exit 2) or `EnvironmentFailure` (exit 3) with the problems found.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._shared_budgets = SharedBudgets()

    @classmethod
    def open(
        cls,
        file: Path | None = None,
        database: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Read the project file (default `penstock.yaml` here) and open its state.

        Once a project was applied to the state, a file that differs from it is wrong input, and no file is needed.
        The state's default is `.penstock/state.db` beside the file, or what `PENSTOCK_DATABASE_URL` says.
        """
        environ = os.environ if environ is None else environ
        project, opened = open_state(file, database, environ)
        return cls(Context(project, opened, clock or SystemClock(), environ, reach_of(opened, environ)))

    @classmethod
    def open_applied(
        cls, database: str, *, environ: Mapping[str, str] | None = None, clock: Clock | None = None, shared: bool = True
    ) -> Self:
        """The App on the project that was applied to this database; `reload` follows its edits.

        `shared`: a service, with bounds (`model.reach`), its project empty (version 0) while none was applied. Without
        `shared` that is InputError `not-applied`.
        """
        environ = os.environ if environ is None else environ
        project, version, opened = open_applied_state(database, environ, shared=shared)
        reach = reach_of(opened, environ, in_service=shared)
        return cls(Context(project, opened, clock or SystemClock(), environ, reach, version))

    def reload(self) -> None:
        """Follow the edits of the applied project; a project that was read from a file stays."""
        if self._ctx.version is None:
            return
        at = self._ctx
        project, version = applied_project(at.database, base=at.project.base)
        reach = reach_of(at.database, at.environ, in_service=at.reach.is_service)
        self._ctx = replace(at, project=project, version=version, reach=reach)

    def with_code(self, code: CodePolicy) -> App:
        """The same App, where only this grouping code runs."""
        made = App(replace(self._ctx, code=code))
        made._shared_budgets = self._shared_budgets
        return made

    @property
    def events(self) -> Events:
        """The listener of events; a silent one unless `tell_to` set another."""
        return self._ctx.events

    def tell_to(self, events: Events) -> None:
        """Tell what happens from now on to `events`: logs and traces."""
        self._ctx = replace(self._ctx, events=events)

    def _present(self) -> Context:
        """The project as it is now: edits of an applied project are followed."""
        if self._ctx.version is not None:
            with self._ctx.database.read() as conn:
                newest = versions.newest_number(conn)
            if newest != self._ctx.version:
                self.reload()
        return self._ctx

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of the environment."""
        return self._ctx.environ

    def keep_up(self) -> None:
        """Follow the edits of the applied project when there are any: cheap enough for every request."""
        self._present()

    @cached_property
    def unsaved(self) -> UnsavedSettings:
        """What settings that are not saved would do."""
        return UnsavedSettings(self._present, self._send_test, self._ask_unsaved)

    @cached_property
    def demo(self) -> Demo:
        """The sample company, for an empty service."""
        return Demo(self._present, self.edits)

    @cached_property
    def edits(self) -> Edits:
        """Edits of the applied project."""
        return Edits(lambda: self._ctx, self.reload)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for part in ("intake", "demo", "discards", "overview"):
            if part in self.__dict__:
                getattr(self, part).close()
        self._ctx.database.close()

    @staticmethod
    def checked_file(
        file: Path | None = None, database: str | None = None, *, environ: Mapping[str, str] | None = None
    ) -> CheckedFile:
        """All problems of a project file, and what could not be checked. Looks at files, and opens no connection.

        References are resolved where they are used: a file is valid on a machine without its secrets.
        """
        return checked_file(file or PROJECT_FILE, database, os.environ if environ is None else environ)

    @staticmethod
    def file_schema() -> dict[str, Any]:
        """The JSON Schema of the project file, for editors."""
        return project_json_schema()

    def dataset(self, name: str, *, refresh: bool = False) -> DatasetReport:
        """The detected schema of a dataset; `refresh` reads and detects it again."""
        return dataset_report(self._ctx, name, refresh=refresh)

    def samples(self, name: str) -> list[dict[str, Any]]:
        """The sample records stored for a dataset, as JSON values."""
        return samples_of(self._ctx, name)

    def set_credential(self, name: str, secret: str) -> None:
        """Seal the API key of a credential in the state database."""
        connection.set_key(self._ctx, name, secret)

    def check(self, credential: str, *, refresh: bool = False) -> CheckReport:
        """Ask the API whether the credential works, and which base answers."""
        spec = connection.credential_spec(self._ctx, credential)

        async def check() -> CheckReport:
            return await connection.check(self._ctx, spec, self._budget(spec), refresh=refresh)

        return self._wait_for(check())

    def _ask_unsaved(self, spec: CredentialSpec, key: str | None) -> CheckReport:
        is_known = spec.name in self._ctx.project.credentials

        async def check() -> CheckReport:
            budget = self._budget(spec) if is_known else Budget(spec.rate_limit, self._ctx.clock)
            return await connection.check_unsaved(self._ctx, spec, budget, key)

        return self._wait_for(check())

    def preview(self, destination: str, *, limit: int | None = 5, everything: bool = False) -> Preview:
        """The requests that the cached samples (or the whole dataset) would make. Calls no API."""
        return preview(prepare(self._ctx, self._ctx.destination(destination)), limit=limit, everything=everything)

    def test(self, destination: str, *, sample: int = 1, body: str | None = None) -> TestReport:
        """Send the request of the `sample`-th sample record (from 1), or the edited `body`, now."""
        return self._send_test(self._ctx, destination, sample=sample, body=body)

    def _send_test(self, ctx: Context, destination: str, *, sample: int, body: str | None) -> TestReport:
        spec = ctx.destination(destination)
        credential = connection.credential_spec(ctx, spec.credential)

        async def send() -> TestReport:
            budget = self._budget(credential)
            address = await connection.ensure_checked(ctx, credential, budget)
            prepared = prepare(ctx, spec, address)
            return await send_test(ctx, prepared, budget, sample=sample, body=body)

        return self._wait_for(send())

    def plan(self, target: str, *, begins_at: str | None = None) -> PlanReport:
        """What `run` of this destination or flow would do now. `begins_at` as for `run`."""
        spec = self._ctx.target(target)
        if isinstance(spec, FlowSpec):
            return plan_flow(self._ctx, spec, begins_at)
        return plan(self._ctx, prepare(self._ctx, spec), begins_at=begins_at)

    def plan_flow(self, flow: str) -> PlanReport:
        """What `run` of this flow would do now, also where a destination has the same name."""
        return plan_flow(self._ctx, self._ctx.flow(flow))

    def run(
        self,
        target: str,
        *,
        wait: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
        begins_at: str | None = None,
    ) -> RunReport:
        """Run a destination or flow from its checkpoint to its end (resumes an unfinished run).

        `wait` waits for another run that holds the destination; `listener` hears the progress a few times a second;
        `handle_signals` lets SIGINT and SIGTERM stop the run cleanly after the requests in flight; `begins_at` is where
        a source with a cursor is read from: `start`, or a value of the cursor.
        """
        spec = self._ctx.target(target)
        conductor = self._conductor(listener, wait=wait, handle_signals=handle_signals, begins_at=begins_at)
        return self._wait_for(conductor.run_flow(spec) if isinstance(spec, FlowSpec) else conductor.run_one(spec))

    def _conductor(self, listener: Listener | None, **how: Any) -> Orchestrator:
        return Orchestrator(self._ctx, self._budget, listener, **how)

    def activate(self, destination: str, *, by: str = "command line") -> None:
        """Let runs send this destination."""
        activation.activate(self._ctx, self.edits, destination, by)

    def pause(self, destination: str, *, by: str = "command line") -> None:
        """Stop runs from sending this destination, until it is activated again."""
        activation.pause(self._ctx, destination, by)

    def runs(self, *, run: str | None = None, limit: int = 50) -> list[RunReport]:
        """The runs, newest first; or the one named."""
        return history.runs_of(self._ctx, run, limit)

    def deliveries(self, run: str) -> list[DeliveryReport]:
        """The requests of a run; of a flow's run, those of its destinations."""
        return history.deliveries_of(self._ctx, run)

    def quarantine(self, *, destination: str | None = None, cause: str | None = None) -> list[QuarantineEntry]:
        """The records in quarantine."""
        return quarantine_entries.listing(self._ctx, destination=destination, cause=cause)

    def quarantined(self, entry: str) -> QuarantineDetail:
        """One record in quarantine, whole."""
        return quarantine_entries.shown(self._ctx, entry)

    def preview_held(self, entry: str) -> Preview:
        """What a resend of this record in quarantine would send."""
        return quarantine_entries.preview_of(self._ctx, entry)

    def edit(self, entry: str, *, changes: Mapping[str, Any] | None = None, record: Any = None) -> QuarantineDetail:
        """Change a record in quarantine: some of its members (by dotted paths), or all of it."""
        return quarantine_entries.edit(self._ctx, entry, changes=changes, record=record)

    def edit_texts(self, entry: str, texts: Mapping[str, str]) -> QuarantineDetail:
        """Change members of the record in quarantine, each given as text and read by its column's type."""
        return self.edit(entry, changes=quarantine_entries.typed_changes(self._ctx, entry, texts))

    def resend(
        self,
        entries: Sequence[str] = (),
        *,
        cause: str | None = None,
        everything: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
    ) -> list[RunReport]:
        """Send the records in quarantine now, under run ids of their own: one run per destination."""
        held = quarantine_entries.chosen(self._ctx, entries, cause=cause, everything=everything)
        conductor = self._conductor(listener, wait=False, handle_signals=handle_signals)
        return self._wait_for(conductor.resend(held))

    def ask_resend(self, entries: Sequence[str], *, asked_by: str) -> list[dict[str, Any]]:
        """Request that a worker sends records in quarantine; returns the runs."""
        held = quarantine_entries.by_destination(self._ctx, entries)
        return self.work.resend(held, trigger=f"person:{asked_by}", asked_by=asked_by)

    def discard(
        self,
        entries: Sequence[str] = (),
        *,
        cause: str | None = None,
        everything: bool = False,
        reason: str = "",
        told: quarantine_entries.Told = quarantine_entries.tell_nobody,
    ) -> int:
        """Discard these versions; returns how many. `told` is called with how many are done, of how many."""
        return quarantine_entries.discard(
            self._ctx, entries, cause=cause, everything=everything, reason=reason, told=told
        )

    def settle(self, entry: str, *, delivered: bool) -> None:
        """Remember an unknown record as sent, because a person knows that it arrived."""
        quarantine_entries.settle(self._ctx, entry, delivered=delivered)

    def _budget(self, spec: CredentialSpec) -> Budget:
        """The one budget of this credential, for all processes on the state database."""
        return self._shared_budgets.of(self._ctx, spec)

    @staticmethod
    def _wait_for(work: Coroutine[Any, Any, T]) -> T:
        try:
            import uvloop  # noqa: PLC0415 - only where it exists, and only when something is sent
        except ImportError:
            return asyncio.run(work)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
