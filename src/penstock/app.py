"""`App`: every use-case of the kernel for one project. The command line and the Python API call only this class."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from penstock.clock import Clock, SystemClock
from penstock.config.loader import project_json_schema
from penstock.model.delivery import DeliveryReport
from penstock.model.identity import MOST_ENTRIES, IdentityReport
from penstock.model.reach import COMMAND_LINE
from penstock.model.reconciliation import ReconcileReport
from penstock.model.record import DatasetReport
from penstock.model.reports import (
    ApplyResult,
    CheckReport,
    Preview,
    ProjectVersion,
    QuarantineDetail,
    QuarantineEntry,
    SampleCompany,
    SandboxUrls,
    SettleReport,
    TestReport,
)
from penstock.model.runs import Listener, PlanReport, RunReport
from penstock.run.connection import connection
from penstock.run.connection.leased_window import SharedBudgets
from penstock.run.context import Context
from penstock.sources.files.formats import FORMATS, FileFormat
from penstock.templates.catalogue import Template, load_catalogue
from penstock.usecases import quarantine as quarantine_entries
from penstock.usecases import runs
from penstock.usecases import sandbox as local_sandbox
from penstock.usecases.applied_project.applied_project import (
    PROJECT_FILE,
    AppliedProject,
    Edits,
    applied_project,
    open_applied_state,
    open_state,
    state_url,
)
from penstock.usecases.applied_project.reach import reach_of

if TYPE_CHECKING:
    from penstock.usecases.operations import Operations
    from penstock.usecases.project_check import CheckedFile


class App:
    """One project, its state and its context. Use it as a context manager; all methods are synchronous.

    Methods raise `InputError` (exit code 2) or `EnvironmentFailure` (exit code 3) with all problems found.
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

        If a project was applied to the state, the file can be missing; a file that differs from it raises InputError.
        The state is `database`, else `PENSTOCK_DATABASE_URL`, else `.penstock/state.db` beside the file.
        """
        environ = os.environ if environ is None else environ
        project, opened = open_state(file, database, environ)
        return cls(Context(project, opened, clock or SystemClock(), environ, reach_of(opened, environ)))

    @classmethod
    def open_applied(
        cls, database: str, *, environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> Self:
        """Open the project that was applied to this database. Raises InputError `not-applied` if none was."""
        environ = os.environ if environ is None else environ
        project, version, opened = open_applied_state(database, environ, shared=False)
        reach = reach_of(opened, environ, in_service=False)
        return cls(Context(project, opened, clock or SystemClock(), environ, reach, version))

    def reload(self) -> None:
        """Read the newest version of the applied project; does nothing for a project that was read from a file."""
        if self._ctx.version is None:
            return
        at = self._ctx
        project, version = applied_project(at.database, base=at.project.base)
        reach = reach_of(at.database, at.environ, in_service=at.reach.is_service)
        self._ctx = replace(at, project=project, version=version, reach=reach)

    @cached_property
    def edits(self) -> Edits:
        """Edits of the applied project."""
        return Edits(lambda: self._ctx, self.reload, self._refuse_misfit)

    def _refuse_misfit(self, kind: str, name: str, value: Any) -> None:
        self._operations.refuse_misfit(kind, name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._ctx.database.close()

    @staticmethod
    def checked_file(
        file: Path | None = None, database: str | None = None, *, environ: Mapping[str, str] | None = None
    ) -> CheckedFile:
        """All problems of a project file, and what could not be checked. Reads files, opens no connection.

        References to secrets are not resolved: a file is also valid on a machine without its secrets.
        """
        from penstock.usecases.project_check import checked_file  # noqa: PLC0415 - imports Arrow, as operations do

        return checked_file(file or PROJECT_FILE, database, os.environ if environ is None else environ)

    @staticmethod
    def state_url(
        file: Path | None = None, database: str | None = None, environ: Mapping[str, str] | None = None
    ) -> str:
        """The URL of the state: as given, from `PENSTOCK_DATABASE_URL`, or `.penstock/state.db` beside the file."""
        return state_url(file or PROJECT_FILE, database, os.environ if environ is None else environ)

    @staticmethod
    def apply(file: Path | None = None, database: str | None = None, *, dry_run: bool = False) -> ApplyResult:
        """Store the file's project in the database as a new version; does nothing if the newest version is equal."""
        with AppliedProject.open(file, database, os.environ, SystemClock()) as applied:
            return applied.apply(dry_run=dry_run)

    @staticmethod
    def export(file: Path | None = None, database: str | None = None) -> str:
        """The applied project as YAML; if none was applied, the project of the file."""
        with AppliedProject.open(file, database, os.environ, SystemClock()) as applied:
            return applied.export()

    @staticmethod
    def versions(file: Path | None = None, database: str | None = None, limit: int = 20) -> list[ProjectVersion]:
        """The versions of the project in the database, newest first."""
        with AppliedProject.open(file, database, os.environ, SystemClock()) as applied:
            return applied.versions(limit)

    @staticmethod
    def templates() -> Mapping[str, Template]:
        """The catalogue of templates, by name."""
        return load_catalogue()

    @staticmethod
    def file_formats() -> Sequence[FileFormat]:
        """The file formats that sources can read."""
        return FORMATS

    @staticmethod
    def column_names(path: Path) -> list[str]:
        """The columns that the header or schema of a file names; empty if it cannot be read."""
        from penstock.sources.source import column_names  # noqa: PLC0415 - imports Arrow

        return column_names(path)

    @staticmethod
    def file_schema() -> dict[str, Any]:
        """The JSON Schema of the project file, for editors."""
        return project_json_schema()

    @staticmethod
    def running_sandbox(*options: str) -> AbstractContextManager[SandboxUrls]:
        """The local sandbox for Custify, which runs during the block. EnvironmentFailure when it does not start."""
        return local_sandbox.running_sandbox(*options)

    @staticmethod
    def sandbox_objects(sandbox: SandboxUrls) -> dict[str, int]:
        """How many objects of each kind have arrived in a sandbox."""
        return local_sandbox.stored_objects(sandbox)

    @staticmethod
    def write_sample_company(folder: Path) -> SampleCompany:
        """Write the data files of a made-up company; some records are wrong on purpose."""
        return local_sandbox.write_sample_company(folder)

    @staticmethod
    def sample_project(data: str, base_url: str, api_key: str) -> str:
        """The project file of the made-up company, whose files are in the folder `data`."""
        return local_sandbox.sample_project(data, base_url, api_key)

    @cached_property
    def _operations(self) -> Operations:
        """The use-cases that read records or call the API; imports Arrow, DuckDB and aiohttp, so only when needed."""
        from penstock.usecases.operations import Operations  # noqa: PLC0415 - see above

        return Operations(lambda: self._ctx, self._shared_budgets)

    def dataset(self, name: str, *, refresh: bool = False) -> DatasetReport:
        """The detected schema of a dataset; `refresh` detects it again."""
        return self._operations.dataset(name, refresh=refresh)

    def identity(
        self,
        dataset: str,
        *,
        most: int = MOST_ENTRIES,
        against: str | None = None,
        announce: Callable[[int, float], None] = lambda _requests, _seconds: None,
    ) -> IdentityReport:
        """Which people of a dataset Custify would hold twice; at most `most` entries of each list.

        `against`: all people of the account of this credential are read; `announce` as in `plan`. Else no request.
        """
        return self._operations.identity(dataset, most=most, against=against, announce=announce)

    def people_of(self, destination: str) -> tuple[str, IdentityReport | None]:
        """A destination's dataset and the numbers of its identity report; None if it sends no people. No request."""
        return self._operations.people_of(destination)

    def set_credential(self, name: str, secret: str) -> None:
        """Seal the API key of a credential in the state database."""
        connection.set_key(self._ctx, name, secret)

    def check(self, credential: str, *, refresh: bool = False) -> CheckReport:
        """Check with the API whether the credential works, and find its base URL."""
        return self._operations.check(credential, refresh=refresh)

    def preview(self, destination: str, *, limit: int | None = 5, everything: bool = False) -> Preview:
        """The requests for the cached samples, or for the whole dataset. Sends nothing; reads sources of Custify."""
        return self._operations.preview(destination, limit=limit, everything=everything)

    def test(self, destination: str, *, sample: int = 1, body: str | None = None) -> TestReport:
        """Send the request of the `sample`-th sample record (from 1), or the edited `body`, now."""
        return self._operations.test(destination, sample=sample, body=body)

    def approved_deletions(self, target: str, hash_: str) -> Mapping[str, str]:
        """The destinations whose deletions a hash approves, each with its own hash. InputError if it approves none."""
        return self._operations.approved_deletions(target, hash_)

    def plan(
        self,
        target: str,
        *,
        begins_at: str | None = None,
        exact: bool = False,
        announce: Callable[[int, float], None] = lambda _requests, _seconds: None,
        limit: int | None = None,
    ) -> PlanReport:
        """What `run` of this destination or flow would do now; `begins_at` and `limit` as in `run`.

        `exact`: Custify is read, to count which of the records exist there; `announce` is called with the number of
        requests and the seconds that this takes, before the most of them.
        """
        return self._operations.plan(target, begins_at=begins_at, exact=exact, announce=announce, limit=limit)

    def plan_flow(self, flow: str, *, exact: bool = False) -> PlanReport:
        """What `run` of this flow would do now, also if a destination has the same name."""
        return self._operations.plan_flow(flow, exact=exact)

    def run(  # noqa: PLR0913 - the options of the command
        self,
        target: str,
        *,
        wait: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
        begins_at: str | None = None,
        allow_deletes: str | None = None,
        limit: int | None = None,
    ) -> RunReport:
        """Run a destination or flow, or continue its unfinished run.

        `wait`: wait while another run holds the destination. `listener` is called with the progress a few times a
        second. `handle_signals`: SIGINT and SIGTERM stop the run after its requests in flight. `begins_at`: read a
        source with a cursor again, from `start` or from a value of the cursor. `allow_deletes`: the hash of a plan,
        which approves that exactly its deletions are carried out. `limit`: stop when so many records of a destination
        are sent; the next run with a limit begins behind them.
        """
        how = {"wait": wait, "handle_signals": handle_signals, "limit": limit}
        return self._operations.run(target, listener, begins_at=begins_at, allow_deletes=allow_deletes, **how)

    def stopped_by_canary(self, target: str) -> Mapping[str, str]:
        """The destinations of which a run of the target goes past a canary: their name → the run that it stopped."""
        return runs.stopped_by_canary(self._ctx, target)

    def activate(self, destination: str, *, by: str = COMMAND_LINE) -> None:
        """Let runs send to this destination."""
        self.edits.activate(destination, author=by, compile_it=self._operations.compile)

    def pause(self, destination: str, *, by: str = COMMAND_LINE) -> None:
        """Stop runs from sending to this destination, until it is activated again."""
        self.edits.pause(destination, author=by)

    def runs(self, *, run: str | None = None, limit: int = 50) -> list[RunReport]:
        """The runs, newest first, or the run `run`."""
        return runs.listed(self._ctx, run, limit)

    def deliveries(self, run: str) -> list[DeliveryReport]:
        """The requests of a run; for a flow, those of its destinations."""
        return runs.deliveries_of(self._ctx, run)

    def quarantine(self, *, destination: str | None = None, cause: str | None = None) -> list[QuarantineEntry]:
        """The records in quarantine."""
        return quarantine_entries.listing(self._ctx, destination=destination, cause=cause)

    def quarantined(self, entry: str) -> QuarantineDetail:
        """One record in quarantine, with its record, last request and last reply."""
        return quarantine_entries.shown(self._ctx, entry)

    def preview_quarantined(self, entry: str) -> Preview:
        """The requests that a resend of this record in quarantine would make."""
        return self._operations.preview_quarantined(entry)

    def edit(self, entry: str, *, changes: Mapping[str, Any] | None = None, record: Any = None) -> QuarantineDetail:
        """Change a record in quarantine: set members by dotted paths, or replace the whole record."""
        return quarantine_entries.edit(self._ctx, entry, changes=changes, record=record)

    def edit_texts(self, entry: str, texts: Mapping[str, str]) -> QuarantineDetail:
        """Set members of a record in quarantine from texts, which are parsed by the type of their column."""
        return self.edit(entry, changes=self._operations.typed_changes(entry, texts))

    def resend(
        self,
        entries: Sequence[str] = (),
        *,
        cause: str | None = None,
        everything: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
    ) -> list[RunReport]:
        """Send records in quarantine now, in one new run per destination."""
        how = {"everything": everything, "handle_signals": handle_signals}
        return self._operations.resend(entries, listener, cause=cause, **how)

    def discard(
        self,
        entries: Sequence[str] = (),
        *,
        cause: str | None = None,
        everything: bool = False,
        reason: str = "",
        on_progress: quarantine_entries.OnProgress = quarantine_entries.ignore_progress,
    ) -> int:
        """Discard these versions and return their number. Calls `on_progress` with (done, total)."""
        return quarantine_entries.discard(
            self._ctx, entries, cause=cause, everything=everything, reason=reason, on_progress=on_progress
        )

    def settle_destination(
        self, destination: str, *, listener: Listener | None = None, handle_signals: bool = False
    ) -> SettleReport:
        """Find out what became of the unknown records of a destination, and send again what did not arrive."""
        return self._operations.settle_destination(destination, listener, handle_signals=handle_signals)

    def reconcile(
        self,
        destination: str,
        *,
        fix: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
    ) -> tuple[ReconcileReport, RunReport]:
        """Compare what Custify has with what a destination has sent; `fix` sends again what differs or is missing.

        Waits for another comparison of the destination, and with `fix` for its runs.
        """
        return self._operations.reconcile(destination, listener, fix=fix, handle_signals=handle_signals)

    def settle(self, entry: str, *, delivered: bool) -> None:
        """Remember an unknown record as sent, because a person saw that it arrived."""
        self._operations.settle(entry, delivered=delivered)
