"""The search for resources, runs and records in quarantine by a part of a name, newest first, in bounded time.

Other records are found by their whole key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Text, func, literal, select

from penstock.model.record import Key
from penstock.run.context import Context
from penstock.service.documents import FoundKind
from penstock.store.runs.deliveries import key_from_json
from penstock.store.runs.runs import RunRow, to_run
from penstock.store.tables import ledger_batches, quarantine, runs
from penstock.usecases.runs import reports

MOST_SEARCHED = 20_000  # newest records in quarantine that are searched
STEPS = (500, 1500, 4000)  # newest batches of the ledger that are searched for a key, in steps,
RECORDS = 300_000  # until they have about so many records
OF_AN_ID = re.compile(r"[a-hjkmnp-z0-9-]+")  # the characters of run ids
ESCAPE = "\\"

KINDS: Mapping[str, FoundKind] = MappingProxyType(  # by section of the project, in the order of matches
    {
        "destinations": "destination",
        "flows": "flow",
        "datasets": "dataset",
        "sources": "source",
        "credentials": "credential",
    }
)
SHORTEST = 2  # characters of an id or key: fewer would match everything


class QuarantinedKey(NamedTuple):
    """A record in quarantine that matches by its key."""

    id: str
    destination: str
    key: Key
    outcome: str
    reason: str


class SentKey(NamedTuple):
    """A record of a run whose key is the searched one, or has it as a column."""

    run: str
    destination: str
    key: Key
    outcome: str
    at: str


def runs_named(conn: Connection, words: str, most: int) -> list[RunRow]:
    """Runs whose id contains `words`."""
    wanted = words.lower()
    if not OF_AN_ID.fullmatch(wanted):
        return []
    r = runs.c
    named = select(r.id).where(_has(r.id, wanted, exact=True)).order_by(r.id.desc()).limit(most)  # the index is enough
    found = select(runs).where(r.id.in_(list(conn.execute(named).scalars())))
    return [to_run(row) for row in conn.execute(found.order_by(r.started_at.desc(), r.id.desc()))]


def quarantined_keys(conn: Connection, words: str, most: int) -> list[QuarantinedKey]:
    """Records in quarantine whose key contains `words`."""
    q = quarantine.c
    newest = conn.execute(select(func.coalesce(func.max(q.id), 0))).scalar_one()
    query = select(q.id, q.destination, q.key, q.outcome, q.reason).where(
        q.id > newest - MOST_SEARCHED, q.key.is_not(None), _has(q.key, _inside(words))
    )
    found = conn.execute(query.order_by(q.id.desc()).limit(most))
    return [
        QuarantinedKey(f"q-{number}", destination, key, outcome, reason)
        for number, destination, text, outcome, reason in found
        if (key := key_from_json(text)) is not None
    ]


def sent_keys(conn: Connection, key: str, most: int) -> list[SentKey]:
    """The outcomes of the record with this key in the newest runs, also of keys of several columns that contain it."""
    b = ledger_batches.c
    top, seen = int(conn.execute(select(func.coalesce(func.max(b.id), 0))).scalar_one()), 0
    found: list[SentKey] = []
    for entries in STEPS:
        here = (b.id > top - entries) & (b.id <= top)
        found += _sent_in(conn, here, key, most - len(found))
        top -= entries
        seen += int(conn.execute(select(func.coalesce(func.sum(b.records), 0)).where(here)).scalar_one())
        if len(found) >= most or seen >= RECORDS or top <= 0:
            break
    return found


def _sent_in(conn: Connection, here: ColumnElement[bool], key: str, most: int) -> list[SentKey]:
    b = ledger_batches.c
    all_keys = b["keys"]  # `b.keys` is a method
    query = (
        select(b.run, runs.c.target, all_keys, b.outcome, b.at)
        .join(runs, runs.c.id == b.run)
        .where(here, ~b.is_test, all_keys.is_not(None), _has(all_keys, orjson.dumps(key).decode(), exact=True))
        .order_by(b.id.desc())
        .limit(most)
    )
    return [
        SentKey(run, destination, tuple(one) if isinstance(one, list) else one, outcome, at)
        for run, destination, keys, outcome, at in conn.execute(query)
        if (one := next((each for each in orjson.loads(keys) if _is(key, each)), None)) is not None
    ]


def _is(key: str, found: Any) -> bool:
    return bool(found == key or (isinstance(found, list) and key in found))


def _inside(words: str) -> str:
    """The words as they are written in JSON."""
    return orjson.dumps(words).decode()[1:-1]


def _has(
    column: ColumnElement[str | None] | ColumnElement[str], words: str, *, exact: bool = False
) -> ColumnElement[bool]:
    """Whether a column contains the words; with `exact`, in the same case."""
    escaped = words.replace(ESCAPE, ESCAPE * 2).replace("%", f"{ESCAPE}%").replace("_", f"{ESCAPE}_")
    if exact:
        return column.like(f"%{escaped}%", escape=ESCAPE)
    return func.lower(column).like(func.lower(literal(f"%{escaped}%", Text)), escape=ESCAPE)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A match; `path` is its address in the API and the web UI, `where` describes its place."""

    kind: FoundKind
    name: str
    title: str
    where: str
    path: str


def search(ctx: Context, words: str, most: int) -> list[SearchResult]:
    """At most `most` matches; names that begin with the words come first."""
    wanted = words.strip()
    if not wanted:
        return []
    names = sorted(_names(ctx, wanted), key=lambda found: not found.name.casefold().startswith(wanted.casefold()))
    rest = iter(()) if len(wanted) < SHORTEST else _records(ctx, wanted, most)
    return list(islice((*names, *islice(rest, most)), most))


def _names(ctx: Context, words: str) -> Iterator[SearchResult]:
    for section, kind in KINDS.items():
        for name, spec in getattr(ctx.project, section).items():
            if words.casefold() in name.casefold():
                detail = {"destinations": "dataset", "datasets": "source"}.get(section)
                where = "" if detail is None else f"{detail} {getattr(spec, detail)}"
                yield SearchResult(kind, name, name, where, f"/{section}/{name}")


def _records(ctx: Context, words: str, most: int) -> Iterator[SearchResult]:
    with ctx.database.read() as conn:
        quarantined, sent = quarantined_keys(conn, words, most), sent_keys(conn, words, most)
        named = runs_named(conn, words, most)
        found = reports(ctx, conn, named)
    for entry in quarantined:
        where = f"{entry.outcome} in {entry.destination}: {entry.reason}"
        yield SearchResult("quarantine", entry.id, _text(entry.key), where, f"/quarantine/{entry.id}")
    for record in sent:
        where = f"record of {record.destination}, {record.at}"
        yield SearchResult("run", record.run, _text(record.key), where, f"/runs/{record.run}")
    for run, report in zip(named, found, strict=True):
        yield SearchResult("run", run.id, run.id, f"{run.kind} {run.target}: {report.status}", f"/runs/{run.id}")


def _text(key: Key) -> str:
    return key if isinstance(key, str) else ", ".join(map(str, key))
