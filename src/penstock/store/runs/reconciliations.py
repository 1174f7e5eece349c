"""The last comparison of each destination with Custify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select

from penstock.store.database import upsert
from penstock.store.tables import reconciliations


class StoredReconciliation(NamedTuple):
    """A report as `reconcile --json` prints it, when Custify was read, and the run in which it was made.

    `drifted` is how many records differ or are missing since then: 0 after a complete fix.
    """

    at: str
    run: str
    drifted: int
    report: Mapping[str, Any]


def store_reconciliation(conn: Connection, destination: str, made: StoredReconciliation) -> None:
    """Store the report in place of the destination's former one."""
    row = {**made._asdict(), "destination": destination, "report": orjson.dumps(made.report).decode()}
    upsert(conn, reconciliations, row)


def last_reconciliation(conn: Connection, destination: str) -> StoredReconciliation | None:
    """The last report of a destination; None if it was never compared."""
    table = reconciliations
    columns = (table.c.at, table.c.run, table.c.drifted, table.c.report)
    found = conn.execute(select(*columns).where(table.c.destination == destination)).first()
    return None if found is None else StoredReconciliation(*found[:3], orjson.loads(found.report))


class Drift(NamedTuple):
    """When Custify was read last, and how many records differ or are missing since then."""

    at: str
    drifted: int


def drifts(conn: Connection) -> dict[str, Drift]:
    """The last comparison of each destination that was compared."""
    table = reconciliations
    query = select(table.c.destination, table.c.at, table.c.drifted)
    return {row.destination: Drift(row.at, row.drifted) for row in conn.execute(query)}
