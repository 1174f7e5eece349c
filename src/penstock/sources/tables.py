"""The tables of a database, for whoever has to choose one."""

from __future__ import annotations

from collections.abc import Callable

from penstock.model.errors import InputError
from penstock.model.reach import Reach
from penstock.model.spec import Secret, SqlSource
from penstock.sources.opening import open_database
from penstock.sources.sql_url import SqlUrl

MOST = 500
QUERIES = {
    "sqlite": (
        "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' order by name"
    ),
    "postgresql": (
        "select case when table_schema = current_schema() then table_name else table_schema || '.' || table_name end "
        "from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema') order by 1"
    ),
    "mysql": "select table_name from information_schema.tables where table_schema = database() order by table_name",
}
OTHER_NAMES = {"mariadb": "mysql"}


def tables(source: SqlSource, resolve: Callable[[Secret], str], reach: Reach) -> tuple[str, ...] | None:
    """The names of its tables and views; None where it cannot be asked for them. Raises when it cannot be reached."""
    kind = SqlUrl.of(source.url, resolve).kind
    query = QUERIES.get(OTHER_NAMES.get(kind, kind))
    database = open_database(source, resolve, reach)
    if query is None:
        return None
    try:
        found = [str(row[0]) for rows in database.rows(query, ()) for row in rows]
    except InputError as error:
        if any(problem.code != "sql-error" for problem in error.problems):
            raise
        return None
    return tuple(found[:MOST])
