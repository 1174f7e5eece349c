"""The links to companies that a destination has sent of each person, of destinations with `company_link: replace`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import Connection, select

from penstock.stores.put import put_all
from penstock.stores.schema_links import sent_links as table

KeyHash = tuple[int, int]


def read(conn: Connection, destination: str) -> dict[KeyHash, tuple[str, ...]]:
    """Key hash → the links as they were written, of all keys of a destination."""
    query = select(table.c.identity, table.c.links).where(table.c.destination == destination)
    found: dict[KeyHash, tuple[str, ...]] = {}
    for identity, links in conn.execute(query):
        high, low = np.frombuffer(identity, dtype="<u8").tolist()
        found[high, low] = tuple(json.loads(links))
    return found


def put(conn: Connection, destination: str, links: Mapping[KeyHash, Sequence[str]]) -> None:
    """Write what is known of these keys in place of what was known."""
    rows = [
        {
            "destination": destination,
            "identity": np.array(key, dtype="<u8").tobytes(),
            "links": json.dumps(list(some), ensure_ascii=False),
        }
        for key, some in links.items()
    ]
    put_all(conn, table, rows, ["destination", "identity"])
