"""Alerts: collects facts, checks the rules, stores alerts and messages, and sends the messages.

With the rule `run_results`, the results of runs are also sent: all results since the last message as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from penstock.clock import iso
from penstock.model.errors import PenstockError
from penstock.run.context import Context, active_names
from penstock.service.documents import AlertSettings
from penstock.service.model import Alert
from penstock.service.store import figures
from penstock.service.store.figures import EndedRun
from penstock.service.watch import alert_settings
from penstock.service.watch.alert_rules import AlertChange, Facts, FlowFacts, TargetFacts, judge
from penstock.service.watch.alert_settings import notify
from penstock.store import quarantine
from penstock.store.database import upsert_all
from penstock.store.project.resources import forget_setting, put_setting, setting
from penstock.store.runs.reconciliations import drifts
from penstock.store.service_tables import alerts as alerts_table
from penstock.store.service_tables import messages as messages_table
from penstock.store.tables import ledger_batches

REPORTED = "results told"  # the setting with the end of the last reported run
LISTED = 20  # lines of one message
BY = "service"
CLAIMED = 20  # messages at a time
CLAIMED_S = 120.0  # for which no other process sends a claimed message
MOST_TRIES = 12
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0
LOOKED_AT = 60  # runs of a destination
LOOKED_AT_FLOW = 5  # runs of a flow: some may be queued or running, before the last that has ended
TITLES = {"raised": "Penstock: {}", "still": "Penstock, still: {}", "over": "Penstock, over: {}"}


def check(ctx: Context) -> list[AlertChange]:
    """Check the rules now, and store the new alerts and messages. Safe to call from several processes."""
    settings = alert_settings.read(ctx)
    active = active_names(ctx)
    with ctx.database.begin() as conn:
        facts = _facts(ctx, conn, active, set(settings.quiet))
        known = all_alerts(conn)
        news, after = judge(facts, settings.rules, known)
        put_alerts(conn, [alert for name, alert in after.items() if known.get(name) != alert])
        add_messages(conn, _messages(news, settings, facts.now))
        ended = results(conn, settings, facts.now)
        if ended is not None:
            add_messages(conn, _to_all(settings, [(ended.title, ended.body)], facts.now, "results"))
    for one in news:
        event = "alert.over" if one.what == "over" else "alert.raised"
        ctx.events.emit(event, alert=one.alert.id, reason=one.alert.reason, repeated=one.what == "still")
    return news


def _facts(ctx: Context, conn: Connection, active: Collection[str], quiet: set[str]) -> Facts:
    now = ctx.clock.now()
    switched = figures.switched_at(conn)
    names = [name for name in ctx.project.destinations if name not in quiet]
    quarantined = quarantine.counts(conn, names)
    flow_names = [name for name in ctx.project.flows if name not in quiet]
    newest = figures.recent_runs_of(conn, names, "destination", LOOKED_AT)
    newest_of_flows = figures.recent_runs_of(conn, flow_names, "flow", LOOKED_AT_FLOW)
    ended = {
        name: run.run for name, runs in newest.items() for run in reversed(runs) if run.status in figures.COMPLETED
    }
    notes = figures.notes_of(conn, list(ended.values()))
    drift = drifts(conn)
    targets = []
    for name in names:
        runs, spec = newest.get(name, ()), ctx.project.destinations[name]
        idle = _idle(conn, runs, switched.get(name), now)
        noted = notes.get(ended.get(name, ""), ())
        held, drifted = quarantined.get(name, 0), drift.get(name)
        targets.append(TargetFacts(name, spec.credential, name in active, idle, runs, held, noted, drifted))
    flows = tuple(
        FlowFacts(name, ctx.project.flows[name].destinations, newest_of_flows.get(name, ())) for name in flow_names
    )
    oldest = figures.oldest_waiting(conn)
    return Facts(now, tuple(targets), None if oldest is None else _age(oldest, now), flows)


def _idle(conn: Connection, runs: Sequence[figures.RunFigures], switched: str | None, now: datetime) -> float | None:
    """Seconds since a run last read records, or since activation; None if it has neither run nor been activated."""
    moved = [run.finished_at for run in runs if run.finished_at is not None and run.read > 0][:1]
    if runs and runs[0].status == "running":
        b = ledger_batches.c
        moved += [runs[0].started_at, conn.execute(select(func.max(b.at)).where(b.run == runs[0].run)).scalar_one()]
    moments = [text for text in (*moved, switched) if text is not None]
    return None if not moments else min(_age(text, now) for text in moments)


def _age(text: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(text)).total_seconds())


def _messages(news: Sequence[AlertChange], settings: AlertSettings, now: datetime) -> list[Message]:
    """A message per change to every channel, or one for all changes if there are more than `digest`."""
    if not news:
        return []
    texts = [(TITLES[one.what].format(one.alert.id), _line(one)) for one in news]
    if len(news) > settings.digest:
        texts = [(f"Penstock: {len(news)} alerts", "\n".join(_line(one) for one in news))]
    return _to_all(settings, texts, now, "alerts")


def _to_all(settings: AlertSettings, texts: Sequence[tuple[str, str]], now: datetime, word: str) -> list[Message]:
    at = iso(now)
    return [
        Message(f"{at} {channel} {word} {number}", channel, title, body, at)
        for channel in settings.channels
        for number, (title, body) in enumerate(texts)
    ]


def _line(one: AlertChange) -> str:
    words = {"raised": "since", "still": "still, since", "over": "is over; it began"}[one.what]
    return f"{one.alert.id}: {one.alert.reason} ({words} {iso(one.alert.since)})"


def send_due(ctx: Context) -> int:
    """Send the messages that are due; returns how many were delivered."""
    now = ctx.clock.now().timestamp()
    with ctx.database.begin() as conn:
        due = claim_messages(conn, now, now + CLAIMED_S)
    channels = alert_settings.read(ctx).channels
    taken = 0
    for message in due:
        channel = channels.get(message.channel)
        error = _sent(ctx, message, None if channel is None else tuple(channel.allowed_hosts))
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**message.tries)
        taken += error is None
        with ctx.database.begin() as conn:
            if error is None or message.tries + 1 >= MOST_TRIES:
                remove_message(conn, message.id)
            else:
                delay_message(conn, message.id, error, ctx.clock.now().timestamp() + pause)
        if error is not None:
            ctx.events.emit("alert.undelivered", channel=message.channel, reason=error, tries=message.tries + 1)
    return taken


def _sent(ctx: Context, message: Message, allowed: tuple[str, ...] | None) -> str | None:
    if allowed is None:
        return None  # the channel was removed
    return send(ctx, message.channel, message.title, message.body, allowed)


def send(ctx: Context, channel: str, title: str, body: str, allowed: tuple[str, ...]) -> str | None:
    """Send a message to a channel now; returns why it failed, or None."""
    try:
        url = alert_settings.url_of(ctx, channel)
    except PenstockError as error:
        return str(error)
    return "the channel has no URL" if url is None else notify(url, title, body, allowed)


# ── results of runs ──────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Results:
    """A message about the results of runs."""

    title: str
    body: str


def results(conn: Connection, settings: AlertSettings, now: datetime) -> Results | None:
    """The message about the runs that have ended since the last one; None if there are none, or the last message is
    younger than `calm_minutes`.

    Call it in a write transaction: the runs in the message count as reported.
    """
    reported = setting(conn, REPORTED)
    if not settings.rules.run_results:
        if reported is not None:
            forget_setting(conn, REPORTED)
        return None
    if reported is None:  # runs that ended before the rule was turned on are not reported
        put_setting(conn, REPORTED, {"up_to": iso(now)}, by=BY, at=iso(now - timedelta(days=1)))
        return None
    if now - datetime.fromisoformat(reported.at) < timedelta(minutes=settings.rules.calm_minutes):
        return None
    ended = [
        run for run in figures.ended_since(conn, str(reported.document["up_to"])) if run.target not in settings.quiet
    ]
    if not ended:
        return None
    up_to = max(run.finished_at for run in ended)
    put_setting(conn, REPORTED, {"up_to": up_to}, by=BY, at=iso(now))
    lines = list(_lines(ended))
    more = [f"and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    one = ended[0]
    title = f"Penstock: {one.target} {one.status}" if len(ended) == 1 else f"Penstock: {len(ended)} runs ended"
    return Results(title, "\n".join(lines[:LISTED] + more))


def _lines(ended: Sequence[EndedRun]) -> Iterator[str]:
    """A line per run; the runs of posted records, which may be many, are one line per target."""
    posted: dict[str, list[EndedRun]] = {}
    for run in ended:
        if run.trigger == "intake":
            posted.setdefault(run.target, []).append(run)
        else:
            reason = "" if run.reason is None else f" ({run.reason})"
            yield f"{run.target}: {run.status}{reason}; {_counts([run])}, run {run.run}"
    for target, several in posted.items():
        good = sum(run.status == "succeeded" for run in several)
        yield f"{target}: {len(several)} runs of posted records, {good} succeeded; {_counts(several)}"


def _counts(ended: Sequence[EndedRun]) -> str:
    read, sent, rest = (sum(getattr(run, name) for run in ended) for name in ("read", "sent", "not_delivered"))
    return f"{read:,} read, {sent:,} sent, {rest:,} quarantined or unknown"


# ── rows ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a channel. `due` is in epoch seconds, `error` is that of the last attempt."""

    id: str
    channel: str
    title: str
    body: str
    at: str
    tries: int = 0
    due: float = 0.0
    error: str | None = None


