"""The access log and the audit log of the API.

Every request is logged and measured by its route, never by its query, which can have a key. Every change is in the
audit log, by the template of its route, before its response is sent.
"""

from __future__ import annotations

import time
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.service.api.dependencies import SAFE, address_of, service_of
from penstock.service.model import Person

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # requested every few seconds, so only measured

PREFIX = "/api/v1"
CHANGES_NOTHING = ("/preview", "/validate", "/findings")  # POST only because the body has unsaved settings
REFUSALS = frozenset({401, 403, 429})  # attempts without a right; other refusals are only logged
SIGN_IN = ("/session", "/setup")  # no changes: they have events of their own


class AccessLog:
    """Emits `http.request` with method, path, status and time."""

    def __init__(self, inner: ASGIApp, api: FastAPI) -> None:
        self.inner = inner
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.inner(scope, receive, noted)
        finally:
            self._emit(scope, status, time.perf_counter() - began)

    def _emit(self, scope: Scope, status: int, seconds: float) -> None:
        app = service_of(self.api)
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"
        app.watch.metrics.answers.labels(method, route, str(status)).observe(seconds)
        if scope["path"] not in QUIET:
            client = scope.get("client")
            app.events.emit(
                "http.request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
                client=None if client is None else client[0],
            )


class AuditLog:
    """Writes changes and attempts without a right to the audit log; emits `change.made` and `change.refused`."""

    def __init__(self, inner: ASGIApp, api: FastAPI) -> None:
        self.inner = inner
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE or not scope["path"].startswith(f"{PREFIX}/"):
            await self.inner(scope, receive, send)
            return

        async def noted_first(message: Message) -> None:
            replayed = scope.get("state", {}).get("replayed", False)
            if message["type"] == "http.response.start" and not replayed:
                if _is_noted(scope, message["status"]):
                    await run_in_threadpool(self._note, Request(scope), message["status"])
                self._emit(Request(scope), message["status"])
            await send(message)

        await self.inner(scope, receive, noted_first)

    def _emit(self, request: Request, status: int) -> None:
        template, person = template_of(request.scope), getattr(request.state, "person", None)
        if (
            request.scope.get("route") is None
            or person is None
            or template in SIGN_IN
            or not is_change(request.method, template)
        ):
            return
        events, who, action = service_of(self.api).events, person.name, f"{request.method} {template}"
        what = _what(request, status)
        if status < 400:
            events.emit("change.made", who=who, action=action, what=what)
        elif status < 500:
            reason = getattr(request.state, "refusal", None)
            events.emit("change.refused", who=who, action=action, what=what, status=status, reason=reason)

    def _note(self, request: Request, status: int) -> None:
        person = getattr(request.state, "person", None)
        service_of(self.api).people.audit.note(
            who=_who(request, person),
            action=f"{request.method} {template_of(request.scope)}",
            what=_what(request, status),
            origin=address_of(request) + (f", token {person.token}" if person is not None and person.token else ""),
            result=_result(request, status),
        )


def is_change(method: str, template: str) -> bool:
    """Whether a route changes something when it succeeds."""
    return method not in SAFE and not template.endswith(CHANGES_NOTHING)


def template_of(scope: Scope) -> str:
    """The route's path such as `/destinations/{name}/pause`; a fixed text if no route matches the path."""
    route = scope.get("route")
    path: Any = getattr(route, "path_format", None) or getattr(route, "path", None)
    return str(path).removeprefix(PREFIX) if path is not None else "(no route)"


def _is_noted(scope: Scope, status: int) -> bool:
    if status in REFUSALS or status >= 500:
        return True
    return status < 400 and is_change(scope["method"], template_of(scope))


def _what(request: Request, status: int) -> str:
    """The names of what a request changes. Those in the body of a refused request are unchecked, so left out."""
    named = getattr(request.state, "names", {}) if status < 400 else {}
    return " ".join(f"{word}={name}" for word, name in {**request.path_params, **named}.items())


def _who(request: Request, person: Person | None) -> str:
    """The user; for a failed sign-in the user of that name, if there is one."""
    return person.name if person is not None else getattr(request.state, "tried", None) or "nobody"


def _result(request: Request, status: int) -> str:
    if status < 400:
        return "ok"
    return f"{status} {getattr(request.state, 'refusal', '')}".strip()
