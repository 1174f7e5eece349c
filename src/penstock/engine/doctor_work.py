"""The doctor looks at what is at work: workers, runs, held records, alerts, and who may sign in."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from penstock.engine.doctor_findings import OPEN_SERVICE, Examined, Findings, note, wrong
from penstock.engine.queue import lease_of
from penstock.engine.surroundings import Surroundings
from penstock.model.spec import WebhookSource
from penstock.stores import alerts, figures, flow_times, leases, people, runs, work
from penstock.stores.runs import RunKind, RunRow
from penstock.version import __version__

MANY_HELD = 1000
WAITS_LONG = timedelta(minutes=5)


def workers(found: Examined) -> Findings:
    """Whoever should run what is due lives, and is of this version."""
    with found.database.read() as conn:
        known = work.registered(conn)
        waiting = work.in_state(conn, work.WAITING)
        running = work.in_state(conn, ("running",))
    alive = {row.id: row for row in known if leases.is_held(found.database, lease_of(row.id))}
    for row in known:
        if row.id not in alive:
            mine = sum(each.worker == row.id for each in running)
            message = f"the worker of {row.place} gave no sign of life and had {mine} runs"
            yield note("dead-worker", message, "any other worker takes them over within half a minute", row.id)
    for row in alive.values():
        if row.version != __version__:
            message = f"the worker of {row.place} is of version {row.version}, this is {__version__}"
            yield wrong("other-version", message, "restart it with the newer Penstock", row.id)
    if not alive:
        yield from _nobody_works(found, len(waiting) + len(running))
    elif waiting:
        before = found.clock.now() - WAITS_LONG
        late = [row for row in waiting if datetime.fromisoformat(row.asked_at) < before and row.not_before is None]
        if late:
            message = f"{len(late)} runs wait for longer than {WAITS_LONG.seconds // 60} minutes"
            yield wrong("long-queue", message, "start another worker, or look at the log of the one there is")


def _nobody_works(found: Examined, waiting: int) -> Findings:
    hint = "start `penstock serve` or `penstock worker`"
    if waiting:
        yield wrong("no-worker", f"{waiting} runs wait, and no worker lives", hint)
    if found.project is None:
        return
    due = [name for name, flow in found.project.flows.items() if flow.schedule is not None and not _rests(found, name)]
    fed = [name for name, source in found.project.sources.items() if isinstance(source, WebhookSource)]
    if due or fed:
        say = wrong if found.version else note  # before `apply` nothing runs by itself
        yield say("nothing-runs", f"no worker lives, so that nothing runs by itself: {', '.join([*due, *fed])}", hint)


def _rests(found: Examined, flow: str) -> bool:
    with found.database.read() as conn:
        return flow_times.times_of(conn, flow).paused


def newest_runs(found: Examined) -> Findings:
    """The last run of everything came to its end."""
    if found.project is None:
        return
    around = found.around
    targets: list[tuple[RunKind, str]] = [("destination", name) for name in found.project.destinations]
    for kind, target in (*targets, *(("flow", name) for name in found.project.flows)):
        with found.database.read() as conn:
            row = runs.last(conn, target, kind)
            asked = None if row is None else work.get(conn, row.id)
        if row is not None and (asked is None or asked.state == "ended"):  # else a worker has it, or will
            yield from _ended(around, row)


def _ended(around: Surroundings, row: RunRow) -> Findings:
    again = f"`penstock run {row.target}` goes on with it"
    if row.status == "running":
        if not leases.is_held(around.database, f"flow {row.target}" if row.kind == "flow" else row.target):
            message = f"the run {row.id} of {row.target}, begun at {row.started_at}, was interrupted"
            yield wrong("interrupted-run", message, again, row.target)
    elif row.status == "failed":
        reason = row.reason or row.stopped_by or "an error"
        yield wrong("failed-run", f"the last run of {row.target} failed: {reason}", again, row.target)
    elif row.resumable:
        message = f"the run {row.id} of {row.target} was stopped before its end"
        yield note("unfinished-run", message, again, row.target)


def held_records(found: Examined) -> Findings:
    """Not too much waits for a person."""
    with found.database.read() as conn:
        held = figures.held_counts(conn)
    totals: Counter[str] = Counter()
    for each in held:
        totals[each.destination] += each.records
    for destination, number in sorted(totals.items()):
        most = max((each for each in held if each.destination == destination), key=lambda each: each.records)
        message = f"{number} records of {destination} are held for a person, {most.records} of them: {most.cause}"
        say = wrong if number >= MANY_HELD else note
        hint = "`penstock quarantine list` shows them; resend, discard or settle them"
        yield say("held", message, hint, destination)


def raised_alerts(found: Examined) -> Findings:
    """What the service wants to be known."""
    with found.database.read() as conn:
        known = alerts.all_alerts(conn)
    for alert in known.values():
        if alert.state == "raised":
            yield note("alert", f"{alert.kind} of {alert.subject}: {alert.reason}", about=alert.id)


def sign_in(found: Examined) -> Findings:
    """Whoever uses the service has to say who they are."""
    with found.database.read() as conn:
        number = people.count(conn)
    is_open = found.open_to_all
    if is_open is None:
        is_open = leases.is_held(found.database, OPEN_SERVICE)
    if is_open:
        say = wrong if number or found.database.is_shared else note
        message = "a service answers without sign-in: whoever is at that machine may do everything"
        yield say("open-to-all", message, "start `penstock serve` without --without-sign-in")
    elif number == 0 and found.version:
        yield note("nobody", "nobody can sign in yet", "`penstock people setup-link` makes the first account's link")
