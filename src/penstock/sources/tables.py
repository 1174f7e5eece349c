"""The tables of a database, for whoever has to choose one."""

from __future__ import annotations

from collections.abc import Callable

from penstock.model.errors import InputError
from penstock.model.spec import Secret, SqlSource
from penstock.sources.opening import open_database

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
OTHER_NAMES = {"postgres": "postgresql", "mariadb": "mysql"}


def tables(source: SqlSource, resolve: Callable[[Secret], str]) -> tuple[str, ...] | None:
    """The names of its tables and views; None where it cannot be asked for them. Raises when it cannot be reached."""
    scheme = resolve(source.url).partition(":")[0].partition("+")[0].lower()
    query = QUERIES.get(OTHER_NAMES.get(scheme, scheme))
    database = open_database(source, resolve)
    if query is None:
        return None
    try:
        found = [str(row[0]) for rows in database.rows(query, ()) for row in rows]
    except InputError as error:
        if any(problem.code != "sql-error" for problem in error.problems):
            raise
        return None
    return tuple(found[:MOST])
