"""Tables of records that were pushed to us."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text

from penstock.stores.schema import Serial, metadata

pushed = Table(
    "pushed",
    metadata,
    Column("id", Serial, primary_key=True),  # grows in the order of the commits: what is read up to is complete
    Column("source", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON, as it was posted
    Index("pushed_of_source", "source", "id"),
    sqlite_autoincrement=True,  # an id is never given twice: destinations remember them
)

pushed_sources = Table(
    "pushed_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("received", BigInteger, nullable=False),  # records, since ever
    Column("tip", BigInteger, nullable=False),  # the newest id
    Column("last_at", Text, nullable=False),
)

seen_posts = Table(
    "seen_posts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("post", Text, primary_key=True),  # what tells a signed post from all others
    Column("until", Float(53), nullable=False),  # epoch seconds: kept so long
    Index("seen_posts_until", "until"),
)
