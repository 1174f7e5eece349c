"""Feeds that are paused because their runs fail: since when, why, and when the next run is tried."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson
from sqlalchemy import Connection, select

from penstock.stores.put import put
from penstock.stores.schema_care import settings
from penstock.stores.settings import forget_setting

PREFIX = "feed pause "  # of the names of these documents among the settings
WRITER = "intake"


@dataclass(frozen=True, slots=True)
class FeedPause:
    """A target whose posted records are not sent. Moments are ISO text, `until` is epoch seconds.

    `run` is the newest run that failed, `ended` when it did; `version` the version of the project it was tried with.
    """

    target: str
    kind: str  # destination or flow
    sources: tuple[str, ...]
    reason: str
    since: str
    until: float
    failures: int
    run: str
    ended: str
    version: int | None


def all_pauses(conn: Connection) -> dict[str, FeedPause]:
    """By target."""
    query = select(settings.c.document).where(settings.c.name.startswith(PREFIX, autoescape=True))
    found = [orjson.loads(document) for document in conn.execute(query).scalars()]
    return {each["target"]: FeedPause(**{**each, "sources": tuple(each["sources"])}) for each in found}


def put_pause(conn: Connection, pause: FeedPause) -> None:
    document = orjson.dumps(asdict(pause)).decode()
    put(conn, settings, {"name": PREFIX + pause.target, "document": document, "at": pause.since, "by": WRITER})


def end_pause(conn: Connection, target: str) -> None:
    forget_setting(conn, PREFIX + target)
