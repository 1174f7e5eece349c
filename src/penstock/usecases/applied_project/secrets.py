"""Sealed secrets of the project's credentials and sources: deleted with the resource that they belong to.

A sealed key may only be sent to the hosts it was given for: no edit of the project alone can send it elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from penstock.config.document import tree_of
from penstock.config.values.addresses import split_address
from penstock.model.errors import InputError, Problem
from penstock.run.context import sealer_of
from penstock.store.database import Database
from penstock.store.project import credentials
from penstock.store.project.sealed_columns import seal_anew

Values = Mapping[str, Mapping[str, Any]]  # credentials of the project, by name


def sealed_name(source: str) -> str:
    """The name under which a source's secret is sealed: no credential can have it."""
    return f"sources/{source}"


def forget_removed(conn: Connection, before: str, after: str) -> None:
    """Forget the secrets of what is in the project's text `before` and no more in `after`."""
    old, new = tree_of(before), tree_of(after)
    for name in old["credentials"].entries().keys() - new["credentials"].entries().keys():
        credentials.forget_credential(conn, name)
        credentials.forget_check(conn, name)
    for name in old["sources"].entries().keys() - new["sources"].entries().keys():
        credentials.forget_credential(conn, sealed_name(name))


def refuse_strangers(conn: Connection, before: Values, after: Values, given: Mapping[str, str]) -> None:
    """InputError where a sealed key could go to a host it could not go to before, and is not `given` again.

    An editor of a credential need not know its key, and could read it at a host of their own.
    """
    problems = []
    for name, new in after.items():
        old = before.get(name)
        if old is None or name in given or "api_key" in new or not credentials.has_secret(conn, name):
            continue
        strange = sorted(hosts_of(new) - hosts_of(old))
        if strange:
            message = f"the sealed key of {name} would go to {', '.join(strange)}, which it was not given for"
            hint = "edit the credential, and give the key anew with it as `api_key`: it is sealed, not written down"
            problems.append(Problem(f"credentials.{name}", message, "key-needed", hint, strange[0]))
    if problems:
        raise InputError(*problems)


def hosts_of(credential: Mapping[str, Any]) -> set[str]:
    """The hosts that may see the key beside Custify's own, each with its port where it has one."""
    own = split_address(credential.get("base_url", "auto"))
    named = set(credential.get("allowed_hosts") or ())
    return named if own is None else named | {own[1].netloc.rpartition("@")[2].lower()}


def seal_by_derived_keys(database: Database, environ: Mapping[str, str]) -> None:
    """Seal again what 0.1.0 sealed with the sealing key itself. Does nothing where a text opens with no key."""
    with database.read() as conn:
        if not credentials.sealed_by_root(conn):
            return
    with suppress(InputError), database.begin() as conn:  # it still opens as before: `doctor` names the missing key
        seal_anew(conn, sealer_of(environ, database.folder))
