"""`People` (`ServiceApp.people`): sign-in, sessions, and the user to whom a cookie or a token belongs.

`person_of` maps the subject of an identity provider to a user.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.model.errors import InputError, Problem, TooManyTries
from penstock.model.events import SILENT, Events
from penstock.service.model import ROLES, SESSION_LIVES_S, SIGN_ON_LIVES_S, Person, PersonRow, SignedIn
from penstock.service.people import accounts
from penstock.service.people.accounts import NAME, RESERVED, Accounts
from penstock.service.people.audit import Audit
from penstock.service.people.identity_provider import (
    NO_ROLE,
    IdentityProvider,
    SignOn,
    SignOnRequest,
    read_sign_on,
    refused,
)
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
    events: Callable[[], Events] = field(default=lambda: SILENT, repr=False)

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

    def has_no_users(self) -> bool:
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
        return self._signed_in(self.register.use_link(token, name, password), "link")

    def sign_in(self, name: str, password: str, address: str) -> SignedIn:
        """A session for name and password. InputError `wrong-sign-in` for any wrong part; TooManyTries."""
        found = self._authenticated(name, password, address)
        if found is None:
            message = "name or password is wrong"
            hint = "an admin can create a link for a new password under Settings, Users"
            raise InputError(Problem("session", message, "wrong-sign-in", hint))
        return self._signed_in(found, "password")

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
        request = SignOnRequest.create(self.draw)
        ends = int(self.clock.now().timestamp()) + SIGN_ON_LIVES_S
        text = orjson.dumps([request.state, request.nonce, request.verifier, back, to, ends]).decode()
        return self._provider.address(request, back), b64encode(self.sealer().seal(text, SIGN_ON)).decode()

    def end_sign_on(self, sealed: str | None, answer: Mapping[str, str], address: str) -> tuple[SignedIn, str]:
        """The session for the provider's parameters `answer`, and the path to go to. InputError if a check fails."""
        try:
            return self._end_sign_on(sealed, answer)
        except InputError as error:
            self._report_refusal(None, "identity provider", address, str(error))
            raise

    def _end_sign_on(self, sealed: str | None, answer: Mapping[str, str]) -> tuple[SignedIn, str]:
        request, back, to = self._read_request(sealed)
        if not hmac.compare_digest(answer.get("state", "").encode(), request.state.encode()):
            raise refused("this browser did not begin this sign-in")
        assert self.sign_on is not None
        if answer.get("iss", self.sign_on.client.issuer).rstrip("/") != self.sign_on.client.issuer.rstrip("/"):
            raise refused("another identity provider has responded")
        if "code" not in answer:
            raise refused("the identity provider refused the sign-in")
        claims = self._provider.claims(request, answer["code"], back)
        return self._signed_in(person_of(self.register, self.sign_on, claims), "identity provider"), to

    def _read_request(self, sealed: str | None) -> tuple[SignOnRequest, str, str]:
        try:
            text = self.sealer().open(b64decode((sealed or "").encode(), validate=True), SIGN_ON)
            state, nonce, verifier, back, to, ends = orjson.loads(text)
        except (InputError, ValueError, IndexError):
            raise refused("this browser began no sign-in, or too long ago") from None
        if ends <= self.clock.now().timestamp():
            raise refused("this sign-in has expired")
        return SignOnRequest(state, nonce, verifier), back, to

    # ── the user of a cookie or a token ──────────────────────────────────────

    def _signed_in(self, row: PersonRow, by: str) -> SignedIn:
        signed = self._session(row)
        self.events().emit("signin.accepted", who=row.name, by=by)
        return signed

    def _report_refusal(self, who: str | None, by: str, address: str, reason: str) -> None:
        self.events().emit("signin.refused", who=who, by=by, client=address, reason=reason)

    def _session(self, row: PersonRow) -> SignedIn:
        now = int(self.clock.now().timestamp())
        with self.database.begin() as conn:
            rows.change(conn, row.name, {"seen_at": iso(self.clock.now())})
        session = Session(row.name, row.epoch, now + SESSION_LIVES_S, self.draw(16))
        cookie = sign_session(session, self._keys["session"])
        return SignedIn(Person(row.name, ROLES[row.role]), cookie, self.csrf(cookie))

    def of_cookie(self, cookie: str) -> Person | None:
        """The user of a session; None if the session is invalid or has ended."""
        session = read_session(cookie, self._keys["session"])
        if session is None or session.expires <= self.clock.now().timestamp():
            return None
        with self.database.read() as conn:
            row = rows.person(conn, session.name)
        return Person(row.name, ROLES[row.role]) if row is not None and row.epoch == session.epoch else None

    def of_token(self, text: str) -> Person | None:
        """The user of an API token; None if the token is invalid or has expired."""
        return self.register.of_token(text) if text.startswith(accounts.TOKEN_MARK) else None

    def report_token(self, address: str) -> None:
        """Report that a request from this address had an invalid or expired token."""
        self._report_refusal(None, "token", address, "the token is invalid or has expired")

    def csrf(self, cookie: str) -> str:
        return csrf_value(cookie, self._keys["csrf"])

    def is_csrf(self, given: str, cookie: str) -> bool:
        return hmac.compare_digest(given.encode(), self.csrf(cookie).encode())

    def sign_out(self, name: str) -> None:
        """End all sessions of a user."""
        with self.database.begin() as conn:
            rows.end_sessions(conn, name)

    def change_password(self, name: str, old: str, new: str, address: str) -> SignedIn:
        """Change the user's own password and return a new session; all others end."""
        accounts.check_password(new, name)
        if self._authenticated(name, old, address) is None:
            raise InputError(Problem("old", "this is not your current password", "wrong-password", "type it again"))
        return self._session(self.register.change(name, password=new))

    # ── attempts ─────────────────────────────────────────────────────────────

    def _authenticated(self, name: str, password: str, address: str) -> PersonRow | None:
        """The user with this name and password, or None. The attempt is counted before the password is checked."""
        name = name.strip().lower()
        by_name, by_address = self._mark("name", name), self._mark("address", _network(address))
        with self.database.begin() as conn:
            attempts = [(by_name, BY_NAME), (by_address, BY_ADDRESS)]
            wait = rows.take_attempt(conn, attempts, self.clock.now().timestamp())
            row = rows.person(conn, name)
        who = None if row is None else row.name  # never the typed name, since a password may be typed as the name
        if wait > 0:
            self.events().emit("signin.delayed", who=who, client=address, wait_s=wait)
            raise TooManyTries(wait)
        if not accounts.is_password(password, None if row is None else row.password):
            self._report_refusal(who, "password", address, "name or password is wrong")
            return None
        with self.database.begin() as conn:
            rows.forget_attempts(conn, by_name)
            rows.refund_attempt(conn, by_address)
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


