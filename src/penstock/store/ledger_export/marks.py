"""Which runs are exported: the column `exported` names the place to which the present state of the run was exported.

Every change of a run clears it. While a run is being written it has another word, so that a change meanwhile is
noticed, and a run whose export was killed counts as not exported.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select, update

from penstock.store.tables import runs

WRITING = "writing"  # no place has this name


def unexported(conn: Connection, place: str, limit: int) -> Sequence[str]:
    """The oldest runs that have ended and that `place` does not have as they are; tests are no runs."""
    mark = runs.c.exported
    elsewhere = or_(mark.is_(None), mark < place, mark > place)  # three ranges of the index
    query = select(runs.c.id).where(elsewhere, runs.c.finished_at.is_not(None), runs.c.kind != "test")
    return conn.execute(query.order_by(runs.c.started_at, runs.c.id).limit(limit)).scalars().all()


def begin(conn: Connection, run: str) -> None:
    """Note that the run is being written."""
    conn.execute(update(runs).where(runs.c.id == run).values(exported=WRITING))


def end(conn: Connection, run: str, place: str) -> None:
    """Note that `place` has the run, unless the run changed since `begin`."""
    conn.execute(update(runs).where(runs.c.id == run, runs.c.exported == WRITING).values(exported=place))