def all_alerts(conn: Connection) -> dict[str, Alert]:
    """All alerts by id, the newest last."""
    rows = conn.execute(select(alerts_table).order_by(alerts_table.c.since)).mappings()
    return {
        row["id"]: Alert(
            **{name: row[name] for name in ("id", "kind", "subject", "state", "reason")},
            reported=row["told"],
            since=datetime.fromisoformat(row["since"]),
            over_at=_moment(row["over_at"]),
            reported_at=_moment(row["told_at"]),
        )
        for row in rows
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def put_alerts(conn: Connection, changed: Iterable[Alert]) -> None:
    """Insert or update these alerts."""
    rows = [
        {
            "id": alert.id,
            "kind": alert.kind,
            "subject": alert.subject,
            "state": alert.state,
            "reason": alert.reason,
            "since": iso(alert.since),
            "over_at": None if alert.over_at is None else iso(alert.over_at),
            "told": alert.reported,
            "told_at": None if alert.reported_at is None else iso(alert.reported_at),
        }
        for alert in changed
    ]
    upsert_all(conn, alerts_table, rows, ["id"])


def add_messages(conn: Connection, new: Iterable[Message]) -> None:
    """Add messages that are to be sent."""
    rows = [{name: getattr(message, name) for name in message.__slots__} for message in new]
    if rows:
        conn.execute(insert(messages_table), rows)


def claim_messages(conn: Connection, now: float, until: float) -> list[Message]:
    """The messages that are due. No other process gets them before `until`."""
    rows = conn.execute(
        select(messages_table)
        .where(messages_table.c.due <= now)
        .order_by(messages_table.c.at, messages_table.c.id)
        .limit(CLAIMED)
    ).mappings()
    found = [Message(**row) for row in rows]
    if found:
        mine = messages_table.c.id.in_([message.id for message in found])
        conn.execute(update(messages_table).where(mine).values(due=until, tries=messages_table.c.tries + 1))
    return found


def remove_message(conn: Connection, message: str) -> None:
    """Delete a message that was sent or given up."""
    conn.execute(delete(messages_table).where(messages_table.c.id == message))


def delay_message(conn: Connection, message: str, error: str, due: float) -> None:
    """Store the error of an attempt to send; the message is due again at `due`."""
    conn.execute(update(messages_table).where(messages_table.c.id == message).values(error=error, due=due))
