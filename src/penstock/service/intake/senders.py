"""`Hook`: a webhook source with the checks of its posts. Senders authenticate by key or signature.

The functions are pure, and compare secrets in constant time. `Headers` are by lower-case name. `check_key` and
`check_signature` raise `SenderRefused`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from penstock.model.senders import HookKey, HookRate, HookSignature
from penstock.model.spec import WebhookSource
from penstock.service.model import SenderRefused

Headers = Mapping[str, str]
KEY_HEADER = "X-API-Key"
STANDARD_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A correct signature; `seen` identifies the post, None if the scheme has no identity."""

    seen: str | None
    until: float = 0.0  # epoch seconds; later the post is refused as too old


@dataclass(slots=True)
class PostWindow:
    """Counts the posts of a fixed window."""

    rate: HookRate
    opened: float = 0.0
    used: int = 0

    def take(self, now: float) -> float | None:
        """Count a post; returns the seconds to wait if there are too many, or None."""
        if now - self.opened >= self.rate.per:
            self.opened, self.used = now, 0
        self.used += 1
        return None if self.used <= self.rate.requests else self.opened + self.rate.per - now


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook source with the settings by which posts are checked; `secret` is None if there is none."""

    source: WebhookSource
    secret: str | None = field(repr=False)
    looked_at: float
    window: PostWindow

    def show(self, headers: Headers, query: Mapping[str, str]) -> None:
        """Check the key, which needs no body. Raises SenderRefused."""
        if isinstance(self.source.auth, HookKey) and self.secret is not None:
            check_key(self.source.auth, self.secret, headers, query)

    def verify(self, headers: Headers, body: bytes, now: float) -> VerifiedSignature:
        """Check the signature, if the source requires one. Raises SenderRefused."""
        if isinstance(self.source.auth, HookSignature) and self.secret is not None:
            return check_signature(self.source.auth, self.secret, headers, body, now)
        return VerifiedSignature(None)

    @property
    def is_ready(self) -> bool:
        return self.source.auth is None or self.secret is not None


def check_key(auth: HookKey, secret: str, headers: Headers, query: Mapping[str, str]) -> None:
    """Check the key, in the one place that the source's settings name."""
    if auth.query is not None:
        shown, place = query.get(auth.query), f"the parameter {auth.query} of the URL"
    elif auth.basic is not None:
        shown = _basic(auth.basic, headers.get("authorization", ""))
        place = f"Basic authentication (user {auth.basic})"
    else:
        name = auth.header or KEY_HEADER
        shown, place = headers.get(name.lower()), f"the header {name}"
        if name.lower() == "authorization" and shown is not None:
            shown = shown.removeprefix("Bearer ")
    if shown is None:
        raise SenderRefused("the key is missing", f"send it in {place}")
    if not equal(shown, secret):
        raise SenderRefused("this is not the key of the source", f"send it in {place}")


def check_signature(auth: HookSignature, secret: str, headers: Headers, body: bytes, now: float) -> VerifiedSignature:
    """Check the signature of the body as it was received; `now` is in epoch seconds."""
    return (_standard if auth.scheme == "standard" else _generic)(auth, secret, headers, body, now)


def sign(auth: HookSignature, secret: str, signed: bytes) -> str:
    """The value of the signature header for these bytes."""
    made = hmac.new(secret.encode(), signed, auth.algorithm).digest()
    return auth.prefix + (made.hex() if auth.encoding == "hex" else base64.b64encode(made).decode())


def sign_standard(secret: str, identity: str, moment: str, body: bytes) -> str:
    """A signature by the Standard Webhooks scheme."""
    made = hmac.new(standard_key(secret), f"{identity}.{moment}.".encode() + body, sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def standard_key(secret: str) -> bytes:
    """The bytes of a secret such as `whsec_…`; other text is used as it is."""
    if not secret.startswith(STANDARD_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def equal(shown: str, known: str) -> bool:
    """Whether two texts are equal, in a time that does not depend on their content or length."""
    return hmac.compare_digest(sha256(shown.encode(errors="replace")).digest(), sha256(known.encode()).digest())


def _basic(user: str, given: str) -> str | None:
    scheme, _, text = given.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password if equal(name, user) else None


def _standard(auth: HookSignature, secret: str, headers: Headers, body: bytes, now: float) -> VerifiedSignature:
    wanted = "send webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks)"
    identity, moment, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not identity or not moment or not given:
        raise SenderRefused("the post is not signed", wanted)
    right = sign_standard(secret, identity, moment, body)
    if not any([equal(each, right) for each in given.split(" ")[:20]]):  # noqa: C419 - every one is compared
        raise SenderRefused("the signature is wrong", wanted)
    until = _fresh(moment, auth.tolerance, now)
    return VerifiedSignature(f"id {identity}", until)


def _generic(auth: HookSignature, secret: str, headers: Headers, body: bytes, now: float) -> VerifiedSignature:
    wanted = f"send {auth.header}: {auth.prefix}HMAC-{auth.algorithm.upper()} in {auth.encoding}"
    given = headers.get(auth.header.lower(), "")
    if not given:
        raise SenderRefused("the post is not signed", wanted)
    if auth.timestamp_header is None:
        if not equal(_folded(auth, given), _folded(auth, sign(auth, secret, body))):
            raise SenderRefused("the signature is wrong", wanted)
        return VerifiedSignature(None)
    moment = headers.get(auth.timestamp_header.lower(), "")
    right = sign(auth, secret, moment.encode() + b"." + body)
    if not equal(_folded(auth, given), _folded(auth, right)):
        raise SenderRefused("the signature is wrong", f"{wanted}, over {auth.timestamp_header}, a dot and the body")
    return VerifiedSignature(f"signature {right}", _fresh(moment, auth.tolerance, now))


def _folded(auth: HookSignature, text: str) -> str:
    return text.lower() if auth.encoding == "hex" else text


def _fresh(moment: str, tolerance: float, now: float) -> float:
    """Until when a post with this timestamp is accepted (epoch seconds). SenderRefused if it is too old or too new."""
    hint = f"send seconds since 1970, at most {tolerance:g} s from now"
    if not (moment.isascii() and moment.isdigit() and len(moment) < 15):
        raise SenderRefused("the timestamp is not a number of seconds", hint)
    seconds = int(moment) / (1000 if len(moment) > 11 else 1)  # some send milliseconds
    if abs(now - seconds) > tolerance:
        raise SenderRefused("the timestamp of the post is too far from now", hint)
    return seconds + tolerance
