"""Records posted to a webhook source: stored on arrival, read from a position on, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, delete, insert, select, text

from penstock.store.service_tables import pushed, pushed_sources, seen_posts

READ_AT_ONCE = 4096
CHARACTERS_AT_ONCE = 1 << 23  # of records that are read at once, one record more
DELETED_AT_ONCE = 5000  # records in one transaction

# One statement each: a thread that comes back from the database waits for its turn among those that answer posts.
_ALL_AT_ONCE = text(
    "INSERT INTO pushed (source, at, record) "
    "SELECT json_extract(value, '$[0]'), :at, json_extract(value, '$[1]') FROM json_each(:rows)"
)
_COUNTED = text(
    "INSERT INTO pushed_sources (source, received, tip, last_at) VALUES "
    "(:source, :count, (SELECT id FROM pushed WHERE source = :source ORDER BY id DESC LIMIT 1), :at) "
    "ON CONFLICT (source) DO UPDATE SET "
    "received = pushed_sources.received + excluded.received, tip = excluded.tip, last_at = excluded.last_at"
)


@dataclass(frozen=True, slots=True)
class Post:
    """The content of one post: the JSON of its records. `seen` identifies a signed post, until the time `until`."""

    source: str
    records: Sequence[str]
    seen: str | None = None
    until: float = 0.0


class Received(NamedTuple):
    """The number of records that a source ever received; `tip` is the newest record's id, 0 when there is none."""

    received: int
    tip: int
    last_at: str | None


def append(conn: Connection, posts: Sequence[Post], at: str) -> list[int]:
    """Store posts; returns the number of stored records for each: 0 for a signed post that was stored before."""
    fresh = _unseen(conn, posts)
    taken = [len(post.records) if number in fresh else 0 for number, post in enumerate(posts)]
    rows = [(post.source, record) for number, post in enumerate(posts) if number in fresh for record in post.records]
    if rows and conn.dialect.name == "sqlite":
        conn.execute(_ALL_AT_ONCE, {"rows": orjson.dumps(rows).decode(), "at": at})
    elif rows:
        conn.execute(insert(pushed), [{"source": source, "at": at, "record": record} for source, record in rows])
    counts: dict[str, int] = {}
    for post, count in zip(posts, taken, strict=True):
        if count:
            counts[post.source] = counts.get(post.source, 0) + count
    for source, count in counts.items():
        conn.execute(_COUNTED, {"source": source, "count": count, "at": at})
    return taken


def _unseen(conn: Connection, posts: Sequence[Post]) -> set[int]:
    """The numbers of the posts that are new; signed ones are remembered."""
    fresh = {number for number, post in enumerate(posts) if post.seen is None}
    signed = {number: (post.source, post.seen) for number, post in enumerate(posts) if post.seen is not None}
    if not signed:
        return fresh
    known = seen_posts.c
    query = select(known.source, known.post).where(known.post.in_({seen for _, seen in signed.values()}))
    before = {(row.source, row.post) for row in conn.execute(query)}
    new: dict[tuple[str, str], int] = {}
    for number, identity in signed.items():
        if identity not in before:
            new.setdefault(identity, number)
    rows = [{"source": s, "post": p, "until": posts[number].until} for (s, p), number in new.items()]
    if rows:
        conn.execute(insert(seen_posts), rows)
    return fresh | set(new.values())


def received(conn: Connection, source: str) -> Received:
    row = conn.execute(select(pushed_sources).where(pushed_sources.c.source == source)).one_or_none()
    return Received(0, 0, None) if row is None else Received(row.received, row.tip, row.last_at)


def tips(conn: Connection) -> dict[str, int]:
    """The newest record's id of every source."""
    return {row.source: row.tip for row in conn.execute(select(pushed_sources.c.source, pushed_sources.c.tip))}


def after(conn: Connection, source: str, last: int, upto: int | None = None) -> Iterator[tuple[int, list[str]]]:
    """The records that came after the one of id `last`, some thousand at a time, with the id of each part's last.

    `upto` is the id of the last one that is given; None: all.
    """
    mine = pushed.c.source == source
    if upto is not None:
        mine &= pushed.c.id <= upto
    while True:
        query = (
            select(pushed.c.id, pushed.c.record)
            .where(mine, pushed.c.id > last)
            .order_by(pushed.c.id)
            .limit(READ_AT_ONCE)
        )
        part: list[str] = []
        size = 0
        with conn.execute(query) as rows:
            for row in rows:
                last = row.id
                part.append(row.record)
                size += len(row.record)
                if size > CHARACTERS_AT_ONCE:
                    break
        if not part:
            return
        yield last, part


def latest(conn: Connection, source: str, count: int) -> list[tuple[int, str, str]]:
    """The newest records, in their order: id, when it came, its JSON."""
    c = pushed.c
    query = select(c.id, c.at, c.record).where(c.source == source).order_by(c.id.desc()).limit(count)
    return [(row.id, row.at, row.record) for row in reversed(conn.execute(query).all())]


def delete_oldest(conn: Connection, source: str, upto: int, before: str) -> int:
    """Delete the oldest records, at most some thousand: of an id up to `upto` that came before `before`."""
    c = pushed.c
    old = select(c.id).where(c.source == source, c.id <= upto).order_by(c.id).limit(DELETED_AT_ONCE)
    ids = [row.id for row in conn.execute(select(c.id).where(c.id.in_(old), c.at < before))]
    if ids:
        conn.execute(delete(pushed).where(c.source == source, c.id <= max(ids), c.at < before))
    return len(ids)


def forget_seen(conn: Connection, now: float) -> None:
    """Signed posts whose moment has passed cannot be posted again: their signature is too old."""
    conn.execute(delete(seen_posts).where(seen_posts.c.until < now))
