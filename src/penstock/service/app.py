"""`ServiceApp`: the entry point to every use-case of a service, for REST and the service's commands."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from penstock.app import App
from penstock.clock import Clock, SystemClock
from penstock.model.events import Events
from penstock.model.outcome import Note
from penstock.model.reach import CodePolicy
from penstock.model.record import RefusedRecord
from penstock.model.reports import PreviewedRequest
from penstock.model.runs import RunJson
from penstock.run.context import Context
from penstock.service.demo import Demo
from penstock.service.documents import StateJson
from penstock.service.intake.intake import Intake
from penstock.service.intake.uploads import Uploads
from penstock.service.model import Erased, EraseRequest
from penstock.service.overview import overview
from penstock.service.overview.overview import Overview
from penstock.service.people.people import People
from penstock.service.replays import Replays
from penstock.service.work.reconciliations import Reconciliations
from penstock.service.work.requests import WorkRequests
from penstock.service.work.schedules import Schedules
from penstock.service.work.worker import Worker
from penstock.store.project import resources
from penstock.usecases.applied_project.applied_project import open_applied_state
from penstock.usecases.applied_project.reach import reach_of
from penstock.usecases.quarantine import QuarantinePages, by_destination

if TYPE_CHECKING:
    from penstock.service.care.care import Care, Caretaker
    from penstock.service.overview.overview import OverviewCache
    from penstock.service.watch.watch import Watch
    from penstock.service.work.discards import Discards
    from penstock.usecases.unsaved import UnsavedSettings


class ServiceApp(App):
    """The App with the use-cases of a service. Each part is created at its first use."""

    @classmethod
    def open_applied(
        cls, database: str, *, environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> Self:
        """The app of a service with the applied project, or an empty one of version 0 if none was applied.

        The project's reach is bounded (`model.reach`). `reload` loads the newest version of the project.
        """
        environ = os.environ if environ is None else environ
        project, version, opened = open_applied_state(database, environ, shared=True)
        reach = reach_of(opened, environ, in_service=True)
        return cls(Context(project, opened, clock or SystemClock(), environ, reach, version))

    def with_code(self, code: CodePolicy) -> ServiceApp:
        """The same app, where grouping code runs only by this policy."""
        made = ServiceApp(replace(self._ctx, code=code))
        made._shared_budgets = self._shared_budgets
        return made

    @staticmethod
    def care_of(file: Path | None = None, database: str | None = None) -> Care:
        """Backup, restore, retention, key rotation and diagnosis of a state, which may be missing or damaged."""
        from penstock.service.care.care import Care  # noqa: PLC0415 - only for these commands

        return Care.of(file, database, os.environ, SystemClock())

    @property
    def events(self) -> Events:
        """The listener of events, which ignores them unless `emit_to` has set another."""
        return self._ctx.events

    def emit_to(self, events: Events) -> None:
        """Report events to `events` from now on: logs and traces."""
        self._ctx = replace(self._ctx, events=events)

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables of the environment."""
        return self._ctx.environ

    def reload_if_changed(self) -> None:
        """Load the newest version of the applied project if it has changed; cheap enough for every request."""
        self._present()

    def _present(self) -> Context:
        """The context with the newest version of the project."""
        if self._ctx.version is not None:
            with self._ctx.database.read() as conn:
                newest = resources.newest_version_number(conn)
            if newest != self._ctx.version:
                self.reload()
        return self._ctx

    def close(self) -> None:
        for part in ("intake", "demo", "discards", "overview"):
            if part in self.__dict__:
                getattr(self, part).close()
        super().close()

    def samples(self, name: str) -> list[dict[str, Any]]:
        """The sample records stored for a dataset, as JSON values."""
        return self._operations.samples(name)

    def preview_all(self, destination: str) -> Iterator[PreviewedRequest | RefusedRecord | Note]:
        """The requests and refused records of the whole dataset one by one, then the notes. Sends nothing.

        InputError for settings or data that cannot be read, before the first item or between two.
        """
        return self._operations.preview_all(destination)

    def states(self, kind: str, names: Sequence[str]) -> Mapping[str, StateJson]:
        """The states of resources of a kind, by name: `state` in the REST API."""
        return overview.states_of(self._ctx, kind, names)

    def watched(self, environ: Mapping[str, str]) -> AbstractContextManager[None]:
        """Logs, metrics and traces for the block. InputError for an unknown setting in the environment."""
        from penstock.service.watch.watch import watched  # noqa: PLC0415 - loads the metrics library

        return watched(self, environ)

    def request_run(
        self,
        target: str,
        *,
        asked_by: str,
        begins_at: str | None = None,
        allow_deletes: str | None = None,
        limit: int | None = None,
    ) -> RunJson:
        """Request that a worker runs a destination or flow; the arguments are those of `run`. Returns the run.

        Raises what `WorkRequests.enqueue` does, and InputError for a hash that approves nothing and for a target that
        cannot be run with a limit.
        """
        if limit is not None:
            self._operations.require_limit(target, limit, allow_deletes)
        approved = {} if allow_deletes is None else self.approved_deletions(target, allow_deletes)
        trigger = f"person:{asked_by}"
        return self.work.enqueue(
            target, trigger=trigger, asked_by=asked_by, begins_at=begins_at, approved=approved, limit=limit
        )

    def request_resend(self, entries: Sequence[str], *, asked_by: str) -> list[RunJson]:
        """Request that a worker sends records in quarantine; returns the runs."""
        chosen = by_destination(self._ctx, entries)
        return self.work.resend(chosen, trigger=f"person:{asked_by}", asked_by=asked_by)

    def request_settle(self, destination: str, *, asked_by: str) -> RunJson:
        """Request that a worker reads the unknown records of a destination back; returns the run.

        InputError for a draft, a paused destination, and the flat API, which publishes no reads.
        """
        self._operations.require_reads(destination)
        return self.work.settle(destination, trigger=f"person:{asked_by}", asked_by=asked_by)

    def erase(self, wanted: EraseRequest) -> Erased:
        """Remove the values of one record from the state and from the exported ledger, or find them."""
        from penstock.service.care.erasure import erase  # noqa: PLC0415 - imports Psycopg

        return erase(self._present(), wanted)

    def note_erased(self, erased: Erased, file: Path | None, database: str | None) -> None:
        """Write the audit entry of the command `erase`, which names the key by its hash."""
        from penstock.service.people.audit import note_command  # noqa: PLC0415 - only for this command

        names = [f"key {erased.key_hash}", erased.dataset or "", *erased.destinations]
        note_command(("erase",), [name for name in names if name], "ok", file, database)

    @cached_property
    def reconciliations(self) -> Reconciliations:
        """Comparisons with Custify: requests, reports, how often."""

        def require_list(destination: str) -> None:  # a waiting service does not load the operations
            self._operations.require_list(destination)

        return Reconciliations(self._present, self.work, require_list)

    @cached_property
    def unsaved(self) -> UnsavedSettings:
        """Previews, checks and test sends of unsaved settings."""
        return self._operations.unsaved(self._present)

    @cached_property
    def demo(self) -> Demo:
        """The sample company, for a service without a project."""
        return Demo(self._present, self.edits)

    @cached_property
    def work(self) -> WorkRequests:
        """Requests for runs, and their progress."""
        return WorkRequests(self._present)

    def worker(self, **settings: Any) -> Worker:
        """A worker for this project, which the caller starts and stops."""
        ticking = Schedules(self._present, self.work)
        upkeep = (self.discards.resume, self.care.tick, self.reconciliations.tick)
        return Worker(self._present, tick=ticking.tick, feed=self.intake.feed, upkeep=upkeep, **settings)

    @cached_property
    def intake(self) -> Intake:
        """Records posted to webhook sources, and the runs that send them."""
        return Intake(self._present, self.work)

    @cached_property
    def watch(self) -> Watch:
        """Metrics, readiness, alerts."""
        from penstock.service.watch.watch import Watch  # noqa: PLC0415 - loads the metrics library

        return Watch(self._present)

    @cached_property
    def project_overview(self) -> Overview:
        """The graph of the project, statistics, and search."""
        return Overview(self._present)

    @cached_property
    def overview(self) -> OverviewCache:
        """The graph of the project as JSON text."""
        from penstock.service.overview.overview import OverviewCache  # noqa: PLC0415 - only for a service

        return OverviewCache(self._present, self.project_overview.overview)

    @cached_property
    def quarantine_pages(self) -> QuarantinePages:
        """Records in quarantine in pages and groups."""
        return QuarantinePages(self._present)

    @cached_property
    def discards(self) -> Discards:
        """Discards of many records in quarantine, in the background."""
        from penstock.service.work.discards import Discards  # noqa: PLC0415 - only for a service

        return Discards(self._present)

    @cached_property
    def replays(self) -> Replays:
        """Stored responses of requests with an Idempotency-Key."""
        return Replays(self._present)

    @cached_property
    def uploads(self) -> Uploads:
        """Files that people upload for file sources."""
        return Uploads(self._present)

    @cached_property
    def care(self) -> Caretaker:
        """Backup, restore, retention and the other maintenance of the state."""
        from penstock.service.care.care import Caretaker  # noqa: PLC0415 - only for a service

        return Caretaker(self._present)

    @cached_property
    def people(self) -> People:
        """Users, their sign-in, and the callers of the API."""
        at = self._ctx
        return People(at.database, at.clock, at.sealer, environ=at.environ, events=lambda: self.events)
