"""`Accounts`: users and their roles, passwords, the links with which they choose a password, their API tokens.

Every change is one transaction, so that concurrent changes cannot leave the service without an admin. Passwords are
stored as argon2id hashes. Tokens and links are 256 random bits, so a plain digest of them is enough.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.model.errors import ConflictError, InputError, Problem
from penstock.service.model import ROLES, Person, PersonRow, Right, TokenRow
from penstock.service.store import people as rows
from penstock.store.database import Database

if TYPE_CHECKING:
    from argon2 import PasswordHasher


LINK_LIVES_S = 24 * 3600
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
RESERVED = frozenset({"me", "local", "anonymous", "nobody", "schedule", "system"})
SHORTEST, LONGEST = 12, 1000  # characters of a password
TOKEN_MARK = "pst_"  # noqa: S105 - the prefix of every token
_HASHING = threading.BoundedSemaphore(2)  # each hash takes 19 MiB and a core


@dataclass(frozen=True, slots=True)
class Accounts:
    """`draw(n)` returns n random bytes as text."""

    database: Database
    clock: Clock
    draw: Callable[[int], str]

    # ── links ────────────────────────────────────────────────────────────────

    def setup_link(self, *, only: bool = False) -> str | None:
        """The secret of a new link that creates the first user; None if there are users.

        With `only`, earlier links become void.
        """
        with self.database.begin() as conn:
            if rows.count(conn):
                return None
            if only:
                rows.end_links(conn, None)
            return self._link(conn, None)

    def reset(self, name: str) -> str:
        """The secret of a new link with which a user chooses a new password; their earlier links become void."""
        with self.database.begin() as conn:
            found = known(conn, name)
            rows.end_links(conn, found.name)
            return self._link(conn, found.name)

    def _link(self, conn: Connection, owner: str | None) -> str:
        drawn = self.draw(32)
        rows.add_link(conn, digest(drawn), owner, self.clock.now().timestamp() + LINK_LIVES_S)
        return drawn

    def use_link(self, token: str, name: str, password: str) -> PersonRow:
        """Set a password with a one-time link. The link is for its user, or creates the first user, an admin."""
        name = proper_name(name)
        with self.database.read() as conn:
            self._owner(conn, token, name)
        check_password(password, name)
        hashed = hash_password(password)
        with self.database.begin() as conn:
            owner = self._owner(conn, token, name)
            rows.end_links(conn, owner)
            if owner is None:
                rows.add(conn, self.new_row(name, "admin", None, hashed))
            else:
                rows.change(conn, owner, {"password": hashed})
                rows.end_sessions(conn, owner)
            return known(conn, name)

    def _owner(self, conn: Connection, token: str, name: str) -> str | None:
        found = rows.link(conn, digest(token), self.clock.now().timestamp())
        has_users = rows.count(conn) > 0
        if found is None or (found[0] is None and has_users):
            message = "this link is invalid, was used, or is older than a day"
            by_start = "restart the service: it prints a new link when it starts"
            hint = "an admin can create a new link under Settings, Users" if has_users else by_start
            raise InputError(Problem("token", message, "link-over", hint))
        if found[0] not in (None, name):
            raise InputError(
                Problem("name", "this link is for another user", "wrong-name", "enter the name of its user")
            )
        return found[0]

    def new_row(
        self, name: str, role: str, email: str | None, hashed: str | None, subject: str | None = None
    ) -> PersonRow:
        """A new user. Their epoch begins with the current time, so that sessions of a deleted user of this name stay
        invalid.
        """
        now = self.clock.now()
        return PersonRow(name, role, iso(now), email, hashed, subject, epoch=int(now.timestamp() * 1000))

    # ── users ────────────────────────────────────────────────────────────────

    def everybody(self) -> list[PersonRow]:
        with self.database.read() as conn:
            return rows.listed(conn)

    def one(self, name: str) -> PersonRow:
        """The user of this name. InputError `unknown-person` if there is none."""
        with self.database.read() as conn:
            return known(conn, name)

    def add(self, name: str, role: str, *, email: str | None = None, password: str | None = None) -> PersonRow:
        """Add a user. Without a password they need a link (`reset`) or the identity provider to sign in."""
        name, hashed = proper_name(name), None
        proper_role(role)
        if password is not None:
            check_password(password, name)
            hashed = hash_password(password)
        row = self.new_row(name, role, proper_email(email), hashed)
        with self.database.begin() as conn:
            if rows.person(conn, name) is not None:
                raise ConflictError(
                    Problem("name", f"there is already a user {name}", "name-taken", "use another name", name)
                )
            rows.add(conn, row)
        return row

    def change(
        self,
        name: str,
        *,
        role: str | None = None,
        email: str | None = None,
        password: str | None = None,
        sign_on: bool = True,
        guard: Callable[[PersonRow], None] = lambda _: None,
    ) -> PersonRow:
        """Change a user's role, email or password. With `sign_on` false, the link to the identity provider is removed.

        A new password, or the removal of this link, ends all sessions of the user. `guard` receives the present user,
        and raises if the writer has read another version.
        """
        values: dict[str, str | None] = {}
        if role is not None:
            values["role"] = proper_role(role)
        if email is not None:
            values["email"] = proper_email(email)
        if password is not None:
            check_password(password, name)
            values["password"] = hash_password(password)
        if not sign_on:
            values["subject"] = None
        with self.database.begin() as conn:
            found = known(conn, name)
            guard(found)
            if role not in (None, "admin"):
                _not_the_last(conn, found)
            rows.change(conn, found.name, values)
            if password is not None or not sign_on:
                rows.end_sessions(conn, found.name)
            return known(conn, name)

    def remove(self, name: str) -> None:
        """Delete a user with their sessions and tokens."""
        with self.database.begin() as conn:
            found = known(conn, name)
            _not_the_last(conn, found)
            rows.remove(conn, found.name)

    # ── tokens ───────────────────────────────────────────────────────────────

    def tokens(self, owner: str | None = None) -> list[TokenRow]:
        with self.database.read() as conn:
            return rows.listed_tokens(conn, owner)

    def add_token(self, owner: str, name: str, role: str, expires_at: str | None = None) -> tuple[TokenRow, str]:
        """A new token and its text, which is not stored. Its role is at most its owner's."""
        proper_role(role)
        if not 0 < len(name.strip()) <= 100 or not name.isprintable():
            raise InputError(
                Problem("name", "a token's name has 1 to 100 characters", "wrong-value", "name its purpose")
            )
        text = TOKEN_MARK + self.draw(32)
        now = self.clock.now()
        with self.database.begin() as conn:
            found = known(conn, owner)
            if ROLES[role] > ROLES[found.role]:
                message = f"a token of {owner} can have at most the role {found.role}"
                raise InputError(Problem("role", message, "wrong-value", f"use {found.role}", role))
            identity = f"t-{digest(self.draw(16))[:12]}"
            ends = None if expires_at is None else _end(expires_at, now)
            row = TokenRow(identity, digest(text), found.name, name.strip(), role, iso(now), ends)
            rows.add_token(conn, row)
        return row, text

    def remove_token(self, identity: str, *, by: Person | None = None) -> None:
        """Delete a token; `by` may delete only their own tokens, unless they are an admin."""
        with self.database.begin() as conn:
            found = rows.token(conn, identity)
            if found is None or (by is not None and by.right < Right.ADMIN and found.owner != by.name):
                message, hint = f"there is no token {identity}", "`penstock token list` lists them"
                raise InputError(Problem("token", message, "unknown-token", hint, identity))
            rows.remove_token(conn, identity)

    def of_token(self, text: str) -> Person | None:
        """The user of an API token, with the lower of both roles; None if the token is unknown or has expired."""
        now = iso(self.clock.now())
        with self.database.read() as conn:
            found = rows.token_of_hash(conn, digest(text))
            owner = None if found is None else rows.person(conn, found.owner)
        if found is None or owner is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        if (
            found.used_at is None or found.used_at[:16] < now[:16]
        ):  # once a minute, since a write per request is too expensive
            with self.database.begin() as conn:
                rows.token_used(conn, found.id, now)
        return Person(owner.name, min(ROLES[found.role], ROLES[owner.role]), found.id)


