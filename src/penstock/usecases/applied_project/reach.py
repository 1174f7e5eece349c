"""What a project may reach: on the command line as much as the person, in a service what is granted.

A sealed secret is sent only to the hosts for which it was given, so that an edit of the project alone cannot send it
elsewhere. It is deleted together with its credential or source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from penstock.config.credentials import split_address, variables_of
from penstock.config.document import tree_of
from penstock.model.errors import InputError, Problem
from penstock.model.reach import COMMAND_LINE, OPEN_FOLDERS, OUR_VARIABLES, Reach, SqlHost, sql_hosts
from penstock.run.context import sealer_of
from penstock.store.database import Database
from penstock.store.project import credentials, resources
from penstock.store.project.credentials import reseal
from penstock.store.project.resources import put_setting, setting

if TYPE_CHECKING:
    import psycopg

ROOTS, VARIABLES, HOSTS = "PENSTOCK_FILE_ROOTS", "PENSTOCK_ENV_ALLOWED", "PENSTOCK_SQL_HOSTS"
SETTING = "reach"


@dataclass(frozen=True, slots=True)
class Granted:
    """What `apply` on the command line grants to the service: a folder and names of variables.

    `base` is "" if nothing was applied; then paths start at the state's folder.
    """

    base: str = ""
    variables: tuple[str, ...] = ()

    @staticmethod
    def by(base: str, text: str) -> Granted:
        """What applying this project grants."""
        names = {name for name in variables_of(text) if not name.startswith(OUR_VARIABLES)}
        return Granted(base, tuple(sorted(names)))


def reach_of(database: Database, environ: Mapping[str, str], *, in_service: bool = False) -> Reach:
    """The reach of this process. Raises InputError if a service has a wrong variable."""
    return service_reach(database, environ) if in_service else personal_reach(database, environ)


def personal_reach(database: Database, environ: Mapping[str, str]) -> Reach:
    """The reach of a command: everything except the state and the keys."""
    secret_files = [
        Path(os.path.realpath(path))
        for name, path in sorted(environ.items())
        if path and (name.endswith("_SECRET_FILE") or (name.startswith(OUR_VARIABLES) and name.endswith("_FILE")))
    ]
    return Reach(
        database=None if database.path is None else Path(os.path.realpath(database.path)),
        folder=Path(os.path.realpath(database.folder)),
        secret_files=tuple(secret_files),
        server=_server_of(database) if database.is_shared else None,
    )


def service_reach(database: Database, environ: Mapping[str, str]) -> Reach:
    """A service's reach by its environment, else by what `apply` granted. Raises InputError for a wrong variable."""
    own = personal_reach(database, environ)
    with database.read() as conn:
        granted = granted_by(conn)
    assert own.folder is not None
    open_folders = tuple(own.folder / name for name in OPEN_FOLDERS)
    given = environ.get(ROOTS)
    roots = [granted.base or str(own.folder)] if given is None else given.split(":")
    names = environ.get(VARIABLES)
    allowed = granted.variables if names is None else [name.strip() for name in names.split(",")]
    return replace(
        own,
        is_service=True,
        roots=(*(Path(os.path.realpath(root)) for root in roots if root.strip()), *open_folders),
        variables=frozenset(name for name in allowed if name and not name.startswith(OUR_VARIABLES)),
        hosts=_hosts(environ),
    )


def _hosts(environ: Mapping[str, str]) -> tuple[SqlHost, ...] | None:
    given = environ.get(HOSTS)
    if given is None:
        return None
    try:
        return sql_hosts(given)
    except ValueError as error:
        hint = "write host or host:port, separated by commas: db.example.com, 10.0.0.5:5432"
        raise InputError(Problem(HOSTS, "this is not a host", "bad-host", hint, str(error))) from None


def _server_of(database: Database) -> str:
    from penstock.sources.databases.postgres import postgres_identity  # noqa: PLC0415 - only for PostgreSQL

    with database.read() as conn:
        return postgres_identity(cast("psycopg.Connection[Any]", conn.connection.driver_connection))


def granted_by(conn: Connection) -> Granted:
    """What the last `apply` on the command line granted; for a state from before 0.2, derived from its version."""
    found = setting(conn, SETTING)
    if found is not None:
        return Granted(str(found.document["base"]), tuple(found.document["variables"]))
    applied = resources.newest_version_by(conn, COMMAND_LINE)
    return Granted() if applied is None else Granted.by(applied.base, applied.text)


def grant(conn: Connection, granted: Granted, *, at: str) -> None:
    """Store what an `apply` on the command line grants."""
    document = {"base": granted.base, "variables": list(granted.variables)}
    put_setting(conn, SETTING, document, by=COMMAND_LINE, at=at)


Values = Mapping[str, Mapping[str, Any]]  # credentials of the project, by name


def sealed_name(source: str) -> str:
    """The name under which a source's secret is sealed. No credential can have this name."""
    return f"sources/{source}"


def forget_removed(conn: Connection, before: str, after: str) -> None:
    """Delete the secrets of credentials and sources that are in the text `before` and not in `after`."""
    old, new = tree_of(before), tree_of(after)
    for name in old["credentials"].entries().keys() - new["credentials"].entries().keys():
        credentials.forget_credential(conn, name)
        credentials.forget_check(conn, name)
    for name in old["sources"].entries().keys() - new["sources"].entries().keys():
        credentials.forget_credential(conn, sealed_name(name))


def refuse_new_hosts(conn: Connection, before: Values, after: Values, given: Mapping[str, str]) -> None:
    """Raise InputError if a sealed key could be sent to a new host and is not `given` again.

    Otherwise an editor of a credential, who need not know its key, could send it to a host of their own.
    """
    problems = []
    for name, new in after.items():
        old = before.get(name)
        if old is None or name in given or "api_key" in new or not credentials.has_secret(conn, name):
            continue
        strange = sorted(hosts_of(new) - hosts_of(old))
        if strange:
            message = f"the sealed key of {name} would go to {', '.join(strange)}, which it was not given for"
            hint = "give the key again in the same edit, as `api_key`: it is sealed, not stored in the project"
            problems.append(Problem(f"credentials.{name}", message, "key-needed", hint, strange[0]))
    if problems:
        raise InputError(*problems)


def hosts_of(credential: Mapping[str, Any]) -> set[str]:
    """The hosts that may receive the key besides Custify's own, each with its port if it has one."""
    own = split_address(credential.get("base_url", "auto"))
    named = set(credential.get("allowed_hosts") or ())
    return named if own is None else named | {own[1].netloc.rpartition("@")[2].lower()}


def seal_by_derived_keys(database: Database, environ: Mapping[str, str]) -> None:
    """Seal again what 0.1.0 sealed with the sealing key itself. Does nothing if a secret cannot be opened."""
    with database.read() as conn:
        if not credentials.sealed_by_root(conn):
            return
    with suppress(InputError), database.begin() as conn:  # `doctor` reports the missing key
        reseal(conn, sealer_of(environ, database.folder))
