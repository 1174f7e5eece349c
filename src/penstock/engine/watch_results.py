"""How runs ended, told to the channels where that is wanted: what has ended since the last message, in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.engine.watch_settings import AlertSettings
from penstock.stores import run_pages
from penstock.stores.run_pages import Ended
from penstock.stores.settings import forget_setting, put_setting, setting

TOLD = "results told"  # a document beside the settings: up to when
LISTED = 20  # lines of one message
BY = "service"


@dataclass(frozen=True, slots=True)
class Results:
    """A message."""

    title: str
    body: str


def results(conn: Connection, settings: AlertSettings, now: datetime) -> Results | None:
    """What has ended since the last message; None while nothing has, or the last one is too fresh (`calm_minutes`).

    To be called inside a write transaction: what it answers counts as told.
    """
    told = setting(conn, TOLD)
    if not settings.rules.run_results:
        if told is not None:
            forget_setting(conn, TOLD)
        return None
    if told is None:  # what ended before somebody wanted to know is old
        put_setting(conn, TOLD, {"up_to": iso(now)}, by=BY, at=iso(now - timedelta(days=1)))
        return None
    if now - datetime.fromisoformat(told.at) < timedelta(minutes=settings.rules.calm_minutes):
        return None
    ended = [
        run for run in run_pages.ended_since(conn, str(told.document["up_to"])) if run.target not in settings.quiet
    ]
    if not ended:
        return None
    up_to = max(run.finished_at for run in ended)
    put_setting(conn, TOLD, {"up_to": up_to}, by=BY, at=iso(now))
    lines = list(_lines(ended))
    more = [f"and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    one = ended[0]
    title = f"Penstock: {one.target} {one.status}" if len(ended) == 1 else f"Penstock: {len(ended)} runs ended"
    return Results(title, "\n".join(lines[:LISTED] + more))


def _lines(ended: Sequence[Ended]) -> Iterator[str]:
    """A line for each run; those of posted records, which may be many, as one line for a target."""
    posted: dict[str, list[Ended]] = {}
    for run in ended:
        if run.trigger == "intake":
            posted.setdefault(run.target, []).append(run)
        else:
            reason = "" if run.reason is None else f" ({run.reason})"
            yield f"{run.target}: {run.status}{reason}; {_counts([run])}, run {run.run}"
    for target, several in posted.items():
        good = sum(run.status == "succeeded" for run in several)
        yield f"{target}: {len(several)} runs of posted records, {good} succeeded; {_counts(several)}"


def _counts(ended: Sequence[Ended]) -> str:
    read, sent, held = (sum(getattr(run, name) for run in ended) for name in ("read", "sent", "held"))
    return f"{read:,} read, {sent:,} sent, {held:,} held or unknown"
