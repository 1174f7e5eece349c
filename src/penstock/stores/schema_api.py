"""Tables of what the REST API remembers."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, Table, Text

from penstock.stores.schema import metadata

answers = Table(
    "answers",
    metadata,
    Column("who", Text, primary_key=True),
    Column("key", Text, primary_key=True),  # what the client calls the request
    Column("asked", Text, nullable=False),  # a hash of route and body
    Column("status", Integer),  # null: it is being done
    Column("headers", Text),  # JSON
    Column("sealed", LargeBinary),  # the body: it may hold a secret that is shown once
    Column("until", Float(53), nullable=False),  # epoch seconds: kept so long
    Index("answers_until", "until"),
)
