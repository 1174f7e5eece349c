"""The tables that the processes of one state share while they run: leases, rate limits, objects in requests under way.

Moments are epoch seconds, as numbers: they are compared and added to, by the clock that all processes share.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Table, Text

from penstock.store.tables import metadata

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),  # grows with every holder
    Column("expires", Float(53), nullable=False),
)

budgets = Table(
    "budgets",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("quota", BigInteger, nullable=False),  # requests per window
    Column("per", Float(53), nullable=False),  # seconds
    Column("opened", Float(53), nullable=False),  # the window began not before
    Column("used", BigInteger, nullable=False),
    Column("blocked_until", Float(53), nullable=False),
    Column("state", Text, nullable=False),  # the rest of `RateLimitRow`, as JSON
)

object_locks = Table(  # only in PostgreSQL; beside SQLite they are locked bytes of a file
    "object_locks",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),  # a hash of what identifies the object
    Column("holder", Text, nullable=False),  # the name of a lease; while that lasts, and has this fence, it is locked
    Column("fence", BigInteger, nullable=False),
)
