"""Prometheus metrics: figures of the database, which every process reports alike, and figures of this process.

Labels are names in the project, outcomes, statuses and causes of the quarantine (at most 20 per destination): the
project bounds their number, never the data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from penstock.clock import Clock
from penstock.model.outcome import Outcome
from penstock.run.context import Context, active_names
from penstock.service.store import figures
from penstock.store.runs import timeseries
from penstock.store.runs.reconciliations import Drift, drifts
from penstock.store.runs.timeseries import BUCKETS_MS, Tally
from penstock.version import __version__

GOOD = ("succeeded",)
CACHED_S = 2.0  # for which the result of the queries is reused
OPEN = frozenset({Outcome.ACCEPTED.value, Outcome.UNSENT.value})
Counts = dict[str, dict[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Seen:
    """The figures of the database at one moment."""

    counts: Counts
    quarantined: list[figures.QuarantineCount]
    budgets: list[figures.BudgetUse]
    ended: Mapping[str, tuple[str, str]]
    good: Mapping[str, tuple[str, str]]
    queue: Mapping[str, int]
    oldest: str | None
    received: Mapping[str, int]
    alerts: Mapping[str, int]
    active: frozenset[str]
    drift: Mapping[str, Drift]


class StateCollector(Collector):
    """Reads the database when metrics are collected."""

    def __init__(self, ctx: Callable[[], Context]) -> None:
        self._ctx = ctx
        self._lock = threading.Lock()
        self._cached: tuple[float, list[Metric]] | None = None

    def describe(self) -> list[Metric]:
        """Returns nothing, so that the registry does not query the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        ctx = self._ctx()
        with self._lock:
            now = ctx.clock.monotonic()
            if self._cached is None or now - self._cached[0] >= CACHED_S:
                self._cached = (now, list(_families(_seen(ctx), ctx.clock)))
            yield from self._cached[1]


def _seen(ctx: Context) -> Seen:
    with ctx.database.read() as conn:
        counts = timeseries.all_counts(conn)
        for more in (timeseries.run_counts(conn), timeseries.new_deliveries(conn, timeseries.folded(conn))):
            for name, values in more.items():
                known = counts.setdefault(name, {})
                for labels, value in values.items():
                    known[labels] = known.get(labels, 0.0) + value
        quarantined, budgets = figures.quarantine_counts(conn), figures.budget_use(conn)
        queue, oldest = figures.queue_figures(conn)
        received, alerts = figures.received(conn), figures.raised_alerts(conn)
        ended, good = (figures.last_ended(conn, ctx.project.destinations, words) for words in (figures.COMPLETED, GOOD))
        drift = {name: found for name, found in drifts(conn).items() if name in ctx.project.destinations}
    active = active_names(ctx)
    return Seen(counts, quarantined, budgets, ended, good, queue, oldest, received, alerts, active, drift)


def _families(seen: Seen, clock: Clock) -> Iterator[Metric]:
    info = GaugeMetricFamily("penstock_info", "The version of Penstock", labels=["version"])
    info.add_metric([__version__], 1)
    yield info
    yield from _counted(seen.counts)
    yield from _waiting(seen, clock)
    yield from _lag(seen, clock)
    yield from _drift(seen.drift)
    yield from _allowances(seen, clock)


def _counted(counts: Counts) -> Iterator[Metric]:
    for name, about, labels in (
        ("requests", "HTTP requests of runs, including retries", ["destination"]),
        ("retries", "Requests that were repeated", ["destination"]),
        ("deliveries", "Deliveries by status of the last reply; `lost`: no reply", ["destination", "status"]),
    ):
        family = CounterMetricFamily(f"penstock_{name}", about, labels=labels)
        for values, number in sorted(counts.get(name, {}).items()):
            family.add_metric(values, number)
        yield family
    yield from _records(counts.get("records", {}))
    yield _runs(counts.get("runs", {}))
    yield _latency(counts.get("buckets", {}), counts.get("seconds", {}))


def _records(records: Tally) -> Iterator[Metric]:
    """Final outcomes are counters; others are gauges."""
    labels = ["destination", "outcome"]
    final = CounterMetricFamily("penstock_records", "Records by final outcome", labels=labels)
    still = GaugeMetricFamily("penstock_records_open", "Records whose outcome can still change", labels=labels)
    for values, number in sorted(records.items()):
        if values[1] != "read":
            (still if values[1] in OPEN else final).add_metric(values, number)
    yield from (final, still)


def _runs(runs: Tally) -> Metric:
    family = GaugeMetricFamily("penstock_runs", "Runs by status", labels=["kind", "target", "status"])
    for values, number in sorted(runs.items()):
        family.add_metric(values, number)
    return family


