"""`Accounts`: people and their roles, the links with which they choose a password, their API tokens.

Every change is one transaction, so that two at once cannot leave the service without an admin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.model.errors import ConflictError, InputError, Problem
from penstock.model.rights import ROLES, Person, Right
from penstock.service.model import PersonRow, TokenRow
from penstock.service.people import sessions as secret
from penstock.service.store import people as rows
from penstock.store.database import Database

LINK_LIVES_S = 24 * 3600
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
RESERVED = frozenset({"me", "local", "anonymous", "nobody", "schedule", "system"})


@dataclass(frozen=True, slots=True)
class Accounts:
    """`draw(n)` is a text of n random bytes."""

    database: Database
    clock: Clock
    draw: Callable[[int], str]

    # ── links ────────────────────────────────────────────────────────────────

    def setup_link(self, *, only: bool = False) -> str | None:
        """The secret of a new link that makes the first person; None when there is a person already.

        `only`: earlier links become void.
        """
        with self.database.begin() as conn:
            if rows.count(conn):
                return None
            if only:
                rows.end_links(conn, None)
            return self._link(conn, None)

    def reset(self, name: str) -> str:
        """The secret of a new link by which a person chooses a new password; those made before are over."""
        with self.database.begin() as conn:
            found = known(conn, name)
            rows.end_links(conn, found.name)
            return self._link(conn, found.name)

    def _link(self, conn: Connection, owner: str | None) -> str:
        drawn = self.draw(32)
        rows.add_link(conn, secret.digest(drawn), owner, self.clock.now().timestamp() + LINK_LIVES_S)
        return drawn

    def use_link(self, token: str, name: str, password: str) -> PersonRow:
        """Set a password by a one-time link: of the first person, an admin who is made by it, or of the link's own."""
        name = proper_name(name)
        with self.database.read() as conn:
            self._owner(conn, token, name)
        secret.check_password(password, name)
        hashed = secret.hash_password(password)
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
        found = rows.link(conn, secret.digest(token), self.clock.now().timestamp())
        if found is None or (found[0] is None and rows.count(conn)):
            message = "this link was used already, is older than a day, or never was one"
            raise InputError(Problem("token", message, "link-over", "`penstock people setup-link` makes a new one"))
        if found[0] not in (None, name):
            raise InputError(
                Problem("name", "this link is for another person", "wrong-name", "write the name it is for")
            )
        return found[0]

    def new_row(
        self, name: str, role: str, email: str | None, hashed: str | None, subject: str | None = None
    ) -> PersonRow:
        """A new person. The epoch begins with the moment: sessions of a former person of this name stay over."""
        now = self.clock.now()
        return PersonRow(name, role, iso(now), email, hashed, subject, epoch=int(now.timestamp() * 1000))

    # ── people ───────────────────────────────────────────────────────────────

    def everybody(self) -> list[PersonRow]:
        with self.database.read() as conn:
            return rows.listed(conn)

    def one(self, name: str) -> PersonRow:
        """The person of this name. InputError `unknown-person` when there is none."""
        with self.database.read() as conn:
            return known(conn, name)

    def add(self, name: str, role: str, *, email: str | None = None, password: str | None = None) -> PersonRow:
        """A new person; without a password they need a link (`reset`) or the identity provider to sign in."""
        name, hashed = proper_name(name), None
        proper_role(role)
        if password is not None:
            secret.check_password(password, name)
            hashed = secret.hash_password(password)
        row = self.new_row(name, role, proper_email(email), hashed)
        with self.database.begin() as conn:
            if rows.person(conn, name) is not None:
                raise ConflictError(
                    Problem("name", f"there is a {name} already", "name-taken", "take another name", name)
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
        """Give another role, address or password; without `sign_on` the link to an identity provider is removed.

        A new password, and the end of `sign_on`, end the sessions there are. `guard` raises when the person is not as
        the writer read them.
        """
        values: dict[str, str | None] = {}
        if role is not None:
            values["role"] = proper_role(role)
        if email is not None:
            values["email"] = proper_email(email)
        if password is not None:
            secret.check_password(password, name)
            values["password"] = secret.hash_password(password)
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
        """Take a person out, with sessions and tokens."""
        with self.database.begin() as conn:
            found = known(conn, name)
            _not_the_last(conn, found)
            rows.remove(conn, found.name)

    # ── tokens ───────────────────────────────────────────────────────────────

    def tokens(self, owner: str | None = None) -> list[TokenRow]:
        with self.database.read() as conn:
            return rows.listed_tokens(conn, owner)

    def add_token(self, owner: str, name: str, role: str, expires_at: str | None = None) -> tuple[TokenRow, str]:
        """A new token and its text, which is shown this once. Its role is never more than its owner's."""
        proper_role(role)
        if not 0 < len(name.strip()) <= 100 or not name.isprintable():
            raise InputError(
                Problem("name", "a token's name has 1 to 100 characters", "wrong-value", "say what it is for")
            )
        text = secret.TOKEN_MARK + self.draw(32)
        now = self.clock.now()
        with self.database.begin() as conn:
            found = known(conn, owner)
            if ROLES[role] > ROLES[found.role]:
                message = f"a token of {owner} can be {found.role} at most"
                raise InputError(Problem("role", message, "wrong-value", f"write {found.role}", role))
            identity = f"t-{secret.digest(self.draw(16))[:12]}"
            ends = None if expires_at is None else _end(expires_at, now)
            row = TokenRow(identity, secret.digest(text), found.name, name.strip(), role, iso(now), ends)
            rows.add_token(conn, row)
        return row, text

    def remove_token(self, identity: str, *, by: Person | None = None) -> None:
        """End a token; `by` may end only their own, unless they are an admin."""
        with self.database.begin() as conn:
            found = rows.token(conn, identity)
            if found is None or (by is not None and by.right < Right.ADMIN and found.owner != by.name):
                message, hint = f"there is no token {identity}", "`penstock token list` lists them"
                raise InputError(Problem("token", message, "unknown-token", hint, identity))
            rows.remove_token(conn, identity)

    def of_token(self, text: str) -> Person | None:
        """The person of an API token now; None when there is none such, or it has ended."""
        now = iso(self.clock.now())
        with self.database.read() as conn:
            found = rows.token_of_hash(conn, secret.digest(text))
            owner = None if found is None else rows.person(conn, found.owner)
        if found is None or owner is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        if (
            found.used_at is None or found.used_at[:16] < now[:16]
        ):  # to the minute: a write for each request is too dear
            with self.database.begin() as conn:
                rows.token_used(conn, found.id, now)
        return Person(owner.name, min(ROLES[found.role], ROLES[owner.role]), found.id)


def known(conn: Connection, name: str) -> PersonRow:
    """The person of this name, however it is spelled."""
    found = rows.person(conn, name.strip().lower())
    if found is None:
        message, hint = f"there is no person {name}", "`penstock people list` lists them"
        raise InputError(Problem("name", message, "unknown-person", hint, name))
    return found


def _not_the_last(conn: Connection, found: PersonRow) -> None:
    if found.role == "admin" and rows.count(conn, "admin") == 1:
        message = f"{found.name} is the last admin: nobody could let people in"
        raise ConflictError(Problem("name", message, "last-admin", "make somebody else an admin first", found.name))


def proper_name(name: str) -> str:
    """A name as it is stored: lower case."""
    kept = name.strip().lower()
    if NAME.fullmatch(kept) is None or kept in RESERVED:
        message = "a name has 1 to 64 letters a-z, digits or . _ @ + -, and begins with a letter or digit"
        if kept in RESERVED:
            message = f"{kept} is a word of Penstock's own"
        raise InputError(Problem("name", message, "wrong-value", "ada, or ada@example.com", name[:80]))
    return kept


def proper_role(role: str) -> str:
    if role not in ROLES:
        raise InputError(
            Problem("role", "there is no such role", "wrong-value", f"write one of {', '.join(ROLES)}", role)
        )
    return role


def proper_email(email: str | None) -> str | None:
    """An address as it was given; None for an empty one."""
    if email is None or not email.strip():
        return None
    kept = email.strip()
    if len(kept) > 254 or not kept.isprintable() or " " in kept or "@" not in kept[1:-1]:
        raise InputError(Problem("email", "this is no e-mail address", "wrong-value", "ada@example.com", kept[:80]))
    return kept


def _end(text: str, now: datetime) -> str:
    hint = f"write a moment to come, such as {iso(now + timedelta(days=90))}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(Problem("expires_at", "this is no moment", "wrong-value", hint, text[:80])) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise InputError(Problem("expires_at", "this moment is past", "wrong-value", hint, text[:80]))
    return iso(moment)
