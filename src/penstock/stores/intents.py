"""What is about to be sent and must not be sent twice: written down before the first byte leaves."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select

from penstock.model.record import Key
from penstock.stores.packing import pack_keys, pack_ordinals, unpack_keys, unpack_ordinals
from penstock.stores.schema import intents


@dataclass(frozen=True, slots=True)
class Intent:
    """One request: its records' ordinals, keys and content hashes, in the same order; `request` without secrets."""

    number: int
    ordinals: Sequence[int]
    keys: Sequence[Key | None]
    contents: Sequence[int]
    request: Mapping[str, Any]
    at: str


def begin_all(conn: Connection, run: str, some: Sequence[Intent]) -> None:
    """Several at once: requests that are ready together share one statement."""
    rows = [
        {
            "run": run,
            "number": intent.number,
            "ordinals": pack_ordinals(intent.ordinals),
            "keys": pack_keys(intent.keys),
            "contents": struct.pack(f"<{len(intent.contents)}Q", *intent.contents),
            "request": orjson.dumps(intent.request).decode(),
            "at": intent.at,
        }
        for intent in some
    ]
    if rows:
        conn.execute(insert(intents), rows)


def end_all(conn: Connection, run: str, numbers: Sequence[int]) -> None:
    """These requests have their outcomes, or never left."""
    if numbers:
        gone = (intents.c.run == run) & intents.c.number.between(bindparam("first"), bindparam("last"))
        conn.execute(delete(intents).where(gone), [{"first": first, "last": last} for first, last in _ranges(numbers)])


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The numbers as first and last of what is in a row: requests end nearly in the order they began."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def end(conn: Connection, run: str, number: int) -> None:
    """The request has its outcome, or never left."""
    conn.execute(delete(intents).where(intents.c.run == run, intents.c.number == number))


def leftover(conn: Connection, run: str) -> list[Intent]:
    """Requests that were under way when the run's process died."""
    query = select(intents).where(intents.c.run == run).order_by(intents.c.number)
    return [
        Intent(
            number=row["number"],
            ordinals=unpack_ordinals(row["ordinals"]).tolist(),
            keys=unpack_keys(row["keys"]),
            contents=np.frombuffer(row["contents"], dtype="<u8").tolist(),
            request=orjson.loads(row["request"]),
            at=row["at"],
        )
        for row in conn.execute(query).mappings()
    ]
