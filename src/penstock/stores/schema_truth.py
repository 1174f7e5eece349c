"""The table of the project that was applied: one row a version, the newest is the truth."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from penstock.stores.schema import metadata

project_versions = Table(
    "project_versions",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("base", Text, nullable=False),  # the folder where relative paths start
    Column("text", Text, nullable=False),  # the project as canonical YAML
    Column("changes", Text, nullable=False),  # JSON: what differs from the version before
)
