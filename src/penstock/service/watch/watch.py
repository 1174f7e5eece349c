"""`Watch`: the health, the metrics and the alerts of the service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.clock import iso
from penstock.model.errors import PenstockError, Problem
from penstock.run.context import Context
from penstock.service.documents import AlertSettings
from penstock.service.model import Alert
from penstock.service.store import alerts, figures, pauses
from penstock.service.store.pauses import FeedPause
from penstock.service.watch import alert_settings
from penstock.service.watch import alerts as watch_alerts
from penstock.service.watch.metrics import Metrics
from penstock.store.database import upsert
from penstock.store.runs import timeseries
from penstock.store.service_tables import tallies as table

LOOK_AGAIN_S = 2.0  # earlier calls get the last result, because each check writes to the database
AT_ONCE = 20_000  # rows of the ledger that one transaction adds up
Alive = Callable[[], str | None]


@dataclass(slots=True)
class Watch:
    """The use-cases of monitoring. `ctx` returns the context with the current project."""

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
        """Make readiness depend on a part of this process; `alive` returns what is wrong with it, or None."""
        self._alive.append(alive)

    def not_ready(self) -> tuple[Problem, ...]:
        """The problems because of which this process should get no requests now; empty when it is ready."""
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
        """Channels and rules; the URLs of channels are masked."""
        return alert_settings.read(self.ctx())

    def set_alerts(
        self, document: Mapping[str, Any], *, by: str, guard: Callable[[AlertSettings], None] = lambda _: None
    ) -> AlertSettings:
        """Replace channels and rules. `guard` receives the present settings, and raises if the writer read others."""
        return alert_settings.write(self.ctx(), document, by=by, guard=guard)

    def try_channels(self, only: str | None = None) -> dict[str, str | None]:
        """Send a test message to every channel, or to one; returns for each channel why it failed, or None."""
        ctx, channels = self.ctx(), self.alert_settings().channels
        if only is not None and only not in channels:
            raise ctx.unknown("channel", only, channels)
        title, body = "Penstock: test message", "This channel will receive alerts."
        return {
            name: watch_alerts.send(ctx, name, title, body, tuple(channel.allowed_hosts))
            for name, channel in channels.items()
            if only in {None, name}
        }

    def alerts(self) -> list[Alert]:
        """All alerts: the raised ones first, then those that are over, each newest first."""
        with self.ctx().database.read() as conn:
            found = alerts.all_alerts(conn)
        return sorted(found.values(), key=lambda alert: (alert.state == "raised", alert.since), reverse=True)

    def tick(self) -> None:
        """Add up the ledger, check the alerts, and send messages. To be called every few seconds.

        Raises EnvironmentFailure when the state is unavailable.
        """
        ctx = self.ctx()
        self.fold()
        watch_alerts.look(ctx)
        watch_alerts.deliver(ctx)

    def fold(self) -> None:
        """Add up the new rows of the ledger, so that metrics and statistics stay cheap."""
        more = True
        while more:  # a long ledger that was never added up, in parts, so that others can write in between
            with self.ctx().database.begin() as conn:
                timeseries.fold_deliveries(conn)
                more = timeseries.fold(conn, AT_ONCE)


def _paused(pause: FeedPause) -> Problem:
    """The problem of a feed that fails, without the reason: readiness is public, the reason only for viewers."""
    message = f"records posted for {pause.target} have not been sent since {pause.since}, because its runs fail"
    hint = f"the page of the source {pause.sources[0]} shows why, and the time of the next attempt"
    return Problem(f"{pause.kind}s.{pause.target}", message, "feed-paused", hint)


def _trouble(ctx: Context) -> list[Problem]:
    """The problems with the state database, and the feeds that are paused."""
    try:
        with ctx.database.begin() as conn:
            upsert(conn, table, {"name": "asked", "labels": "[]", "value": ctx.clock.now().timestamp()})
            current = figures.schema_is_current(conn)
            paused = pauses.all_pauses(conn) if current else {}
    except PenstockError as error:
        return list(error.problems)
    if current:
        return [_paused(pause) for pause in paused.values()]
    message = f"the state database has another schema than this process (checked at {iso(ctx.clock.now())})"
    return [Problem(ctx.database.place, message, "other-schema", "restart this process with the newer Penstock")]
