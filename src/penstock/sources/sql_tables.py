"""What a dataset's SQL reads, as far as its text says: it may name no table but `source`. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb
import orjson

from penstock.model.errors import Problem
from penstock.sources.sql_text import bare, pointed, word_at

SOURCE = "source"
HERE = frozenset({"", "main"})  # schemas in which a name without a schema is looked for


def sql_problem(dataset: str, sql: str) -> Problem | None:
    """A problem where the SQL is no SQL, or names a table that it cannot read; None where only a run can tell."""
    text = bare(sql)
    with closing(duckdb.connect(":memory:", config={"enable_external_access": False})) as connection:
        row = connection.execute("select json_serialize_sql(?)", [text]).fetchone()
    tree = orjson.loads(row[0]) if row is not None else {}
    path = f"datasets.{dataset}.sql"
    if tree.get("error"):
        if tree.get("error_type") != "parser":
            return None
        place = int(tree.get("position", 0))
        message = pointed(f"DuckDB says: {tree['error_message']}", text, place)
        return Problem(path, message, "sql-error", "change the SQL", word_at(text, place))
    own = {SOURCE, *(name.casefold() for name in _common(tree))}
    for table in _tables(tree):
        if table.casefold() not in own:
            message = f"there is no table {table}: the SQL of a dataset reads `source`, the records of its source"
            return Problem(path, message, "sql-error", "write: select … from source", table)
    return None


def _tables(node: Any) -> Iterator[str]:
    """The tables that are named without a schema, in the order of the text."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name", "") in HERE and not node.get("catalog_name"):
            yield str(node["table_name"])
        for value in node.values():
            yield from _tables(value)
    elif isinstance(node, list):
        for value in node:
            yield from _tables(value)


def _common(node: Any) -> Iterator[str]:
    """The names of all `with` parts."""
    if isinstance(node, dict):
        for entry in (node.get("cte_map") or {}).get("map", ()):
            yield str(entry["key"])
        for value in node.values():
            yield from _common(value)
    elif isinstance(node, list):
        for value in node:
            yield from _common(value)
