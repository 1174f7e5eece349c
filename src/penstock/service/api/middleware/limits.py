"""The limits of a request: the size and depth of its body, and its time.

A body is read before its route is called, so that no request can use more memory than this. Work ends when the client
disconnects or the service stops.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import orjson
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.deadline import LOOK_S, Deadline, current_deadline, use_deadline
from penstock.model.errors import Problem
from penstock.process_memory import Growth, give_back
from penstock.service.api.responses import error_response

LARGEST = 2 * 1024 * 1024
DEEPEST = 64
MOST_VALUES = 100_000  # members and values in one body, counted by commas and colons
STREAMED = frozenset({"/api/v1/sources/upload"})  # reads its body in pieces and has its own limit
NAMES = (
    "name",
    "target",
    "destination",
    "cause",
    "only",
    "role",
    "kind",
    "ids",
)  # the members of a body that the audit log has
NAME = re.compile(r"[\w.@+-]{1,64}")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
PAUSES_S = (0.0, 1.0, 4.0, 15.0, 60.0)  # before each attempt: other requests may still use some of it


class BodyLimits:
    """Refuses bodies that are too large, too deep, compressed or not JSON; passes their names to the audit log."""

    def __init__(self, inner: ASGIApp) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or scope["method"] == "GET":
            await self.inner(scope, receive, send)
            return
        request = Request(scope, receive)
        problem = _packed(request)
        if problem is None and scope["path"] in STREAMED:
            await self.inner(scope, receive, send)
            return
        document: Any = None
        if problem is None:
            body, problem = await _body(request)
        if problem is None:
            document, problem = _json(body)
        if problem is not None:
            await error_response(413 if problem.code == "too-large" else 400, [problem])(scope, receive, send)
            return
        request.state.names = _names(document)
        await self.inner(scope, again(body, receive), send)


class RequestDeadlines:
    """Gives each API request a `Deadline`, which ends when its client disconnects or the service stops.

    It is inside `BodyLimits`, which has read the body, so the next message is the client's disconnect.
    """

    def __init__(self, inner: ASGIApp, live: set[Deadline]) -> None:
        """`live` holds the deadline of every request in progress."""
        self.inner = inner
        self._live = live
        self._growth = Growth()
        self._returning: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.inner(scope, receive, send)
            return
        taken = asyncio.Event()

        async def received() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                taken.set()
            return message

        inside: Receive = received
        if scope["method"] in {"GET", "HEAD"}:  # routes do not read its empty body
            inside = again(b"", receive)
            await received()
        with use_deadline(Deadline()) as given:
            self._live.add(given)
            watcher = asyncio.create_task(_watch(taken, receive, given))
            try:
                await self.inner(scope, inside, send)
            finally:
                self._live.discard(given)
                watcher.cancel()
        if self._growth.is_large() and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(self._return_memory())

    async def _return_memory(self) -> None:
        """Return memory until it is as small as before. Memory that cannot be returned in about a minute is in use."""
        for pause in PAUSES_S:
            await asyncio.sleep(pause)
            await asyncio.to_thread(give_back)
            if not self._growth.is_large():
                return
        self._growth.accept()


async def limit_queries() -> None:
    """A dependency of routes that read data: limits the queries of sources to ten seconds."""
    given = current_deadline()
    if given is not None:
        given.limit(LOOK_S)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns the body again, for the route, then the client's further messages."""
    was_read = False

    async def once_more() -> Message:
        nonlocal was_read
        if was_read:
            return await receive()
        was_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more


def _packed(request: Request) -> Problem | None:
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "identity":
        return None
    return Problem(
        "Content-Encoding", "compressed bodies are not supported", "packed", "send it uncompressed", coding[:40]
    )


async def _body(request: Request) -> tuple[bytes, Problem | None]:
    """The body, or its problem. Reads at most `LARGEST` bytes."""
    length = request.headers.get("Content-Length", "")
    size, parts = int(length) if length.isdigit() else 0, []
    if size <= LARGEST:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > LARGEST:
                break
            parts.append(part)
    if size > LARGEST:
        return b"", Problem("body", f"the body has more than {LARGEST:,} bytes", "too-large", "send less at once")
    body = b"".join(parts)
    bare = _STRING.sub(b"", body)
    if bare.count(b",") + bare.count(b":") > MOST_VALUES:
        return b"", Problem("body", f"the body has more than {MOST_VALUES:,} values", "too-large", "send less at once")
    if _depth(bare) > DEEPEST:
        return b"", Problem("body", f"the body is nested deeper than {DEEPEST} levels", "too-deep", "flatten it")
    return body, None


def _depth(bare: bytes) -> int:
    """The depth of the brackets in a JSON text without its strings; counting stops above `DEEPEST`."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            break
    return deepest


def _json(body: bytes) -> tuple[Any, Problem | None]:
    """The parsed body, or its problem: an invalid number, an incomplete character, and the like.

    FastAPI would accept these, and they could not be stored or returned as JSON.
    """
    if not body:
        return None, None
    try:
        return orjson.loads(body), None
    except orjson.JSONDecodeError as error:
        message = f"the body is not valid JSON: {error.msg} at character {error.pos + 1}"
        return None, Problem("body", message, "not-json", "send one JSON document")


def _names(document: Any) -> dict[str, str]:
    """The names in a body: values of the members in `NAMES` that have the form of a name."""
    if not isinstance(document, dict):
        return {}
    found = {word: _as_name(document.get(word)) for word in NAMES}
    return {word: name for word, name in found.items() if name is not None}


def _as_name(value: Any) -> str | None:
    if isinstance(value, list):
        names = [name for name in map(_as_name, value[:10]) if name is not None]
        return ",".join(names) if len(value) <= 10 else f"{','.join(names)} and {len(value) - 10} more"
    return value if isinstance(value, str) and NAME.fullmatch(value) else None


async def _watch(taken: asyncio.Event, receive: Receive, given: Deadline) -> None:
    await taken.wait()
    while (await receive())["type"] != "http.disconnect":
        pass
    await asyncio.to_thread(given.abandon)  # stopping a query may call its server
