"""The last comparison of each destination with Custify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select

from penstock.store.database import upsert
from penstock.store.tables import reconciliations


class StoredReconciliation(NamedTuple):
    """A report as `reconcile --json` prints it, and when Custify was read. `run`: in which it was made, if in one."""

    at: str
    run: str | None
    report: Mapping[str, Any]


def store_reconciliation(conn: Connection, destination: str, made: StoredReconciliation) -> None:
    """Store the report in place of the destination's former one."""
    row = {"destination": destination, "at": made.at, "run": made.run, "report": orjson.dumps(made.report).decode()}
    upsert(conn, reconciliations, row)


def last_reconciliation(conn: Connection, destination: str) -> StoredReconciliation | None:
    """The last report of a destination; None if it was never compared."""
    table = reconciliations
    query = select(table.c.at, table.c.run, table.c.report).where(table.c.destination == destination)
    found = conn.execute(query).first()
    return None if found is None else StoredReconciliation(found.at, found.run, orjson.loads(found.report))
