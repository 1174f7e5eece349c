"""Passwords, the signed value of the session cookie, tokens and links.

Passwords are stored as argon2id hashes. Tokens and links are 256 random bits, so a plain digest of them is enough.
"""

from __future__ import annotations

import hmac
import threading
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from penstock.model.errors import InputError, Problem

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1000
TOKEN_MARK = "pst_"  # noqa: S105 - the prefix of every token
_HASHING = threading.BoundedSemaphore(2)  # each hash takes 19 MiB and a core


@dataclass(frozen=True, slots=True)
class Session:
    """The content of the session cookie; times are epoch seconds."""

    name: str
    epoch: int
    expires: int
    nonce: str


def signed(session: Session, key: bytes) -> str:
    """The signed value of the session cookie."""
    text = _encode(orjson.dumps(asdict(session)))
    return f"{text}.{_encode(hmac.digest(key, text.encode(), 'sha256'))}"


def opened(value: str, key: bytes) -> Session | None:
    """The session in a cookie's value; None if it was not signed with this key."""
    text, _, signature = value.partition(".")
    if not value.isascii() or not hmac.compare_digest(signature, _encode(hmac.digest(key, text.encode(), "sha256"))):
        return None
    try:
        return Session(**orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except (NotBase64, TypeError, ValueError):  # signed by a version with another format
        return None


def csrf(cookie: str, key: bytes) -> str:
    """The value of the header `X-Penstock-CSRF` for this session, which only Penstock's own pages can read."""
    return hmac.digest(key, f"csrf {cookie}".encode(), "sha256").hex()


def digest(secret: str) -> str:
    """The stored digest of a token or link."""
    return sha256(secret.encode()).hexdigest()


def hash_password(password: str) -> str:
    with _HASHING:
        return _hasher().hash(_plain(password))


def is_password(password: str, kept: str | None) -> bool:
    """Whether the password has the stored hash. It takes as long if there is no hash."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - only where people sign in

    hasher, nobody = _hasher(), _nobody()
    with _HASHING:
        try:
            hasher.verify(nobody if kept is None else kept, _plain(password)[:LONGEST])
        except (InvalidHashError, VerificationError):
            return False
    return kept is not None


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


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
