"""People at the door (`app.people`): who signs in, whose cookie or token this is, and what was noted of it."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from penstock.clock import Clock, iso
from penstock.engine import people_secrets as secret
from penstock.engine.people_audit import Audit
from penstock.engine.people_register import Register
from penstock.engine.people_secrets import Session
from penstock.model.errors import InputError, Problem, TooManyTries
from penstock.model.people import ROLES, Person
from penstock.stores import people as rows
from penstock.stores import tries
from penstock.stores.credentials import Sealer
from penstock.stores.database import Database
from penstock.stores.people import PersonRow
from penstock.stores.tries import Patience

SESSION_LIVES_S = 7 * 24 * 3600
BY_NAME = Patience(free=5, longest_s=60)  # short: whoever only knows a name must not lock its owner out
BY_ADDRESS = Patience(free=20, longest_s=15 * 60)


@dataclass(frozen=True)
class Signed:
    """A session: who, and what their browser keeps."""

    person: Person
    cookie: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True)
class People:
    """`sealer` is what the keys of sessions are derived from; asked for once, when the first is needed."""

    database: Database
    clock: Clock
    sealer: Callable[[], Sealer]
    draw: Callable[[int], str] = secrets.token_urlsafe

    @cached_property
    def register(self) -> Register:
        """Who there is."""
        return Register(self.database, self.clock, self.draw)

    @cached_property
    def audit(self) -> Audit:
        """Who changed what."""
        return Audit(self.database, self.clock)

    @cached_property
    def _key(self) -> bytes:
        return secret.derive(self.sealer().key, "session")

    def is_known(self, name: str) -> bool:
        """Whether somebody is called this."""
        with self.database.read() as conn:
            return rows.person(conn, name.strip().lower()) is not None

    def nobody(self) -> bool:
        """Whether the first person is still to come."""
        with self.database.read() as conn:
            return rows.count(conn) == 0

    # ── sessions ─────────────────────────────────────────────────────────────

    def set_up(self, token: str, name: str, password: str) -> Signed:
        """Use a one-time link, and sign in."""
        return self._session(self.register.use_link(token, name, password))

    def sign_in(self, name: str, password: str, address: str) -> Signed:
        """A session by name and password. InputError `wrong-sign-in`, the same whatever is wrong; TooManyTries."""
        found = self._proven(name, password, address)
        if found is None:
            message, hint = "name or password is wrong", "an admin can make you a new link: `penstock people reset`"
            raise InputError(Problem("session", message, "wrong-sign-in", hint))
        return self._session(found)

    def sign_in_subject(self, subject: str) -> Signed | None:
        """A session of who the identity provider says this is; None when nobody is known by it."""
        with self.database.read() as conn:
            found = rows.person_of_subject(conn, subject)
        return None if found is None else self._session(found)

    def _session(self, row: PersonRow) -> Signed:
        now = int(self.clock.now().timestamp())
        with self.database.begin() as conn:
            rows.change(conn, row.name, {"seen_at": iso(self.clock.now())})
        session = Session(row.name, row.epoch, now, now + SESSION_LIVES_S, self.draw(16))
        cookie = secret.signed(session, self._key)
        return Signed(Person(row.name, ROLES[row.role]), cookie, self.csrf(cookie))

    def of_cookie(self, cookie: str) -> Person | None:
        """Whose session this is; None when it is nobody's, or over."""
        session = secret.opened(cookie, self._key)
        if session is None or session.expires <= self.clock.now().timestamp():
            return None
        with self.database.read() as conn:
            row = rows.person(conn, session.name)
        return Person(row.name, ROLES[row.role]) if row is not None and row.epoch == session.epoch else None

    def of_token(self, text: str) -> Person | None:
        """Who an API token stands for."""
        return self.register.of_token(text) if text.startswith(secret.TOKEN_MARK) else None

    def csrf(self, cookie: str) -> str:
        return secret.csrf(cookie, self._key)

    def is_csrf(self, given: str, cookie: str) -> bool:
        return hmac.compare_digest(given.encode(), self.csrf(cookie).encode())

    def sign_out(self, name: str) -> None:
        """End every session of a person."""
        with self.database.begin() as conn:
            rows.end_sessions(conn, name)

    def change_password(self, name: str, old: str, new: str, address: str) -> Signed:
        """Another password for oneself; sessions before this new one are over."""
        secret.check_password(new, name)
        if self._proven(name, old, address) is None:
            raise InputError(Problem("old", "this is not your present password", "wrong-password", "type it again"))
        return self._session(self.register.change(name, password=new))

    # ── tries ────────────────────────────────────────────────────────────────

    def _proven(self, name: str, password: str, address: str) -> PersonRow | None:
        """The person of name and password. The try is counted before the password is looked at."""
        name = name.strip().lower()
        by_name, by_address = self._mark("name", name), self._mark("address", _network(address))
        with self.database.begin() as conn:
            asked = [(by_name, BY_NAME), (by_address, BY_ADDRESS)]
            wait = tries.take(conn, asked, self.clock.now().timestamp())
            row = rows.person(conn, name)
        if wait > 0:
            raise TooManyTries(wait)
        if not secret.is_password(password, None if row is None else row.password):
            return None
        with self.database.begin() as conn:
            tries.forget(conn, by_name)
            tries.refund(conn, by_address)
            return rows.person(conn, name)

    def _mark(self, kind: str, text: str) -> str:
        """Names that were typed may be passwords typed into the wrong field: they are not kept as they are."""
        return hmac.digest(self._key, f"{kind} {text}".encode(), "sha256").hex()[:32]


def _network(address: str) -> str:
    """An IPv6 address stands for its network, of which a machine has as many addresses as it likes."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else address