def _latency(buckets: Tally, seconds: Tally) -> Metric:
    about = "Duration of the attempts of a delivery, without the pauses between them"
    family = HistogramMetricFamily("penstock_delivery_seconds", about, labels=["destination"])
    for destination in sorted({labels[0] for labels in buckets}):
        total, rows = 0.0, []
        for bound in (*(str(ms / 1000) for ms in BUCKETS_MS), "+Inf"):
            total += buckets.get((destination, bound), 0.0)
            rows.append((bound, total))
        family.add_metric([destination], rows, seconds.get((destination,), 0.0))
    return family


def _waiting(seen: Seen, clock: Clock) -> Iterator[Metric]:
    about = "Records in quarantine"
    family = GaugeMetricFamily("penstock_quarantine_records", about, labels=["destination", "outcome", "cause"])
    for group in seen.quarantined:
        family.add_metric([group.destination, group.outcome, group.cause], group.records)
    yield family
    for name, about, label, numbers in (
        ("queue_runs", "Requested runs that have not ended", "state", seen.queue),
        ("alerts", "Raised alerts", "kind", seen.alerts),
    ):
        family = GaugeMetricFamily(f"penstock_{name}", about, labels=[label])
        for value, number in sorted(numbers.items()):
            family.add_metric([value], number)
        yield family
    age = 0.0 if seen.oldest is None else max(0.0, (clock.now() - moment(seen.oldest)).total_seconds())
    yield GaugeMetricFamily("penstock_queue_oldest_seconds", "Age of the oldest run that no worker has taken", age)
    taken = CounterMetricFamily("penstock_intake_received", "Records received by webhook", labels=["source"])
    for source, number in sorted(seen.received.items()):
        taken.add_metric([source], number)
    yield taken


def _lag(seen: Seen, clock: Clock) -> Iterator[Metric]:
    now = clock.now()
    active = GaugeMetricFamily("penstock_destination_active", "1: the destination is active", labels=["destination"])
    lag = GaugeMetricFamily(
        "penstock_destination_lag_seconds",
        "Age of the data that was sent last: seconds since the start of the last run that ended",
        labels=["destination"],
    )
    success = GaugeMetricFamily(
        "penstock_last_success_timestamp_seconds",
        "End of the last successful run of the destination, in epoch seconds",
        labels=["destination"],
    )
    for name in sorted(seen.active):
        active.add_metric([name], 1)
        if name in seen.ended:
            lag.add_metric([name], max(0.0, (now - moment(seen.ended[name][0])).total_seconds()))
    for name, (_, finished) in sorted(seen.good.items()):
        success.add_metric([name], moment(finished).timestamp())
    yield from (active, lag, success)


def _drift(drift: Mapping[str, Drift]) -> Iterator[Metric]:
    """Of the last comparison of each destination with Custify."""
    labels = ["destination"]
    about = "Records that differ in Custify from what was sent, or are missing, at the last comparison"
    drifted = GaugeMetricFamily("penstock_drift_records", about, labels=labels)
    about = "When Custify was read for the last comparison, in epoch seconds"
    compared = GaugeMetricFamily("penstock_last_reconcile_timestamp_seconds", about, labels=labels)
    for name, found in sorted(drift.items()):
        drifted.add_metric([name], found.drifted)
        compared.add_metric([name], moment(found.at).timestamp())
    yield from (drifted, compared)


def _allowances(seen: Seen, clock: Clock) -> Iterator[Metric]:
    now = clock.now().timestamp()
    used = GaugeMetricFamily(
        "penstock_budget_used_ratio", "Used share of the current window of the rate limit", labels=["credential"]
    )
    limit = GaugeMetricFamily("penstock_budget_limit", "Requests per window of the rate limit", labels=["credential"])
    blocked = GaugeMetricFamily(
        "penstock_budget_blocked_seconds", "Seconds until requests are allowed again after a 429", labels=["credential"]
    )
    for budget in seen.budgets:
        used.add_metric([budget.credential], budget.used_share(now))
        limit.add_metric([budget.credential], budget.quota)
        blocked.add_metric([budget.credential], budget.blocked_s(now))
    yield from (used, limit, blocked)


def moment(text: str) -> datetime:
    """A time from the database."""
    return datetime.fromisoformat(text)


class Metrics:
    """The registry of one process."""

    def __init__(self, ctx: Callable[[], Context]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(StateCollector(ctx))
        ProcessCollector(registry=self._registry)
        self.events = Counter("penstock_events", "Events reported by this process", ["event"], registry=self._registry)
        self.attempts = Histogram(
            "penstock_attempt_seconds",
            "Duration of the single requests of this process",
            ["credential", "status"],
            buckets=[ms / 1000 for ms in BUCKETS_MS],
            registry=self._registry,
        )
        self.answers = Histogram(
            "penstock_http_request_seconds",
            "Duration of the HTTP requests that this process served",
            ["method", "route", "status"],
            registry=self._registry,
        )

    def register(self, collector: Any) -> None:
        """Add the metrics of another part of the program."""
        self._registry.register(collector)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics in the format that `accept` requests, and its content type."""
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind
