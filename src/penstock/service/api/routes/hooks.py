"""Routes for webhook sources: `POST /hooks/<source>`, as a plain ASGI endpoint for speed, and its settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.model.errors import PenstockError, Problem
from penstock.service.api.dependencies import Opened, Person, Right, needs
from penstock.service.api.responses import as_it_is, error_response, status_of
from penstock.service.app import ServiceApp
from penstock.service.documents import HookJson
from penstock.service.model import Overrun, PostRefused, SenderRefused

BEFORE = "/hooks/"
PATH = BEFORE + "{source}"
PLAIN = {"X-Content-Type-Options": "nosniff"}
TAKEN = ((b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff"))
TELL_AGAIN_S = 1.0
MOST_NOTED = 1000  # pairs of source and reason
SHOWN = 80  # characters of the name in the path, which can be any text
BODY_S = 30.0  # for a whole body to arrive
STATUSES = {  # of a refused post, by the code of its first problem
    "too-many-posts": 429,
    "no-secret": 503,
    "too-large": 413,
    "too-many-records": 413,
    "bad-body": 400,
}
router = APIRouter(prefix="/sources/{name}/hook", tags=["sources"])


class HookKeyOut(BaseModel):
    """The key or signing secret. It is returned only once."""

    key: str


@router.get("", operation_id="getHook", responses={200: {"model": HookJson}})
def info(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> Response:
    """Returns the address, the authentication and the received records of a webhook source."""
    return as_it_is(app.intake.info(name))


@router.post("/key", operation_id="newHookKey")
def new_key(name: str, app: Opened, _: Person = needs(Right.EDIT)) -> HookKeyOut:
    """Creates a new key or signing secret for a webhook source. It is returned only once."""
    return HookKeyOut(key=app.intake.new_key(name))


class _Disconnected(Exception):  # noqa: N818
    """The sender has disconnected."""


class PostReply(NamedTuple):
    """The response to a post; `code` is the code of its refusal, empty if it was accepted."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    code: str = ""


class HookEndpoint:
    """The ASGI endpoint of all webhook sources."""

    def __init__(self, app: ServiceApp) -> None:
        self._app = app
        self._measured: dict[int, Callable[[float], None]] = {}
        self._refused: dict[tuple[str, str], tuple[float, int]] = {}  # time of the last log line, and refusals since

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began = time.perf_counter()
        try:
            reply = await self._reply(scope, receive)
        except _Disconnected:
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": reply.body})
        self._note(scope, reply, time.perf_counter() - began)

    def _note(self, scope: Scope, reply: PostReply, seconds: float) -> None:
        """Measure a post, and log a refusal."""
        observe = self._measured.get(reply.status)
        if observe is None:
            labels = ("POST" if scope["method"] == "POST" else "other", PATH, str(reply.status))
            observe = self._measured[reply.status] = self._app.watch.metrics.answers.labels(*labels).observe
        observe(seconds)
        if reply.code:
            self._log_refused(scope["path_params"]["source"][:SHOWN], reply)

    def _log_refused(self, source: str, reply: PostReply) -> None:
        """Log at most one line per second for each source and reason, with the number of posts since the last line."""
        if len(self._refused) >= MOST_NOTED:  # anybody may post to any name
            self._refused.clear()
        now, key = time.monotonic(), (source, reply.code)
        last, more = self._refused.get(key, (now - TELL_AGAIN_S, 0))
        if now - last < TELL_AGAIN_S:
            self._refused[key] = (last, more + 1)
            return
        self._refused[key] = (now, 0)
        facts = {"source": source, "status": reply.status, "reason": reply.code, "posts": more + 1}
        self._app.events.emit("intake.refused", **facts)

    async def _reply(self, scope: Scope, receive: Receive) -> PostReply:
        name = scope["path_params"]["source"]
        if scope["method"] != "POST":
            problem = Problem(scope["path"], "a webhook source accepts only POST", "wrong-method", "use POST")
            return _refused(405, problem, {"Allow": "POST"})
        return await self._taken_or_refused(name, scope, receive)

    async def _taken_or_refused(self, name: str, scope: Scope, receive: Receive) -> PostReply:
        try:
            return await self._take(name, scope, receive)
        except SenderRefused as refused:
            return _refused(401, Problem(f"hooks.{name}", str(refused), "not-signed-in", refused.hint))
        except PostRefused as refused:
            wait = {} if refused.wait_s is None else {"Retry-After": str(max(int(refused.wait_s + 0.999), 1))}
            return _refusal(STATUSES[refused.problems[0].code], refused.problems, wait)
        except Overrun:
            problem = Problem(
                f"hooks.{name}", "records are posted faster than they can be stored", "overrun", "try again in a moment"
            )
            return _refused(503, problem, {"Retry-After": "1"})
        except TimeoutError:
            problem = Problem(
                f"hooks.{name}", f"the body took longer than {BODY_S:g} s to arrive", "too-slow", "send it faster"
            )
            return _refused(408, problem)
        except PenstockError as error:
            return _refusal(status_of(error), error.problems)

    async def _take(self, name: str, scope: Scope, receive: Receive) -> PostReply:
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"))) if scope["query_string"] else {}
        post = await self._app.intake.accept(name, headers, query, partial(_body, receive, headers))
        document: dict[str, Any] = {"accepted": post.stored}
        if post.stored < post.records:
            document["repeated"] = True
        body = orjson.dumps(document)
        return PostReply(200, (*TAKEN, (b"content-length", b"%d" % len(body))), body)


class HookRouter:
    """Routes webhook posts directly to their endpoint: the other middlewares would take twice as long as a post itself.

    The endpoint serves programs only and authenticates each post itself.
    """

    def __init__(self, inner: ASGIApp, endpoint: HookEndpoint) -> None:
        self._inner = inner
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(BEFORE) and "/" not in path[len(BEFORE) :]:
            scope["path_params"] = {"source": path[len(BEFORE) :]}
            await self._endpoint(scope, receive, send)
        else:
            await self._inner(scope, receive, send)


async def _body(receive: Receive, headers: Mapping[str, str], most: int) -> bytes | None:
    """The whole body; None as soon as it exceeds `most` bytes. Raises _Disconnected when the sender disconnects."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        return None
    async with asyncio.timeout(BODY_S):
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            whole: bytes = message.get("body", b"")
            return whole if len(whole) <= most else None
        parts, size = [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise _Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                return None
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()


def _refused(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> PostReply:
    return _refusal(status, [problem], headers)


def _refusal(status: int, problems: Sequence[Problem], headers: Mapping[str, str] | None = None) -> PostReply:
    response = error_response(status, problems)
    response.headers.update({**PLAIN, **(headers or {})})
    return PostReply(status, response.raw_headers, bytes(response.body), problems[0].code if problems else "refused")
