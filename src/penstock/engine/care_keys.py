"""Another sealing key: everything sealed is sealed anew, while other processes go on opening old and new.

With the key file: the new key is put in front of the old one, everything is sealed anew in one transaction, the old key
goes. Whoever dies in between leaves a file with both keys, and the next rotation ends what was begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from penstock.engine.surroundings import sealer_of
from penstock.model.errors import InputError, Problem
from penstock.stores import credentials, sealed
from penstock.stores.credentials import KEY_VARIABLE
from penstock.stores.database import Database


@dataclass(frozen=True, slots=True)
class Rotated:
    """`sealed` texts were sealed anew by the key of id `key`; `from_environment`: a person takes the old key out."""

    key: str
    sealed: int
    from_environment: bool


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
        number = sealed.seal_anew(conn, ring)
    if not from_environment:
        credentials.drop_older_keys(database.folder)
    return Rotated(ring.ids()[0], number, from_environment)


def seal_by_derived_keys(database: Database, environ: Mapping[str, str]) -> None:
    """Seal anew what 0.1.0 sealed with the sealing key itself. Nothing, where something opens with none of the keys."""
    with database.read() as conn:
        if not credentials.sealed_by_root(conn):
            return
    with suppress(InputError), database.begin() as conn:  # it still opens as before: `doctor` names the missing key
        sealed.seal_anew(conn, sealer_of(environ, database.folder))