def known(conn: Connection, name: str) -> PersonRow:
    """The user of this name in any case. InputError `unknown-person` if there is none."""
    found = rows.person(conn, name.strip().lower())
    if found is None:
        message, hint = f"there is no user {name}", "`penstock people list` lists them"
        raise InputError(Problem("name", message, "unknown-person", hint, name))
    return found


def is_last_admin(conn: Connection, found: PersonRow) -> bool:
    return found.role == "admin" and rows.count(conn, "admin") == 1


def _not_the_last(conn: Connection, found: PersonRow) -> None:
    if is_last_admin(conn, found):
        message = f"{found.name} is the last admin"
        raise ConflictError(Problem("name", message, "last-admin", "make another user an admin first", found.name))


def proper_name(name: str) -> str:
    """A name as it is stored, in lower case. InputError for an invalid name."""
    proper = name.strip().lower()
    if NAME.fullmatch(proper) is None or proper in RESERVED:
        message = "a name has 1 to 64 letters a-z, digits or . _ @ + -, and begins with a letter or digit"
        if proper in RESERVED:
            message = f"the name {proper} is reserved"
        raise InputError(
            Problem("name", message, "wrong-value", "use a name such as ada or ada@example.com", name[:80])
        )
    return proper


def proper_role(role: str) -> str:
    if role not in ROLES:
        raise InputError(
            Problem("role", "there is no such role", "wrong-value", f"use one of {', '.join(ROLES)}", role)
        )
    return role


