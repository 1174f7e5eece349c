"""Replays the stored response of a POST whose `Idempotency-Key` was seen before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.model.errors import PenstockError, Problem
from penstock.service.api.dependencies import service_of, signed_in_person
from penstock.service.api.middleware.limits import again
from penstock.service.api.middleware.request_log import CHANGES_NOTHING, PREFIX
from penstock.service.api.responses import error_response, status_of
from penstock.service.app import ServiceApp
from penstock.service.model import KeyedRequest, ReplayedResponse

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
OUTSIDE = frozenset(
    f"{PREFIX}/{route}" for route in ("session", "setup", "people/me/password", "sources/upload", "backup")
)  # these set a cookie, or their files are too large to store
LARGEST = 1 << 20  # bytes of a stored response
NOT_STORED = frozenset({"content-length", "date", "connection", "transfer-encoding"})


def takes_key(method: str, path: str) -> bool:
    """Whether a request can have an Idempotency-Key: a POST that creates or starts something."""
    return (
        method == "POST"
        and path.startswith(f"{PREFIX}/")
        and path not in OUTSIDE
        and not path.endswith(CHANGES_NOTHING)
    )


class Idempotency:
    """Stores and replays responses. It is inside `BodyLimits`, directly before the routes."""

    def __init__(self, inner: ASGIApp, api: FastAPI) -> None:
        self.inner = inner
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["type"] != "http" or HEADER not in request.headers or not takes_key(scope["method"], scope["path"]):
            await self.inner(scope, receive, send)
            return
        key = request.headers[HEADER]
        if not KEY.fullmatch(key):
            problem = Problem(HEADER, "a key has 1 to 255 visible ASCII characters", "wrong-value", "use a UUID")
            await error_response(400, [problem])(scope, receive, send)
            return
        body = await request.body()
        keyed = await run_in_threadpool(_keyed_request, request, key, body)
        whole = again(body, receive)
        if keyed is None:  # not signed in, or not allowed: the route refuses it
            await self.inner(scope, whole, send)
            return
        await self._replay_or_execute(keyed, request, whole, send)

    async def _replay_or_execute(self, keyed: KeyedRequest, request: Request, receive: Receive, send: Send) -> None:
        app = service_of(self.api)
        replays, scope = app.replays, request.scope
        try:
            known = await run_in_threadpool(replays.begin, keyed)
        except PenstockError as error:
            await error_response(status_of(error), error.problems)(scope, receive, send)
            return
        if known is not None:
            request.state.replayed = True  # the audit log has it already
            await Response(known.body, known.status, {**known.headers, REPLAYED: "true"})(scope, receive, send)
            return
        buffered = _BufferedAnswer(send)
        await self.inner(scope, receive, buffered)  # after a defect the result is unknown: the key stays in use
        await run_in_threadpool(_store, app, keyed, buffered)
        await buffered.send()


class _BufferedAnswer:
    """A response that is buffered until it is stored."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    @property
    def answer(self) -> ReplayedResponse:
        status, headers = 500, dict[str, str]()
        for message in self._messages:
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        parts = [m.get("body", b"") for m in self._messages if m["type"] == "http.response.body"]
        return ReplayedResponse(status, _stored_headers(headers), b"".join(parts))

    async def send(self) -> None:
        for message in self._messages:
            await self._send(message)


def _store(app: ServiceApp, keyed: KeyedRequest, buffered: _BufferedAnswer) -> None:
    """Store the response of a request that succeeded. A refused request can be sent again."""
    response = buffered.answer
    if response.status < 400 and len(response.body) <= LARGEST:
        app.replays.store(keyed, response)
    elif response.status >= 400:
        app.replays.forget(keyed)


def _keyed_request(request: Request, key: str, body: bytes) -> KeyedRequest | None:
    try:
        person = signed_in_person(request)
    except PenstockError:
        return None
    if person is None:
        return None
    what = f"{request.url.path}?{request.url.query}\n".encode() + body
    return KeyedRequest(person.name, key, sha256(what).hexdigest())


def _stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in NOT_STORED}
