"""Secrets of the project's credentials and sources, which are sealed beside it: none outlives what it belongs to."""

from __future__ import annotations

from sqlalchemy import Connection

from penstock.config.edits import tree_of
from penstock.stores import credentials


def sealed_name(source: str) -> str:
    """Under what name a source's secret is sealed: no credential can have it."""
    return f"sources/{source}"


def forget_removed(conn: Connection, before: str, after: str) -> None:
    """Forget the secrets of what stands in the project's text `before` and no more in `after`."""
    old, new = tree_of(before), tree_of(after)
    for name in old["credentials"].entries().keys() - new["credentials"].entries().keys():
        credentials.forget_credential(conn, name)
        credentials.forget_check(conn, name)
    for name in old["sources"].entries().keys() - new["sources"].entries().keys():
        credentials.forget_credential(conn, sealed_name(name))