def proper_email(email: str | None) -> str | None:
    """An email address without surrounding spaces; None for an empty one. InputError for other text."""
    if email is None or not email.strip():
        return None
    proper = email.strip()
    if len(proper) > 254 or not proper.isprintable() or " " in proper or "@" not in proper[1:-1]:
        hint = "use an address such as ada@example.com"
        raise InputError(Problem("email", "this is not an email address", "wrong-value", hint, proper[:80]))
    return proper


def _end(text: str, now: datetime) -> str:
    hint = f"use a time in the future, such as {iso(now + timedelta(days=90))}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(Problem("expires_at", "this is not a time", "wrong-value", hint, text[:80])) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise InputError(Problem("expires_at", "this time is in the past", "wrong-value", hint, text[:80]))
    return iso(moment)


# ── passwords and digests ────────────────────────────────────────────────────


def digest(secret: str) -> str:
    """The stored digest of a token or link."""
    return sha256(secret.encode()).hexdigest()


def hash_password(password: str) -> str:
    with _HASHING:
        return _hasher().hash(_plain(password))


def is_password(password: str, hashed: str | None) -> bool:
    """Whether the password has the stored hash. It takes as long if there is no hash."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - only where people sign in

    hasher, nobody = _hasher(), _nobody()
    with _HASHING:
        try:
            hasher.verify(nobody if hashed is None else hashed, _plain(password)[:LONGEST])
        except (InvalidHashError, VerificationError):
            return False
    return hashed is not None


def check_password(password: str, name: str) -> None:
    """InputError for a password that is too short, too long or too easy to guess."""
    plain = _plain(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        message = f"a password has {SHORTEST} to {LONGEST} characters"
        raise InputError(Problem("password", message, "weak-password", "use a few unrelated words"))
    if plain.casefold().strip() == name.casefold() or len(set(plain)) < 4:
        raise InputError(Problem("password", "this password is too easy to guess", "weak-password", "use another one"))


def _plain(password: str) -> str:
    """The password in the normal form NFKC: keyboards compose the same characters differently."""
    return unicodedata.normalize("NFKC", password)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - only where people sign in

    return PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password has, to compare with for unknown names."""
    return _hasher().hash(sha256(b"nobody").hexdigest() + "\0")
