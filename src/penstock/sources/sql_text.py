"""SQL as text: a position as line, column and caret, quoted names, and a query as a part of another.

Also checks, without running anything, that a dataset's SQL names no table but `source`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson

from penstock.model.errors import Problem

LONGEST = 80  # characters of what an error shows as found
END = re.compile(r"[;\s]*;\s*(--[^\n']*\s*)*\Z")
MISSING_COLUMN = re.compile(r'(?:Referenced column|does not have a column named) "([^"]+)"')  # DuckDB's words
EARLY_COLUMN = re.compile(r'Column "([^"]+)" referenced that exists in the SELECT clause')  # `lower(plan) as plan`
WORD = re.compile(r"[\w.]+|\"[^\"]*\"")

SOURCE = "source"
HERE = frozenset({"", "main"})  # schemas in which a name without a schema is looked for


def pointed(words: str, sql: str, offset: int) -> str:
    """A database's words about the place `offset` (characters, 0-based): where it is, its line, a caret below."""
    offset = max(0, min(offset, len(sql)))
    line = sql.count("\n", 0, offset) + 1
    start = sql.rfind("\n", 0, offset) + 1
    column = offset - start
    end = sql.find("\n", start)
    text = sql[start : end if end >= 0 else len(sql)]
    cut = max(0, column - 60)
    shown, caret = text[cut : cut + 120].replace("\t", " "), " " * (column - cut) + "^"
    return f"line {line}, column {column + 1} of the SQL: {words}\n  {shown}\n  {caret}"


def word_at(sql: str, offset: int) -> str | None:
    """The word, or else the one character, at this place of the SQL."""
    rest = sql[max(0, min(offset, len(sql))) :]
    match = WORD.match(rest)
    return match[0] if match else rest[:1] or None


def without_semicolon(query: str) -> str:
    """A query without the semicolon at its end, and the comments after it."""
    return END.sub("", query.rstrip())


def subquery(query: str) -> str:
    """A query as a table in another; the line feed ends a comment on its last line."""
    return f"({without_semicolon(query)}\n) as source"


def quoted(name: str, mark: str = '"') -> str:
    """One name, quoted for SQL."""
    return mark + name.replace(mark, mark * 2) + mark


def quoted_table(name: str, mark: str = '"') -> str:
    """A table's name, perhaps with its schema before a point; parts already quoted stay as they are."""
    parts = re.findall(r'"(?:[^"]|"")*"|[^.]+', name)
    return ".".join(piece if piece.startswith('"') and mark == '"' else quoted(piece, mark) for piece in parts)


def shortened(text: str) -> str:
    """Text on one line, for `found`."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def sql_problem(dataset: str, sql: str) -> Problem | None:
    """A problem where the SQL is no SQL, or names a table that it cannot read; None where only a run can find it."""
    import duckdb  # noqa: PLC0415 - costs 0.1 s

    text = without_semicolon(sql)
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


def _tables(tree: Any) -> Iterator[str]:
    """The tables that are named without a schema, in the order of the text."""
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name", "") in HERE and not node.get("catalog_name"):
            yield str(node["table_name"])


def _common(tree: Any) -> Iterator[str]:
    """The names of all `with` parts."""
    for node in _nodes(tree):
        for entry in (node.get("cte_map") or {}).get("map", ()):
            yield str(entry["key"])


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value, in the order of the text."""
    if isinstance(tree, dict):
        yield tree
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for value in inner:
        yield from _nodes(value)
