"""The security headers of every response, and the check of the page that a request comes from."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.model.errors import Problem
from penstock.service.api.dependencies import LOOPBACK, SAFE
from penstock.service.api.responses import defect, error_response

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = "Content-Security-Policy"
ONE_YEAR_S = 365 * 24 * 3600

OPEN = ("/hooks/", "/healthz", "/readyz")  # for programs, which may use any host name


def policy(nonce: str | None = None) -> str:
    """The content security policy: only files of this service, and inline styles with the nonce of the page."""
    styles = "'self'" if nonce is None else f"'self' 'nonce-{nonce}'"
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def harden(headers: MutableHeaders, scope: Scope) -> None:
    """Add the security headers that the response does not have."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault(POLICY, policy())
    if scope["path"].startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR_S}")


class SecurityHeaders:
    """Refuses requests from pages of other sites; adds the headers to every response, also after a defect."""

    def __init__(self, inner: ASGIApp, api: FastAPI) -> None:
        self.inner = inner
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                harden(MutableHeaders(scope=message), scope)
            await send(message)

        request = Request(scope)
        problem = self._refusal(request)
        if problem is not None:
            await error_response(403, [problem])(scope, receive, with_headers)
            return
        try:
            await self.inner(scope, receive, with_headers)
        except Exception as error:
            if begun:
                raise
            await defect(request, error)(scope, receive, with_headers)

    def _refusal(self, request: Request) -> Problem | None:
        path, host = request.url.path, request.url.hostname
        if self.api.state.without_sign_in and host not in LOOPBACK and not path.startswith(OPEN):
            # the page of another site whose host name resolves to this machine
            message = "without sign-in, only requests to a loopback name are accepted"
            return Problem("Host", message, "cross-site", "use http://127.0.0.1 or http://localhost")
        if request.method in SAFE or not path.startswith("/api/") or _is_own_page(request):
            return None
        message = "pages of other sites cannot change anything"
        return Problem("Origin", message, "cross-site", "use Penstock's own page")


def _is_own_page(request: Request) -> bool:
    """Whether a write comes from Penstock's own page or from a program. Browsers send the site of the page."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in {"same-origin", "none"}
    return origin is None or origin.partition("://")[2] == request.headers.get("Host")
