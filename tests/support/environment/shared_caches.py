"""Lets all command lines and all databases of a test process share what the libraries derive from code alone.

A test executes several command lines, each of which opens its own engine. Without this, SQLAlchemy would compile every
statement for every engine, and Cyclopts would read the signature of every command for every command line.
"""

import sys
from functools import lru_cache
from typing import Any

STATEMENTS = 5000


def share_caches() -> None:
    """Changes those of the two libraries that this process has imported."""
    if "sqlalchemy" in sys.modules:
        _share_statements()
    if "cyclopts" in sys.modules:
        _share_signatures()


def _share_statements() -> None:
    """Compiled statements are cached by dialect: dialects of one database are equal, and all engines have one cache."""
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
    from sqlalchemy.engine import Engine
    from sqlalchemy.util import LRUCache

    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = lambda self, other: type(self) is type(other)
        dialect.__hash__ = lambda self: hash(type(self))
    cache: LRUCache[Any, Any] = LRUCache(STATEMENTS)
    Engine._compiled_cache = property(lambda _engine: cache, lambda _engine, _own: None)


def _share_signatures() -> None:
    """The types of a function's parameters, and the groups of an application's commands."""
    from cyclopts import app_stack, field_info

    field_info.get_type_hints = lru_cache(maxsize=None)(field_info.get_type_hints)
    groups_of, known = app_stack.inverse_groups_from_app, {}

    def groups(app):
        if id(app) not in known:
            known[id(app)] = (app, groups_of(app))  # with the application itself, so that its id stays its own
        return known[id(app)][1]

    app_stack.inverse_groups_from_app = groups
