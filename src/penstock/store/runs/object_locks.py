"""The objects of which requests are under way, where the state is in PostgreSQL: a row for each.

A row is valid for as long as the lease of its holder: what has died, or has lost its destination, has locked nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, any_, delete, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert

from penstock.model.errors import Problem, StateLocked
from penstock.store.database import Database
from penstock.store.leases import database_time, holder_of
from penstock.store.shared_tables import leases, object_locks

_UNDELAYED = text("SET LOCAL synchronous_commit = off")  # a lock need not outlive the server
_LASTS = exists().where(
    leases.c.name == object_locks.c.holder,
    leases.c.fence == object_locks.c.fence,
    leases.c.expires > database_time(),
)


class Holder(NamedTuple):
    """A lease that this process has: its name and its fence."""

    name: str
    fence: int


def holder_with(database: Database, lease: str, guard: Callable[[Connection], None]) -> Holder:
    """The holder for this process, which has the lease. Removes the rows of those that have died.

    `guard` raises StateLocked in the transaction when another process has the lease.
    """
    with database.begin(alone=False) as conn:
        guard(conn)
        fence = conn.execute(select(leases.c.fence).where(leases.c.name == lease)).scalar_one()
        _delete(conn, ~_LASTS)
    return Holder(lease, int(fence))


def take(database: Database, holder: Holder, places: Sequence[int]) -> bool:
    """Lock all of these places (each once), or none: then another request has one of them.

    Raises StateLocked when the lease of the holder has ended.
    """
    if _insert(database, holder, places):
        return True
    with database.begin(alone=False) as conn:
        if conn.execute(select(leases.c.name).where(_lease_of(holder))).first() is None:
            message = f"the lease of {holder.name} has ended: this process was stopped, or the database did not answer"
            raise StateLocked(Problem(holder.name, message, "held", "run it again"))
        was_dead = _delete(conn, _one_of(places) & ~_LASTS)  # what is seen here has been committed after its lease
    if was_dead:
        return _insert(database, holder, places)
    with database.read() as conn:
        taken_by = conn.execute(select(object_locks.c.holder).where(_one_of(places), _LASTS).limit(1)).scalar()
    if taken_by is not None:
        holder_of(database, taken_by)  # ends a dead one's lease that lasts too long: the server's clock was set back
    return False


def free(database: Database, holder: Holder, places: Sequence[int]) -> None:
    """Unlock these places, where the holder still has them."""
    with database.begin(alone=False) as conn:
        conn.execute(_UNDELAYED)
        mine = (object_locks.c.holder == holder.name) & (object_locks.c.fence == holder.fence)
        _delete(conn, _one_of(places) & mine)


def _insert(database: Database, holder: Holder, places: Sequence[int]) -> bool:
    """Write all of these rows or none, if the lease of the holder lasts."""
    row = func.unnest(_array(places)).column_valued("place")
    lasts = exists().where(_lease_of(holder))
    rows = select(row, literal(holder.name), literal(holder.fence)).where(lasts).order_by(row)
    new = insert(object_locks).from_select(["place", "holder", "fence"], rows)
    with database.begin(alone=False) as conn:
        conn.execute(_UNDELAYED)
        mine = conn.execute(new.on_conflict_do_nothing().returning(object_locks.c.place)).scalars().all()
        if len(mine) == len(places):
            return True
        if mine:
            _delete(conn, _one_of(mine))
        return False


def _lease_of(holder: Holder) -> ColumnElement[bool]:
    """The lease of the holder, as long as it lasts."""
    return (leases.c.name == holder.name) & (leases.c.fence == holder.fence) & (leases.c.expires > database_time())


def _array(places: Sequence[int]) -> ColumnElement[Sequence[int]]:
    return literal(list(places), ARRAY(BigInteger))


def _one_of(places: Sequence[int]) -> ColumnElement[bool]:
    return object_locks.c.place == any_(_array(places))


def _delete(conn: Connection, which: ColumnElement[bool]) -> int:
    """Delete rows, locked in the order of their places, so that no two transactions wait for each other; how many."""
    found = select(object_locks.c.place).where(which).order_by(object_locks.c.place).with_for_update()
    return conn.execute(delete(object_locks).where(object_locks.c.place.in_(found))).rowcount
