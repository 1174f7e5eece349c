"""The web application: the REST API of a `ServiceApp`, and the web UI.

The built files of the UI are served at `/`. Its page is returned for every path that is neither a file nor a route.
"""

from __future__ import annotations

import mimetypes
import secrets
from functools import cache
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.deadline import Deadline
from penstock.service.api.middleware.idempotency import Idempotency
from penstock.service.api.middleware.limits import BodyLimits, RequestDeadlines
from penstock.service.api.middleware.request_log import AccessLog, AuditLog
from penstock.service.api.middleware.security import POLICY, SecurityHeaders, policy
from penstock.service.api.openapi import describe
from penstock.service.api.responses import add_error_handlers
from penstock.service.api.routes import (
    about,
    care,
    destinations,
    flows,
    hooks,
    overview,
    people,
    project,
    quarantine,
    runs,
    sessions,
    sources,
    watch,
)
from penstock.service.app import ServiceApp
from penstock.version import __version__

BUILT = Path(__file__).parent / "web"
OURS = ("/api/", "/hooks/", "/metrics", "/healthz", "/readyz")
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
NONCE = "__NONCE__"
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Penstock</title>
<h1>The web UI of Penstock was not built</h1>
<p>The service is running; its API is at <code>/api/v1</code>. To build the web UI, run <code>npm ci</code> and
<code>npm run build</code> in the folder <code>ui</code> of the source, or install Penstock again without
<code>PENSTOCK_SKIP_UI</code>.</p></html>"""

ROOT = "/api/v1"


def add_web(api: FastAPI) -> None:
    """Serve the built UI for paths without a route, independent of the order of routes."""
    api.router.default = _Web(BUILT, api.router.default)


class _Web:
    """An ASGI application: serves a built file, else the page if a browser requests one, else calls `otherwise`."""

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        self.folder = folder.resolve()
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self._reply(scope) if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} else None
        await (self.otherwise if reply is None else reply)(scope, receive, send)

    def _reply(self, scope: Scope) -> Response | None:
        path, headers = scope["path"], Headers(scope=scope)
        if path.startswith(OURS):
            return None
        file = (self.folder / path.lstrip("/")).resolve()
        if path not in {"/", "/index.html"} and file.is_relative_to(self.folder) and file.is_file():
            return _file(file, headers.get("accept-encoding", ""), immutable=path.startswith("/assets/"))
        if path == "/" or ("text/html" in headers.get("accept", "") and not path.startswith("/assets/")):
            return self._page()
        return None

    def _page(self) -> Response:
        """The page of the UI, with a new nonce for its inline styles. Scripts are only loaded from files."""
        page = self.folder / "index.html"
        if not page.is_file():
            return HTMLResponse(NOT_BUILT, 503)
        nonce = secrets.token_urlsafe(16)
        headers = {"Cache-Control": "no-cache", POLICY: policy(nonce)}
        return HTMLResponse(page.read_text(encoding="utf-8").replace(NONCE, nonce), 200, headers)


def _file(file: Path, accepted: str, *, immutable: bool) -> Response:
    """A built file, in its compressed form if the browser accepts it. Names under /assets/ have a hash."""
    cache = "public, max-age=31536000, immutable" if immutable else "no-cache"
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    names = {part.split(";")[0].strip() for part in accepted.split(",")}
    for name, ending in ENCODINGS:
        smaller = file.with_name(file.name + ending)
        if name in names and smaller.is_file():
            return FileResponse(smaller, headers={**headers, "Content-Encoding": name}, media_type=kind)
    return FileResponse(file, headers=headers, media_type=kind)


@cache
def _routes() -> APIRouter:
    """The routes of the API. The services of a process share them: FastAPI builds an included router once, in 0.3 s."""
    made = APIRouter()
    for router in (
        sessions.router,
        people.router,
        about.router,
        project.router,
        overview.router,
        sources.router,
        sources.datasets,
        hooks.router,
        destinations.router,
        destinations.credentials,
        flows.router,
        runs.router,
        quarantine.router,
        watch.router,
        care.router,
        care.settings,
        project.resources,  # the last: its paths match those of others
    ):
        made.include_router(router, prefix=ROOT)
    made.include_router(watch.outside)
    return made


def make_api(app: ServiceApp, *, without_sign_in: bool = False) -> FastAPI:
    """The web application of a service. The caller closes `app`.

    `without_sign_in`: everybody on this machine has all rights, without signing in.
    """
    api = FastAPI(
        title="Penstock", version=__version__, openapi_url=f"{ROOT}/openapi.json", docs_url=None, redoc_url=None
    )
    api.state.penstock = app
    api.state.without_sign_in = without_sign_in
    add_error_handlers(api)
    api.state.waiting = set[Deadline]()
    api.add_middleware(Idempotency, api=api)  # the innermost
    api.add_middleware(RequestDeadlines, live=api.state.waiting)
    api.add_middleware(BodyLimits)
    api.add_middleware(AuditLog, api=api)
    api.add_middleware(SecurityHeaders, api=api)
    api.add_middleware(AccessLog, api=api)
    api.state.hook_endpoint = hooks.HookEndpoint(app)
    # the outermost: posts skip the other middlewares
    api.add_middleware(hooks.HookRouter, endpoint=api.state.hook_endpoint)
    api.router.routes.insert(0, Route(hooks.PATH, api.state.hook_endpoint))
    api.router.routes.extend(_routes().routes)
    add_web(api)
    describe(api)
    return api
