"""Host names that a library resolves itself, checked on the way, so that it connects only to checked addresses.

Works only in blocks of `judging`, and only for what the same thread (or task) does in them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Judge = Callable[[str, int, Sequence[str]], str | None]
lookup: Callable[..., list[Any]] = socket.getaddrinfo
_judge: ContextVar[Judge | None] = ContextVar("judge", default=None)


class BarredNameError(OSError):
    """A name resolves to a barred address; the message names it."""


def addresses(host: str, port: int) -> list[str]:
    """Where a name leads now."""
    return _plain(lookup(host, port))


@contextmanager
def judging(judge: Judge) -> Iterator[list[str]]:
    """Ask `judge(host, port, addresses)` at every look-up in this block: a reason bars it. Yields the reasons."""
    reasons: list[str] = []

    def kept(host: str, port: int, found: Sequence[str]) -> str | None:
        reason = judge(host, port, found)
        if reason is not None:
            reasons.append(reason)
        return reason

    if socket.getaddrinfo is not _judged:
        socket.getaddrinfo = _judged
    token = _judge.set(kept)
    try:
        yield reasons
    finally:
        _judge.reset(token)


def _judged(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
    """Replaces `socket.getaddrinfo`; checks addresses only within a block of `judging`."""
    found = lookup(host, port, *arguments, **options)
    judge = _judge.get()
    if judge is not None:
        reason = judge(_text(host), port if isinstance(port, int) else 0, _plain(found))
        if reason is not None:
            raise BarredNameError(reason)
    return found


def _plain(found: Sequence[Any]) -> list[str]:
    return sorted({str(entry[4][0]).partition("%")[0] for entry in found})


def _text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
