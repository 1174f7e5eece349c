"""`People` (`ServiceApp.people`): sign-in, and the user to whom a cookie or a token belongs."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import orjson

from penstock.clock import Clock, iso
from penstock.model.errors import InputError, Problem, TooManyTries
from penstock.model.rights import ROLES, Person
from penstock.service.model import SESSION_LIVES_S, SIGN_ON_LIVES_S, PersonRow, SignedIn
from penstock.service.people import sessions as secret
from penstock.service.people.accounts import Accounts
from penstock.service.people.audit import Audit
from penstock.service.people.identity_provider import IdentityProvider, SignOnRequest, refused
from penstock.service.people.sessions import Session
from penstock.service.people.sign_on import SignOn, person_of, read_sign_on
from penstock.service.store import people
from penstock.service.store import people as rows
from penstock.service.store.people import LoginThrottle
from penstock.store.database import Database
from penstock.store.project import resources
from penstock.store.project.credentials import Sealer

SERVICE = "service"  # the setting with the service's own address
SIGN_ON = "sign-in by an identity provider"
BY_NAME = LoginThrottle(free=5, longest_s=60)  # short, so that nobody can lock out a user whose name they know
BY_ADDRESS = LoginThrottle(free=20, longest_s=15 * 60)


@dataclass(frozen=True)
class People:
    """The use-cases of users. Session keys are derived from `sealer`, which is called once, at the first use."""

    database: Database
    clock: Clock
    sealer: Callable[[], Sealer]
    draw: Callable[[int], str] = secrets.token_urlsafe
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def register(self) -> Accounts:
        """The users, their links and tokens."""
        return Accounts(self.database, self.clock, self.draw)

    @cached_property
    def audit(self) -> Audit:
        """The audit log."""
        return Audit(self.database, self.clock)

    @cached_property
    def _keys(self) -> Mapping[str, bytes]:
        """The derived keys, one for each purpose."""
        sealer = self.sealer()
        return {purpose: sealer.key_for(purpose) for purpose in ("session", "csrf", "tries")}

    def is_known(self, name: str) -> bool:
        """Whether there is a user with this name."""
        with self.database.read() as conn:
            return rows.person(conn, name.strip().lower()) is not None

    def nobody(self) -> bool:
        """Whether there are no users."""
        with self.database.read() as conn:
            return rows.count(conn) == 0

    def serve_at(self, url: str) -> None:
        """Store the URL of the service, for links that commands print."""
        with self.database.begin() as conn:
            resources.put_setting(conn, SERVICE, {"url": url}, by=SERVICE, at=iso(self.clock.now()))

    def served_at(self) -> str | None:
        """The URL of the service that was started last; None before the first start."""
        with self.database.read() as conn:
            found = resources.setting(conn, SERVICE)
        return None if found is None else str(found.document["url"])

    # ── sessions ─────────────────────────────────────────────────────────────

    def set_up(self, token: str, name: str, password: str) -> SignedIn:
        """Set a password with a one-time link, and sign in."""
        return self._session(self.register.use_link(token, name, password))

    def sign_in(self, name: str, password: str, address: str) -> SignedIn:
        """A session for name and password. InputError `wrong-sign-in` for any wrong part; TooManyTries."""
        found = self._proven(name, password, address)
        if found is None:
            message = "name or password is wrong"
            hint = "an admin can create a link for a new password (`penstock people reset`)"
            raise InputError(Problem("session", message, "wrong-sign-in", hint))
        return self._session(found)

    # ── sign-in by an identity provider ──────────────────────────────────────

    @cached_property
    def sign_on(self) -> SignOn | None:
        """The settings of the identity provider; None if there are none. InputError for invalid ones."""
        return read_sign_on(self.environ)

    @cached_property
    def _provider(self) -> IdentityProvider:
        assert self.sign_on is not None
        return IdentityProvider(self.sign_on.client, lambda: self.clock.now().timestamp())

    def begin_sign_on(self, back: str, to: str) -> tuple[str, str]:
        """The URL of the identity provider to redirect to, and the sealed cookie for this sign-in.

        The provider redirects to `back`, and the service then to `to`.
        """
        request = SignOnRequest.anew(self.draw)
        ends = int(self.clock.now().timestamp()) + SIGN_ON_LIVES_S
        kept = orjson.dumps([request.state, request.nonce, request.verifier, back, to, ends]).decode()
        return self._provider.address(request, back), b64encode(self.sealer().seal(kept, SIGN_ON)).decode()

    def end_sign_on(self, kept: str | None, answer: Mapping[str, str]) -> tuple[SignedIn, str]:
        """The session for the provider's parameters `answer`, and the path to go to. InputError if a check fails."""
        request, back, to = self._opened(kept)
        if not hmac.compare_digest(answer.get("state", "").encode(), request.state.encode()):
            raise refused("this browser did not begin this sign-in")
        assert self.sign_on is not None
        if answer.get("iss", self.sign_on.client.issuer).rstrip("/") != self.sign_on.client.issuer.rstrip("/"):
            raise refused("another identity provider has responded")
        if "code" not in answer:
            raise refused("the identity provider refused the sign-in")
        claims = self._provider.claims(request, answer["code"], back)
        return self._session(person_of(self.register, self.sign_on, claims)), to

    def _opened(self, kept: str | None) -> tuple[SignOnRequest, str, str]:
        try:
            text = self.sealer().open(b64decode((kept or "").encode(), validate=True), SIGN_ON)
            state, nonce, verifier, back, to, ends = orjson.loads(text)
        except (InputError, ValueError, IndexError):
            raise refused("this browser began no sign-in, or too long ago") from None
        if ends <= self.clock.now().timestamp():
            raise refused("this sign-in has expired")
        return SignOnRequest(state, nonce, verifier), back, to

    # ── the user of a cookie or a token ──────────────────────────────────────

    def _session(self, row: PersonRow) -> SignedIn:
        now = int(self.clock.now().timestamp())
        with self.database.begin() as conn:
            rows.change(conn, row.name, {"seen_at": iso(self.clock.now())})
        session = Session(row.name, row.epoch, now + SESSION_LIVES_S, self.draw(16))
        cookie = secret.signed(session, self._keys["session"])
        return SignedIn(Person(row.name, ROLES[row.role]), cookie, self.csrf(cookie))

    def of_cookie(self, cookie: str) -> Person | None:
        """The user of a session; None if the session is invalid or has ended."""
        session = secret.opened(cookie, self._keys["session"])
        if session is None or session.expires <= self.clock.now().timestamp():
            return None
        with self.database.read() as conn:
            row = rows.person(conn, session.name)
        return Person(row.name, ROLES[row.role]) if row is not None and row.epoch == session.epoch else None

    def of_token(self, text: str) -> Person | None:
        """The user of an API token; None if the token is invalid or has expired."""
        return self.register.of_token(text) if text.startswith(secret.TOKEN_MARK) else None

    def csrf(self, cookie: str) -> str:
        return secret.csrf(cookie, self._keys["csrf"])

    def is_csrf(self, given: str, cookie: str) -> bool:
        return hmac.compare_digest(given.encode(), self.csrf(cookie).encode())

    def sign_out(self, name: str) -> None:
        """End all sessions of a user."""
        with self.database.begin() as conn:
            rows.end_sessions(conn, name)

    def change_password(self, name: str, old: str, new: str, address: str) -> SignedIn:
        """Change the user's own password and return a new session; all others end."""
        secret.check_password(new, name)
        if self._proven(name, old, address) is None:
            raise InputError(Problem("old", "this is not your current password", "wrong-password", "type it again"))
        return self._session(self.register.change(name, password=new))

    # ── attempts ─────────────────────────────────────────────────────────────

    def _proven(self, name: str, password: str, address: str) -> PersonRow | None:
        """The user with this name and password, or None. The attempt is counted before the password is checked."""
        name = name.strip().lower()
        by_name, by_address = self._mark("name", name), self._mark("address", _network(address))
        with self.database.begin() as conn:
            attempts = [(by_name, BY_NAME), (by_address, BY_ADDRESS)]
            wait = people.take_attempt(conn, attempts, self.clock.now().timestamp())
            row = rows.person(conn, name)
        if wait > 0:
            raise TooManyTries(wait)
        if not secret.is_password(password, None if row is None else row.password):
            return None
        with self.database.begin() as conn:
            people.forget_attempts(conn, by_name)
            people.refund_attempt(conn, by_address)
            return rows.person(conn, name)

    def _mark(self, kind: str, text: str) -> str:
        """The stored form of a typed name or an address: a digest, since a password may be typed as the name."""
        return hmac.digest(self._keys["tries"], f"{kind} {text}".encode(), "sha256").hex()[:32]


def _network(address: str) -> str:
    """The /64 network of an IPv6 address, in which one machine can have any number of addresses; else the address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else address
