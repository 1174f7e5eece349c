"""The rotation of the sealing key: everything sealed is sealed again, while other processes open old and new.

With the key file: the new key is put in front of the old one, everything is sealed again in one transaction, the old
key is removed. A process that dies in between leaves a file with both keys, and the next rotation completes the first.
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.model.errors import InputError, Problem
from penstock.run.context import sealer_of
from penstock.service.model import Rotated
from penstock.store.database import Database
from penstock.store.project import credentials
from penstock.store.project.credentials import KEY_VARIABLE
from penstock.store.project.sealed_columns import seal_anew


def rotate(database: Database, environ: Mapping[str, str]) -> Rotated:
    """Seal everything with another key. InputError when something opens with none of the keys: then nothing changes."""
    from_environment = KEY_VARIABLE in environ
    if from_environment and not sealer_of(environ, database.folder).older:
        message = f"{KEY_VARIABLE} holds one key: there is no other to rotate to"
        hint = "write the new key in front of it, with a comma between, and run this again"
        raise InputError(Problem(KEY_VARIABLE, message, "one-key", hint))
    if not from_environment:
        credentials.put_new_key_first(database.folder)
    ring = sealer_of(environ, database.folder)
    with database.begin() as conn:
        number = seal_anew(conn, ring)
    if not from_environment:
        credentials.drop_older_keys(database.folder)
    return Rotated(ring.ids()[0], number, from_environment)
