"""The admin routes below `/_admin`: received objects, requests, faults and settings.

They are not part of Custify's API and need no key.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from penstock_sandbox.account import settings
from penstock_sandbox.account.call import JsonObject
from penstock_sandbox.account.store import Store
from penstock_sandbox.api.api import Api
from penstock_sandbox.api.faults import Fault, fault_from, parse_fault
from penstock_sandbox.api.rate_limit import RateLimit
from penstock_sandbox.native import batches, ui_objects
from penstock_sandbox.server.request_log import RequestLog, as_json

LATEST = 8
LOG_LINES = 60
# The page shows received data, so it may connect only to this sandbox.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'"


class AdminError(Exception):
    """An admin request is invalid."""


class Admin:
    """`answer` handles a request below `/_admin`. Replies are JSON, except the page."""

    def __init__(self, api: Api, request_log: RequestLog) -> None:
        self.api = api
        self.request_log = request_log
        self._routes: dict[tuple[str, str], Callable[[web.BaseRequest], Awaitable[Any]]] = {
            ("GET", "/state"): self._state,
            ("GET", "/requests"): self._requests,
            ("GET", "/stats"): self._stats,
            ("GET", "/summary"): self._summary,
            ("GET", "/faults"): self._faults,
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/settings"): self._settings,
            ("POST", "/settings"): self._change_settings,
            ("GET", "/ui_objects"): self._ui_objects,
            ("POST", "/ui_objects"): self._add_ui_objects,
            ("POST", "/clock"): self._move_clock,
            ("POST", "/reset"): self._reset,
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if not _is_local(request):
            return _json({"error": "the admin routes answer only to a loopback Host and Origin"}, 403)
        batches.catch_up(self.api.account)
        path = request.path.removeprefix("/_admin").rstrip("/")
        if path == "" and request.method == "GET":
            page = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
            return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": _POLICY})
        route = self._routes.get((request.method, path))
        if route is None:
            return _json({"error": f"no such admin route: {request.method} {request.path}"}, 404)
        try:
            return _json(await route(request))
        except (AdminError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    async def _state(self, _request: web.BaseRequest) -> Any:
        store = self.api.account.store
        return store.objects_by_kind() | {
            "attributes": store.attributes,
            "batches": [known.as_json() for known in store.batches.values()],
            "duplicate_events": store.duplicate_events,
            "warnings": dict(store.warnings),
        }

    async def _requests(self, request: web.BaseRequest) -> Any:
        since, limit = request.query.get("since", "0"), request.query.get("limit")
        if not since.isdigit() or (limit is not None and not limit.isdigit()):
            raise AdminError("since and limit must be whole numbers")
        entries = self.request_log.since(int(since), None if limit is None else int(limit))
        return [as_json(entry) for entry in entries]

    async def _stats(self, _request: web.BaseRequest) -> Any:
        api = self.api
        return {
            "objects": api.account.store.counts(),
            "requests": self.request_log.seq - self._before_reset,
            "refused_429": api.limit.refused,
            "refused_401": api.unauthorised,
            "max_per_window": api.limit.most,
            "windows": api.limit.as_json(),
            "duplicate_events": len(api.account.store.duplicate_events),
            "warnings": sum(api.account.store.warnings.values()),
        }

    _before_reset = 0

    async def _summary(self, request: web.BaseRequest) -> Any:
        """The content of the page: counts, the newest objects of each kind, the newest requests."""
        objects_by_kind = self.api.account.store.objects_by_kind()
        return {
            "stats": await self._stats(request),
            "settings": settings.as_json(self.api.account.settings),
            "faults": self.api.faults.as_json(),
            "latest": {kind: objects[: -LATEST - 1 : -1] for kind, objects in objects_by_kind.items() if objects},
            "log": [as_json(entry) for entry in reversed(self.request_log.since(0, LOG_LINES))],
            "warnings": self.api.account.store.warnings.most_common(LATEST),
        }

    async def _faults(self, _request: web.BaseRequest) -> Any:
        return self.api.faults.as_json()

    async def _add_faults(self, request: web.BaseRequest) -> Any:
        """Add one fault or a list of faults, each an object or a text as for `--fault`."""
        wanted = await _body(request)
        # All are parsed before any is added, so that an error adds none.
        for fault in [_fault(entry) for entry in (wanted if isinstance(wanted, list) else [wanted])]:
            self.api.faults.add(fault)
        return self.api.faults.as_json()

    async def _clear_faults(self, _request: web.BaseRequest) -> Any:
        self.api.faults.clear()
        return []

    async def _settings(self, _request: web.BaseRequest) -> Any:
        return settings.as_json(self.api.account.settings)

    async def _change_settings(self, request: web.BaseRequest) -> Any:
        account = self.api.account
        account.settings = settings.changed(account.settings, _object(await _body(request)))
        return settings.as_json(account.settings)

    async def _ui_objects(self, _request: web.BaseRequest) -> Any:
        """What only Custify's web UI creates, by kind."""
        return {kind: list(objects.values()) for kind, objects in self.api.account.store.ui_objects.items()}

    async def _add_ui_objects(self, request: web.BaseRequest) -> Any:
        """`{"kind": "surveys", "objects": [{…}]}`: add objects, or change those whose `id` is known."""
        wanted = _object(await _body(request))
        listed = wanted.get("objects")
        if not isinstance(listed, list):
            raise AdminError("objects must be a list")
        return ui_objects.add(self.api.account, str(wanted.get("kind")), [_object(entry) for entry in listed])

    async def _move_clock(self, request: web.BaseRequest) -> Any:
        """`{"advance": seconds}`: move the clock, so that windows and batch results end without waiting."""
        self.api.account.ahead += settings.duration(_object(await _body(request)).get("advance", 0))
        return {"ahead": self.api.account.ahead}

    async def _reset(self, _request: web.BaseRequest) -> Any:
        """Delete the objects, the log, the windows and the faults, and set the clock right; the settings stay."""
        self.api.account.store = Store()
        self.api.account.ahead = 0.0
        self.api.limit = RateLimit()
        self.api.faults.clear()
        self.api.unauthorised = 0
        self.request_log.clear()
        self._before_reset = self.request_log.seq
        return {"reset": True}


def _is_local(request: web.BaseRequest) -> bool:
    """Whether Host, and Origin if present, are loopback: pages of other sites must not reach the admin routes."""
    host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
    origin = request.headers.get("Origin")
    return _loopback(host) and (origin is None or _loopback(urlsplit(origin).hostname))


def _loopback(host: str | None) -> bool:
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name can resolve to any address
        return False


async def _body(request: web.BaseRequest) -> Any:
    try:
        return orjson.loads(await request.content.read())
    except orjson.JSONDecodeError as error:
        raise AdminError(f"the body is not JSON: {error}") from error


def _object(body: Any) -> JsonObject:
    if not isinstance(body, dict):
        raise AdminError("the body must be a JSON object")
    return body


def _fault(entry: Any) -> Fault:
    return parse_fault(entry) if isinstance(entry, str) else fault_from(_object(entry))


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
