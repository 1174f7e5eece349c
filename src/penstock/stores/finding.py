"""Runs and records by a part of their name or key, newest first; nothing looks further than a person would wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Text, func, literal, select

from penstock.model.record import Key
from penstock.stores.packing import key_from_json
from penstock.stores.runs import RunRow, to_run
from penstock.stores.schema import ledger_batches, quarantine, runs

LOOKED_AT = 20_000  # newest entries of the ledger that are searched for a key
ESCAPE = "\\"


class HeldKey(NamedTuple):
    """A held record by its key."""

    id: str
    destination: str
    key: Key
    outcome: str
    reason: str


class SentKey(NamedTuple):
    """A record that a run has decided. `key` is exactly the one that was searched for."""

    run: str
    destination: str
    key: Key
    outcome: str
    at: str


def runs_named(conn: Connection, words: str, most: int) -> list[RunRow]:
    """Runs whose id has these words in it."""
    query = select(runs).where(_has(runs.c.id, words)).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(most)
    return [to_run(row) for row in conn.execute(query).mappings()]


def held_keys(conn: Connection, words: str, most: int) -> list[HeldKey]:
    """Held records whose key has these words in it."""
    q = quarantine.c
    query = select(q.id, q.destination, q.key, q.outcome, q.reason).where(
        q.key.is_not(None), _has(q.key, _inside(words))
    )
    found = conn.execute(query.order_by(q.id.desc()).limit(most))
    return [
        HeldKey(f"q-{number}", destination, key, outcome, reason)
        for number, destination, text, outcome, reason in found
        if (key := key_from_json(text)) is not None
    ]


def sent_keys(conn: Connection, key: str, most: int) -> Iterator[SentKey]:
    """What became of the record of this key, and of keys of several columns with it, in the newest runs."""
    b = ledger_batches.c
    all_keys = b["keys"]  # `b.keys` is a method
    newest = select(b.id).order_by(b.id.desc()).limit(LOOKED_AT).subquery()
    low = select(func.coalesce(func.min(newest.c.id), 0)).scalar_subquery()
    query = (
        select(b.run, runs.c.target, all_keys, b.outcome, b.at)
        .join(runs, runs.c.id == b.run)
        .where(b.id >= low, ~b.is_test, all_keys.is_not(None), _has(all_keys, orjson.dumps(key).decode(), exact=True))
        .order_by(b.id.desc())
        .limit(most)
    )
    for run, destination, keys, outcome, at in conn.execute(query):
        for found in orjson.loads(keys):
            if found == key or (isinstance(found, list) and key in found):
                yield SentKey(run, destination, tuple(found) if isinstance(found, list) else found, outcome, at)
                break


def _inside(words: str) -> str:
    """The words as they stand inside a JSON text."""
    return orjson.dumps(words).decode()[1:-1]


def _has(
    column: ColumnElement[str | None] | ColumnElement[str], words: str, *, exact: bool = False
) -> ColumnElement[bool]:
    """Whether the words stand in the column, whatever their case; `exact` minds it."""
    escaped = words.replace(ESCAPE, ESCAPE * 2).replace("%", f"{ESCAPE}%").replace("_", f"{ESCAPE}_")
    if exact:
        return column.like(f"%{escaped}%", escape=ESCAPE)
    return func.lower(column).like(func.lower(literal(f"%{escaped}%", Text)), escape=ESCAPE)
