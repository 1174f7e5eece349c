"""What browsers are told with every answer: the one place of these headers. `guard` puts them on."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

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


def policy(nonce: str | None = None) -> str:
    """Nothing but our own files; a page's inline styles by its nonce."""
    styles = "'self'" if nonce is None else f"'self' 'nonce-{nonce}'"
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def harden(headers: MutableHeaders, scope: Scope) -> None:
    """Put them on an answer, where it does not say otherwise."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault(POLICY, policy())
    if scope["path"].startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR_S}")
