"""The rules of alerts: a pure function that turns facts, rules and known alerts into alerts and messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Literal, TypeGuard

from penstock.model.outcome import EMPTY, GONE, NOT_SENT, Note, is_column_change
from penstock.model.text import visible
from penstock.service.documents import RulesDocument
from penstock.service.model import Alert
from penstock.service.store.figures import COMPLETED, RunFigures
from penstock.store.runs.reconciliations import Drift

MOST_COLUMNS = 10  # that an alert names
LEAST_USUAL = 20  # records; the volume of smaller runs is not checked


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """A destination. `idle_s` is the time since its last change, `runs` are its latest runs, newest first,
    `quarantined` is the number of its records in quarantine, `notes` are those of its latest succeeded or partial run,
    `drift` is that of its last comparison with Custify.
    """

    name: str
    credential: str
    active: bool
    idle_s: float | None
    runs: tuple[RunFigures, ...]
    quarantined: int
    notes: tuple[Note, ...] = ()
    drift: Drift | None = None


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """A flow: its destinations, and its own latest runs, newest first."""

    name: str
    destinations: tuple[str, ...]
    runs: tuple[RunFigures, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that the rules check. `waiting_s` is the age of the oldest run that no worker has taken."""

    now: datetime
    targets: tuple[TargetFacts, ...] = ()
    waiting_s: float | None = None
    flows: tuple[FlowFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertChange:
    """A message about an alert: it was raised, is still raised, or is over."""

    what: Literal["raised", "still", "over"]
    alert: Alert


Finding = tuple[str, str, str]  # kind, subject, reason


def judge(facts: Facts, rules: RulesDocument, known: Mapping[str, Alert]) -> tuple[list[AlertChange], dict[str, Alert]]:
    """The messages to send now, and all alerts after them.

    A message is sent when an alert is raised, when it is over, and every `repeat_hours` in between.
    """
    found = {f"{kind}:{subject}": (kind, subject, reason) for kind, subject, reason in findings(facts, rules)}
    news: list[AlertChange] = []
    after: dict[str, Alert] = {}
    for name in sorted(known.keys() | found.keys()):
        alert = _updated(name, known.get(name), found.get(name), facts.now)
        what = _message_kind(alert, rules, facts.now)
        if what is not None:
            alert = replace(alert, reported=alert.state, reported_at=facts.now)
            news.append(AlertChange(what, alert))
        after[name] = alert
    return news, after


def _updated(name: str, known: Alert | None, found: Finding | None, now: datetime) -> Alert:
    if found is None:
        assert known is not None
        return known if known.state == "over" else replace(known, state="over", over_at=now)
    kind, subject, reason = found
    if known is None:
        return Alert(name, kind, subject, "raised", reason, now)
    if known.state == "raised":
        return replace(known, reason=reason)
    return replace(known, state="raised", reason=reason, since=now, over_at=None)


def _message_kind(alert: Alert, rules: RulesDocument, now: datetime) -> Literal["raised", "still", "over"] | None:
    since_report = None if alert.reported_at is None else now - alert.reported_at
    if alert.reported != alert.state:
        if alert.reported is None and alert.state == "over":
            return None  # it was never reported as raised
        if since_report is not None and since_report < timedelta(minutes=rules.calm_minutes):
            return None  # an alert that changes often is reported less often
        return "raised" if alert.state == "raised" else "over"
    if alert.state == "raised" and since_report is not None and since_report >= timedelta(hours=rules.repeat_hours):
        return "still"
    return None


def findings(facts: Facts, rules: RulesDocument) -> Iterator[Finding]:
    """All conditions that raise an alert now."""
    if _is_long(facts.waiting_s, rules.waiting_minutes):
        yield "worker", "queue", f"a run has waited for {_span(facts.waiting_s)} without a worker"
    refused = {}
    for target in facts.targets:
        newest = target.runs[0] if target.runs else None
        if newest is not None and newest.stopped_by == "credential" and rules.credential_refused:
            refused[target.credential] = f"the API refused the credential in run {newest.run} of {target.name}"
        if target.active:
            yield from _of_target(target, rules)
            yield from _of_drift(target, rules)
    for credential, reason in refused.items():
        yield "credential", credential, reason
    if rules.run_failed:
        yield from _of_flows(facts)


def _of_flows(facts: Facts) -> Iterator[Finding]:
    """Flows that failed although none of their destinations did; a failed destination has its own alert."""
    failed = {target.name for target in facts.targets if (last := _last_ended(target.runs)) and last.status == "failed"}
    for flow in facts.flows:
        newest = _last_ended(flow.runs)
        if newest is not None and newest.status == "failed" and not failed & set(flow.destinations):
            yield "flow", flow.name, f"run {newest.run} failed: {newest.reason or newest.stopped_by or 'an error'}"


def _last_ended(runs: Sequence[RunFigures]) -> RunFigures | None:
    return next((run for run in runs if run.status not in {"queued", "running"}), None)


def _of_target(target: TargetFacts, rules: RulesDocument) -> Iterator[Finding]:
    name = target.name
    if _is_long(target.idle_s, rules.stalled_minutes):
        yield "stalled", name, f"active, but no records were read for {_span(target.idle_s)}"
    if rules.quarantine_more is not None and target.quarantined > rules.quarantine_more:
        yield "quarantine", name, f"{target.quarantined} records are in quarantine"
    ended = [run for run in target.runs if run.status in COMPLETED]
    if ended:
        if rules.columns_changed:
            yield from _of_columns(ended[0], target.notes)
        yield from _of_volume(ended, rules)
        yield from _of_errors(ended[0], rules)
    newest = _last_ended(target.runs)
    if newest is None or newest.stopped_by == "credential":
        return
    if rules.run_failed and newest.status == "failed":
        why = f": {newest.reason}" if newest.reason else f", stopped by {newest.stopped_by or 'an error'}"
        yield "run", name, f"run {newest.run} failed{why}"
    if rules.run_partial and newest.status == "partial":
        counts = f"{newest.quarantined} quarantined, {newest.unknown} unknown"
        yield "run", name, f"run {newest.run} ended with status partial: {counts}"


def _of_drift(target: TargetFacts, rules: RulesDocument) -> Iterator[Finding]:
    """What was changed in Custify, as the last comparison has found it."""
    drift = target.drift
    if rules.drift and drift is not None and drift.drifted:
        words = f"{drift.drifted} records differ in Custify from what was sent, or are missing"
        yield "drift", target.name, f"{words} ({drift.at[:16].replace('T', ' ')} UTC)"


def _of_columns(run: RunFigures, notes: Sequence[Note]) -> Iterator[Finding]:
    """Columns that were added to or removed from the source since its dataset was first read."""
    changes = [note for note in notes if is_column_change(note)]
    words = {NOT_SENT: "new, not sent: {}", GONE: "no longer in the source: {}", EMPTY: "without any value: {}"}
    parts = []
    for action, text in words.items():
        names = [visible(note.field) for note in changes if note.action == action]
        more = len(names) - MOST_COLUMNS
        shown = ", ".join(names[:MOST_COLUMNS]) + (f" and {more} more" if more > 0 else "")
        parts += [text.format(shown)] if names else []
    if parts:
        yield "columns", run.target, f"columns changed in run {run.run}: {'; '.join(parts)}"


def _of_volume(ended: list[RunFigures], rules: RulesDocument) -> Iterator[Finding]:
    newest, before = ended[0], [run.read for run in ended[1 : 1 + rules.volume_runs]]
    if len(before) < rules.volume_runs:
        return
    usual = median(before)
    if usual < LEAST_USUAL:
        return
    words = f"run {newest.run} read {newest.read} records, {{}} than usual ({usual:g})"
    if rules.volume_under is not None and newest.read < usual * rules.volume_under:
        yield "volume", newest.target, words.format("far fewer")
    elif rules.volume_over is not None and newest.read > usual * rules.volume_over:
        yield "volume", newest.target, words.format("far more")


def _of_errors(run: RunFigures, rules: RulesDocument) -> Iterator[Finding]:
    wrong = run.quarantined + run.unknown
    if rules.error_share is not None and wrong >= rules.error_least and wrong >= run.read * rules.error_share:
        yield "errors", run.target, f"{wrong} of {run.read} records of run {run.run} were refused or are unknown"


def _is_long(seconds: float | None, minutes: float | None) -> TypeGuard[float]:
    """Whether a time is at least that of its rule; false if the rule is off."""
    return seconds is not None and minutes is not None and seconds >= minutes * 60


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
