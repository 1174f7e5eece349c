"""The table of the links to companies that were sent."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table, Text

from penstock.stores.schema import metadata

sent_links = Table(
    "sent_links",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("identity", LargeBinary, primary_key=True),  # the key's hash
    Column("links", Text, nullable=False),  # JSON: a list of written links
)
