"""`Watch`: the health, the metrics and the alerts of the service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.clock import iso
from penstock.model.errors import PenstockError, Problem
from penstock.run.context import Context
from penstock.service.alert_document import AlertSettings
from penstock.service.model import Alert
from penstock.service.store import alerts, figures, pauses
from penstock.service.store.pauses import FeedPause
from penstock.service.watch import alert_settings
from penstock.service.watch import alerts as watch_alerts
from penstock.service.watch.metrics import Metrics
from penstock.store.database import upsert
from penstock.store.runs import timeseries
from penstock.store.service_tables import tallies as table

LOOK_AGAIN_S = 2.0  # more frequent calls get the last answer, because each check writes to the database
AT_ONCE = 20_000  # rows of the ledger that are added up in one transaction
Alive = Callable[[], str | None]


@dataclass(slots=True)
class Watch:
    """The use-cases of monitoring. `ctx` returns the present project and its state."""

    ctx: Callable[[], Context]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _judged: tuple[float, tuple[Problem, ...]] | None = None
    _metrics: Metrics | None = None
    _alive: list[Alive] = field(default_factory=list)

    @property
    def metrics(self) -> Metrics:
        """The metrics of this process."""
        with self._lock:
            if self._metrics is None:
                self._metrics = Metrics(self.ctx)
            return self._metrics

    def belongs(self, alive: Alive) -> None:
        """A part that this process cannot do without; `alive` answers what is wrong with it, or None."""
        self._alive.append(alive)

    def not_ready(self) -> tuple[Problem, ...]:
        """Why no work should be given to this process now; nothing when it is ready."""
        ctx = self.ctx()
        with self._lock:
            now = ctx.clock.monotonic()
            if self._judged is None or now - self._judged[0] >= LOOK_AGAIN_S:
                self._judged = (now, tuple(_trouble(ctx)))
            state = self._judged[1]
        parts = [alive() for alive in self._alive]
        hint = "see the log of this process"
        return (*state, *(Problem("worker", wrong, "not-alive", hint) for wrong in parts if wrong is not None))

    def alert_settings(self) -> AlertSettings:
        """Channels and rules; of a channel's URL only what may be seen."""
        return alert_settings.read(self.ctx())

    def set_alerts(
        self, document: Mapping[str, Any], *, by: str, guard: Callable[[AlertSettings], None] = lambda _: None
    ) -> AlertSettings:
        """Write channels and rules; `guard` raises when the present settings are not those that the writer read."""
        return alert_settings.write(self.ctx(), document, by=by, guard=guard)

    def try_channels(self, only: str | None = None) -> dict[str, str | None]:
        """Send a message to every channel, or to one, now: by channel why it did not go, or None."""
        ctx, channels = self.ctx(), self.alert_settings().channels
        if only is not None and only not in channels:
            raise ctx.unknown("channel", only, channels)
        title, body = "Penstock: a trial", "This channel is told when something needs a person."
        return {
            name: watch_alerts.send(ctx, name, title, body, tuple(channel.allowed_hosts))
            for name, channel in channels.items()
            if only in {None, name}
        }

    def alerts(self) -> list[Alert]:
        """Every alert that is, and those that were; those that are first, the newest first."""
        with self.ctx().database.read() as conn:
            found = alerts.all_alerts(conn)
        return sorted(found.values(), key=lambda alert: (alert.state == "raised", alert.since), reverse=True)

    def tick(self) -> None:
        """What a service does every few seconds: add up, judge, report. Raises EnvironmentFailure."""
        ctx = self.ctx()
        self.fold()
        watch_alerts.look(ctx)
        watch_alerts.deliver(ctx)

    def fold(self) -> None:
        """Add up what is new in the ledger, so that metrics and figures stay cheap."""
        more = True
        while more:  # a long ledger, of a state that was never added up, part by part: others write, too
            with self.ctx().database.begin() as conn:
                timeseries.fold_deliveries(conn)
                more = timeseries.fold(conn, AT_ONCE)


def _paused(pause: FeedPause) -> Problem:
    """A feed that fails. Readiness is public: the reason is only for people who may see the source."""
    message = f"the records posted for {pause.target} are not sent since {pause.since}: its runs fail"
    hint = f"the page of the source {pause.sources[0]} says why, and when the next run is tried"
    return Problem(f"{pause.kind}s.{pause.target}", message, "feed-paused", hint)


def _trouble(ctx: Context) -> list[Problem]:
    """What is wrong with the state database, and the feeds that are paused."""
    try:
        with ctx.database.begin() as conn:
            upsert(conn, table, {"name": "asked", "labels": "[]", "value": ctx.clock.now().timestamp()})
            current = figures.schema_is_current(conn)
            paused = pauses.all_pauses(conn) if current else {}
    except PenstockError as error:
        return list(error.problems)
    if current:
        return [_paused(pause) for pause in paused.values()]
    message = f"the state database is of another version than this process, seen at {iso(ctx.clock.now())}"
    return [Problem(ctx.database.place, message, "other-schema", "restart this process with the newer Penstock")]
