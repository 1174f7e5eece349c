"""`ServiceParts`: the parts of `App` that only a service uses. Each is made on its first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from penstock.run.context import Context
from penstock.service.intake.intake import Intake
from penstock.service.intake.uploads import Uploads
from penstock.service.overview.overview import Overview
from penstock.service.people.people import People
from penstock.service.replays import Replays
from penstock.service.work.requests import WorkRequests
from penstock.service.work.schedules import Schedules
from penstock.service.work.worker import Worker
from penstock.usecases.quarantine import QuarantinePages

if TYPE_CHECKING:
    from penstock.service.care.care import Caretaker
    from penstock.service.overview.overview import OverviewCache
    from penstock.service.watch.watch import Watch
    from penstock.service.work.discards import Discards


class ServiceParts:
    """What the App has for the REST API, the worker and the commands around them."""

    _ctx: Context

    def _present(self) -> Context:
        """The project as it is now."""
        raise NotImplementedError

    @cached_property
    def work(self) -> WorkRequests:
        """Requests to run something, and their progress."""
        return WorkRequests(self._present)

    def worker(self, **settings: Any) -> Worker:
        """A worker on this project, to be started and stopped."""
        ticking = Schedules(self._present, self.work)
        upkeep = (self.discards.resume, self.care.tick)
        return Worker(self._present, tick=ticking.tick, feed=self.intake.feed, upkeep=upkeep, **settings)

    @cached_property
    def intake(self) -> Intake:
        """Records that others post, and where they go."""
        return Intake(self._present, self.work)

    @cached_property
    def watch(self) -> Watch:
        """Metrics, readiness, alerts."""
        from penstock.service.watch.watch import Watch  # noqa: PLC0415 - the metrics' library is only for a service

        return Watch(self._present)

    @cached_property
    def sight(self) -> Overview:
        """The whole project at a glance: nodes and edges, figures, search."""
        return Overview(self._present)

    @cached_property
    def overview(self) -> OverviewCache:
        """The nodes and edges as they are sent."""
        from penstock.service.overview.overview import OverviewCache  # noqa: PLC0415 - only for a service

        return OverviewCache(self._present, self.sight.overview)

    @cached_property
    def held(self) -> QuarantinePages:
        """Records in quarantine in pages and groups."""
        return QuarantinePages(self._present)

    @cached_property
    def discards(self) -> Discards:
        """Discards of many records in quarantine, in the background."""
        from penstock.service.work.discards import Discards  # noqa: PLC0415 - only for a service

        return Discards(self._present)

    @cached_property
    def answered(self) -> Replays:
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
        """People, their sign-in, and the callers of the API."""
        at = self._ctx
        return People(at.database, at.clock, at.sealer, environ=at.environ)
