"""The web UI: built files at `/`, and the one page for every address that is no file and no route of the API."""

from __future__ import annotations

import mimetypes
import secrets
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.api.headers import POLICY, policy

BUILT = Path(__file__).parent / "web"
OURS = ("/api/", "/hooks/", "/metrics", "/healthz", "/readyz")
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
NONCE = "__NONCE__"
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Penstock</title>
<h1>The pages of Penstock were not built</h1>
<p>The service runs, and its API answers under <code>/api/v1</code>. To build the pages: in the folder <code>ui</code>
of the source, <code>npm ci</code>, then <code>npm run build</code>; or install Penstock again without
<code>PENSTOCK_SKIP_UI</code>.</p></html>"""


def add_web(api: FastAPI) -> None:
    """Serve the built UI wherever no route of the API matches; the order of routes does not matter."""
    api.router.default = _Web(BUILT, api.router.default)


class _Web:
    """An ASGI application: a built file, else the page (where a browser asks for one), else as before."""

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
        """The one page. Its styles are known by a nonce, new each time; scripts come from files only."""
        page = self.folder / "index.html"
        if not page.is_file():
            return HTMLResponse(NOT_BUILT, 503)
        nonce = secrets.token_urlsafe(16)
        headers = {"Cache-Control": "no-cache", POLICY: policy(nonce)}
        return HTMLResponse(page.read_text(encoding="utf-8").replace(NONCE, nonce), 200, headers)


def _file(file: Path, accepted: str, *, immutable: bool) -> Response:
    """A built file, compressed beforehand where the browser takes it. Names under /assets/ hold a hash."""
    cache = "public, max-age=31536000, immutable" if immutable else "no-cache"
    headers = {"Cache-Control": cache, "Vary": "Accept-Encoding"}
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    names = {part.split(";")[0].strip() for part in accepted.split(",")}
    for name, ending in ENCODINGS:
        smaller = file.with_name(file.name + ending)
        if name in names and smaller.is_file():
            return FileResponse(smaller, headers={**headers, "Content-Encoding": name}, media_type=kind)
    return FileResponse(file, headers=headers, media_type=kind)