# ── the session cookie ───────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Session:
    """The content of the session cookie; times are epoch seconds."""

    name: str
    epoch: int
    expires: int
    nonce: str


def sign_session(session: Session, key: bytes) -> str:
    """The signed value of the session cookie."""
    text = _encode(orjson.dumps(asdict(session)))
    return f"{text}.{_encode(hmac.digest(key, text.encode(), 'sha256'))}"


def read_session(value: str, key: bytes) -> Session | None:
    """The session in a cookie's value; None if it was not signed with this key."""
    text, _, signature = value.partition(".")
    if not value.isascii() or not hmac.compare_digest(signature, _encode(hmac.digest(key, text.encode(), "sha256"))):
        return None
    try:
        content = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return Session(
            content["name"], content["epoch"], content["expires"], content["nonce"]
        )  # 0.1.0 has `issued` too
    except (NotBase64, KeyError, TypeError, ValueError):  # signed by a version with another format
        return None


def csrf_value(cookie: str, key: bytes) -> str:
    """The value of the header `X-Penstock-CSRF` for this session, which only Penstock's own pages can read."""
    return hmac.digest(key, f"csrf {cookie}".encode(), "sha256").hex()


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


# ── users of an identity provider ────────────────────────────────────────────


def person_of(register: Accounts, sign_on: SignOn, claims: Mapping[str, Any]) -> PersonRow:
    """The user for these claims. Links or creates the user and sets the role as the settings say.

    InputError `unknown-subject` for somebody who may not sign in.
    """
    subject = f"{sign_on.client.issuer.rstrip('/')} {claims['sub']}"
    email = _email(sign_on, claims)
    with register.database.begin() as conn:
        found = rows.person_of_subject(conn, subject) or _linked(conn, email, subject)
        role = _role_of(sign_on, claims)
        if found is None:
            if not sign_on.create or role == NO_ROLE:
                raise refused("there is no user for this sign-in", "unknown-subject")
            return _made(conn, register, _name(conn, claims, email), role, email, subject)
        if sign_on.role_claim is not None and role != found.role:
            _give(conn, found, role)
        return rows.person(conn, found.name) or found


def _linked(conn: Connection, email: str | None, subject: str) -> PersonRow | None:
    """The only user with this email address, linked to this subject from now on; None if there is none.

    A user who is linked to another subject is not linked, because an address can be given to another person.
    """
    if email is None:
        return None
    alike = [row for row in rows.listed(conn) if email in ((row.email or "").lower(), row.name)]
    if len(alike) != 1 or alike[0].subject is not None:
        return None
    rows.change(conn, alike[0].name, {"subject": subject})
    return alike[0]


def _give(conn: Connection, found: PersonRow, role: str) -> None:
    """Set the role that the provider gives, except for the last admin."""
    if accounts.is_last_admin(conn, found):
        return
    if role == NO_ROLE:
        raise refused("the identity provider gives this user no role", "unknown-subject")
    rows.change(conn, found.name, {"role": role})


def _made(conn: Connection, register: Accounts, name: str, role: str, email: str | None, subject: str) -> PersonRow:
    row = register.new_row(name, role, email, None, subject)
    rows.add(conn, row)
    return row


def _name(conn: Connection, claims: Mapping[str, Any], email: str | None) -> str:
    """The name of a new user: the email address, else the provider's name, else the subject."""
    for text in (email, claims.get("preferred_username"), claims["sub"]):
        name = str(text or "").strip().lower()
        if NAME.fullmatch(name) and name not in RESERVED and rows.person(conn, name) is None:
            return name
    raise refused("there is already another user of this name", "unknown-subject")


def _email(sign_on: SignOn, claims: Mapping[str, Any]) -> str | None:
    """The email address in lower case, if the provider has verified it; else None."""
    email, verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(email, str) or not (sign_on.trust_email or verified is True or verified == "true"):
        return None
    plain = email.strip().lower()
    return plain if re.fullmatch(r"[^@\s]+@[^@\s]+", plain) and plain.isprintable() and len(plain) < 255 else None


def _role_of(sign_on: SignOn, claims: Mapping[str, Any]) -> str:
    """The highest role for the values of the claim, else the default role."""
    value = claims.get(sign_on.role_claim) if sign_on.role_claim is not None else None
    values = [str(each) for each in value] if isinstance(value, list) else [] if value is None else [str(value)]
    named = sign_on.roles or {role: role for role in ROLES}
    given = [named[each] for each in values if each in named]
    return max(given, key=lambda role: ROLES[role], default=sign_on.default_role)
