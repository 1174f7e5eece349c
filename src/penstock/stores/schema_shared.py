"""Tables by which several processes share one state database: who holds what, and what is left of each allowance.

Moments here are epoch seconds, as numbers: they are compared and added to, by the clock that all of them share.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Table, Text

from penstock.stores.schema import metadata

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
    Column("state", Text, nullable=False),  # the rest of `stores.budgets.Ration`, as JSON
)
