"""API keys, sealed with AES-256-GCM, and the result of a credential's check.

The sealing key comes from `PENSTOCK_SECRET_KEY` (any text; it is hashed to 256 bits) or from the file `secret.key`
beside the database, made with mode 0600 on first use. Either may hold several, separated by commas (in the file: one a
line): the first seals, the others still open, while a key is being rotated. A sealed text is: version byte, key id (4),
nonce (12), cipher text and tag; the credential's name is authenticated with it, so that a text cannot be moved to
another name. `SEALED_COLUMNS` lists every column that holds sealed texts.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, Table, and_, delete, select, update

from penstock.model.errors import InputError, Problem, StateUnavailable
from penstock.store.database import upsert
from penstock.store.service_tables import answers
from penstock.store.tables import checks, credentials

KEY_VARIABLE = "PENSTOCK_SECRET_KEY"
KEY_FILE = "secret.key"
_BY_ROOT, _VERSION = b"\x01", b"\x02"  # sealed with the key itself, as 0.1.0 did; with a key of its own
_ID, _NONCE, _KEY = 4, 12, 32


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """The base that answered as an API; `made_for` names the bases that were tried."""

    name: str
    base_url: str
    made_for: str
    checked_at: str
    ok: bool
    report: Mapping[str, Any] | None = None  # the whole answer, as JSON; older checks stored none


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals small secrets, each with a key of its own that is derived from `key`: a leaked one opens one secret.

    Opens what `key` or an older one has sealed.
    """

    key: bytes = field(repr=False)
    older: tuple[bytes, ...] = field(default=(), repr=False)

    @staticmethod
    def from_text(text: str) -> Sealer:
        """The keys made of texts with commas between. InputError when there is none: that would seal with nothing."""
        keys = [sha256(part.strip().encode()).digest() for part in text.split(",") if part.strip()]
        if not keys:
            message = f"the environment variable {KEY_VARIABLE} is empty"
            hint = "give it a long random text, or unset it: then a key file is made beside the state"
            raise InputError(Problem(KEY_VARIABLE, message, "empty-key", hint, found="nothing"))
        return Sealer(keys[0], tuple(keys[1:]))

    @staticmethod
    def from_folder(folder: Path) -> Sealer:
        """The key of `secret.key`, made on first use. StateUnavailable when it cannot be read or made."""
        path = folder / KEY_FILE
        try:
            if not path.exists():
                _make_key(path)
            first, *older = map(_key_of, path.read_text(encoding="ascii").split())
            return Sealer(first, tuple(older))
        except (OSError, ValueError) as error:
            raise _no_key(path, error) from error

    def key_for(self, purpose: str) -> bytes:
        """A key for one purpose."""
        return _derived(self.key, purpose)

    def seal(self, secret: str, name: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only where a key is sealed

        nonce, key = os.urandom(_NONCE), AESGCM(_derived(self.key, f"seal {name}"))
        return _VERSION + _id_of(self.key) + nonce + key.encrypt(nonce, secret.encode(), name.encode())

    def open(self, sealed: bytes, name: str) -> str:
        """The secret. InputError when it was sealed with another key, or altered."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        known, nonce, text = sealed[1 : 1 + _ID], sealed[1 + _ID : 1 + _ID + _NONCE], sealed[1 + _ID + _NONCE :]
        hint = f"restore the old {KEY_VARIABLE} or {KEY_FILE}, or run `penstock credential set {name}` again"
        key = next((key for key in (self.key, *self.older) if _id_of(key) == known), None)
        if key is None:
            message = f"the key of {name} was sealed with another {KEY_VARIABLE} (or {KEY_FILE}) than this one"
            raise InputError(Problem(f"credentials.{name}", message, "other-sealing-key", hint))
        own = {_BY_ROOT: key, _VERSION: _derived(key, f"seal {name}")}.get(sealed[:1], b"\0" * _KEY)
        try:
            return AESGCM(own).decrypt(nonce, text, name.encode()).decode()
        except InvalidTag as error:
            message = f"the sealed key of {name} was altered"
            raise InputError(Problem(f"credentials.{name}", message, "altered-seal", hint)) from error

    def is_newest(self, sealed: bytes) -> bool:
        """Whether this is sealed as new secrets are: with the first key, by a derived key."""
        return sealed[:1] == _VERSION and sealed[1 : 1 + _ID] == _id_of(self.key)

    def ids(self) -> tuple[str, ...]:
        """The keys' ids in hex, as they precede what they have sealed; the sealing key's first."""
        return tuple(_id_of(key).hex() for key in (self.key, *self.older))


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"penstock {purpose}".encode(), "sha256")


def _id_of(key: bytes) -> bytes:
    return blake2b(key, digest_size=_ID).digest()


def _make_key(path: Path) -> None:
    """Write a new key whole under another name, then link it: no process reads half a key, and the first one wins."""
    handle, draft = mkstemp(prefix=f"{path.name}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(os.urandom(_KEY).hex())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def put_new_key_first(folder: Path) -> None:
    """Add a new key before the present one, which still opens secrets. Does nothing if the file has two keys."""
    ring = Sealer.from_folder(folder)
    if not ring.older:
        _write_keys(folder, (os.urandom(_KEY), ring.key))


def drop_older_keys(folder: Path) -> None:
    """Remove all keys from the file except the one that seals."""
    _write_keys(folder, (Sealer.from_folder(folder).key,))


def _write_keys(folder: Path, keys: tuple[bytes, ...]) -> None:
    """Replace the key file in one step."""
    path = folder / KEY_FILE
    try:
        handle, draft = mkstemp(prefix=f"{path.name}.", dir=folder)  # 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("\n".join(key.hex() for key in keys))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
        shelf = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(shelf)
        finally:
            os.close(shelf)
    except OSError as error:
        raise _no_key(path, error) from error


def _key_of(text: str) -> bytes:
    key = bytes.fromhex(text.strip())
    if len(key) != _KEY:
        message = f"{len(key)} bytes instead of {_KEY}"
        raise ValueError(message)
    return key


def _no_key(path: Path, error: Exception) -> StateUnavailable:
    message = (
        f"the sealing key {path} cannot be read or made: {getattr(error, 'strerror', None) or type(error).__name__}"
    )
    return StateUnavailable(Problem(str(path), message, "no-sealing-key", f"check permissions, or set {KEY_VARIABLE}"))


def sealed_by_root(conn: Connection) -> bool:
    """Whether a secret is still sealed as 0.1.0 did."""
    return any(bytes(text[:1]) == _BY_ROOT for text in conn.execute(select(credentials.c.sealed)).scalars())


def set_credential(conn: Connection, sealer: Sealer, name: str, secret: str, at: str) -> None:
    row = {"name": name, "sealed": sealer.seal(secret, name), "at": at}
    upsert(conn, credentials, row)


def forget_credential(conn: Connection, name: str) -> None:
    """Delete a sealed secret."""
    conn.execute(delete(credentials).where(credentials.c.name == name))


def forget_check(conn: Connection, name: str) -> None:
    """Delete the result of a credential's check."""
    conn.execute(delete(checks).where(checks.c.credential == name))


def secret_of(conn: Connection, name: str, sealer: Sealer) -> str | None:
    """The sealed key of a credential, opened; None when there is none."""
    sealed = conn.execute(select(credentials.c.sealed).where(credentials.c.name == name)).scalar_one_or_none()
    return None if sealed is None else sealer.open(sealed, name)


def has_secret(conn: Connection, name: str) -> bool:
    """Whether a secret is sealed under this name."""
    return conn.execute(select(credentials.c.name).where(credentials.c.name == name)).one_or_none() is not None


def store_check(conn: Connection, check: StoredCheck) -> None:
    row = {
        "credential": check.name,
        "base_url": check.base_url,
        "made_for": check.made_for,
        "ok": check.ok,
        "at": check.checked_at,
        "report": None if check.report is None else orjson.dumps(check.report).decode(),
    }
    upsert(conn, checks, row)


def stored_check(conn: Connection, name: str) -> StoredCheck | None:
    row = conn.execute(select(checks).where(checks.c.credential == name)).mappings().one_or_none()
    if row is None:
        return None
    report = None if row["report"] is None else orjson.loads(row["report"])
    return StoredCheck(name, row["base_url"], row["made_for"], row["at"], row["ok"], report)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed texts; `named` is the name that a row's text was sealed for."""

    table: Table
    column: str
    named: Callable[[RowMapping], str]


def _sealed_name(row: RowMapping) -> Any:
    return row["name"]


def _sealed_request(row: RowMapping) -> str:
    return response_name(row["who"], row["key"])


def response_name(who: str, key: str) -> str:
    """The name under which the stored response of a request is sealed. No credential can have such a name."""
    return f"answers/{who}/{key}"


# A rotation of the sealing key seals all of these again.
SEALED_COLUMNS = (
    SealedColumn(credentials, "sealed", _sealed_name),
    SealedColumn(answers, "sealed", _sealed_request),
)


def key_ids(path: Path) -> Counter[str]:
    """How many texts each key (its id, in hex) has sealed, in a SQLite file of whatever version."""
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(path)) as connection:
        for sealed in SEALED_COLUMNS:
            table, column = sealed.table.name, sealed.column
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                key = f"lower(hex(substr({column}, 2, 4)))"
                query = f"SELECT {key}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"
                found.update(dict(connection.execute(query).fetchall()))
    return found


def sealing_key_ids(conn: Connection) -> Counter[str]:
    """How many texts each key (its id, in hex) has sealed."""
    found: Counter[str] = Counter()
    for sealed in SEALED_COLUMNS:
        column = sealed.table.c[sealed.column]
        found.update(
            bytes(text[1:5]).hex() for text in conn.execute(select(column).where(column.is_not(None))).scalars()
        )
    return found


def reseal(conn: Connection, ring: Sealer) -> int:
    """Seal again, with the ring's first key, what another of its keys or an older Penstock sealed; returns the number.

    InputError when something opens with none of them.
    """
    number = 0
    for sealed in SEALED_COLUMNS:
        table, column = sealed.table, sealed.table.c[sealed.column]
        for row in conn.execute(select(table).where(column.is_not(None))).mappings().all():
            name, text = sealed.named(row), row[sealed.column]
            opened = ring.open(text, name)
            if not ring.is_newest(text):
                mine = and_(*(key == row[key.name] for key in table.primary_key))
                conn.execute(update(table).where(mine).values({sealed.column: ring.seal(opened, name)}))
                number += 1
    return number
