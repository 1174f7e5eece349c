"""The parts of the App that only a service uses; each is made when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from penstock.engine.answered import Answered
from penstock.engine.intake import Intake
from penstock.engine.mending import Held
from penstock.engine.overview import Sight
from penstock.engine.people import People
from penstock.engine.schedules import Schedules
from penstock.engine.station import Worker
from penstock.engine.surroundings import Surroundings
from penstock.engine.uploads import Uploads
from penstock.engine.work import Work

if TYPE_CHECKING:
    from penstock.engine.care import Caretaker
    from penstock.engine.discards import Discards
    from penstock.engine.overview_cache import OverviewCache
    from penstock.engine.watch import Watch


class ServiceParts:
    """What the App has for the REST API, the worker and the commands around them."""

    _around: Surroundings

    def _present(self) -> Surroundings:
        """The project as it is now."""
        raise NotImplementedError

    @cached_property
    def work(self) -> Work:
        """What is asked to be run, and how it goes."""
        return Work(self._present)

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
        from penstock.engine.watch import Watch  # noqa: PLC0415 - the metrics' library is only for a service

        return Watch(self._present)

    @cached_property
    def sight(self) -> Sight:
        """The whole project at a glance: nodes and edges, figures, search."""
        return Sight(self._present)

    @cached_property
    def overview(self) -> OverviewCache:
        """The nodes and edges as they are sent."""
        from penstock.engine.overview_cache import OverviewCache  # noqa: PLC0415 - only for a service

        return OverviewCache(self._present, self.sight.overview)

    @cached_property
    def held(self) -> Held:
        """Held records in pages and groups."""
        return Held(self._present)

    @cached_property
    def discards(self) -> Discards:
        """Discards of many held records, in the background."""
        from penstock.engine.discards import Discards  # noqa: PLC0415 - only for a service

        return Discards(self._present)

    @cached_property
    def answered(self) -> Answered:
        """Answers to requests that may be asked again."""
        return Answered(self._present)

    @cached_property
    def uploads(self) -> Uploads:
        """Files that people upload for file sources."""
        return Uploads(self._present)

    @cached_property
    def care(self) -> Caretaker:
        """Backup, restore, retention and the other maintenance of the state."""
        from penstock.engine.care import Caretaker  # noqa: PLC0415 - only for a service

        return Caretaker(self._present)

    @cached_property
    def people(self) -> People:
        """Who may sign in, and who asks."""
        at = self._around
        return People(at.database, at.clock, at.sealer, environ=at.environ)
