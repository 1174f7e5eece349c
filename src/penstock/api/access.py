"""Who asks, and what they may do: every route names the right it needs.

Somebody asks by an API token (`Authorization: Bearer pst_…`) or by the cookie of a session. A browser sends its cookie
along with whatever any page makes it ask, so a session's write also carries what only our own pages know, in a header.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request, Response

from penstock.engine.app import App
from penstock.engine.people import SESSION_LIVES_S, SIGN_ON_LIVES_S, People, Signed
from penstock.model.errors import InputError, Problem
from penstock.model.people import Person, Right, role_of

__all__ = ["Person", "Right", "needs"]

COOKIE = "penstock_session"
SIGN_ON_COOKIE = "penstock_sign_on"
CSRF_HEADER = "X-Penstock-CSRF"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL = Person("local", Right.ADMIN)


def needs(right: Right) -> Any:
    """The dependency of a route: answers the Person, or refuses with 401 or 403."""

    def person(request: Request) -> Person:
        found = whoever(request)
        if found is None:
            raise not_signed_in()
        if found.right < right:
            message = f"this needs the role {role_of(right)}, and {found.name} is {found.role}"
            raise InputError(Problem(request.url.path, message, "not-allowed", "ask an admin for it"))
        return found

    person.right = right  # type: ignore[attr-defined] # the table of routes and rights is read off this
    return Depends(person)


def whoever(request: Request) -> Person | None:
    """Who asks; None when nobody is signed in. InputError for a token that is none, or a write without our header."""
    found = LOCAL if request.app.state.without_sign_in else _proven(request)
    request.state.person = found
    return found


def _proven(request: Request) -> Person | None:
    authorization, cookie = request.headers.get("Authorization"), session_cookie(request)
    if authorization is not None:
        scheme, _, text = authorization.partition(" ")
        by_token = people_of(request).of_token(text.strip()) if scheme.lower() == "bearer" else None
        if by_token is None:
            message, hint = "this API token is not known, or it is over", "Authorization: Bearer pst_…"
            raise InputError(Problem("Authorization", message, "not-signed-in", hint))
        return by_token
    found = None if cookie is None else people_of(request).of_cookie(cookie)
    if found is None or cookie is None or request.method in SAFE:
        return found
    if not people_of(request).is_csrf(request.headers.get(CSRF_HEADER, ""), cookie):
        message, hint = f"a write by a session carries the header {CSRF_HEADER}", "GET /api/v1/session tells its value"
        raise InputError(Problem(CSRF_HEADER, message, "cross-site", hint))
    return found


def not_signed_in() -> InputError:
    hint = "POST /api/v1/session, or send Authorization: Bearer with an API token"
    return InputError(Problem("session", "nobody is signed in", "not-signed-in", hint))


def by_session(person: Person) -> None:
    """InputError for a program: what concerns a person's own sign-in only they do themselves."""
    if person.token is not None or person is LOCAL:
        message = "only somebody who signed in does this"
        raise InputError(Problem("session", message, "not-allowed", "sign in by name and password"))


def people_of(request: Request) -> People:
    app = request.app.state.penstock
    assert isinstance(app, App)
    return app.people


def address_of(request: Request) -> str:
    """Where a request comes from; of a proxy that the server trusts, what the proxy says."""
    return request.client.host if request.client is not None else "unknown"


def session_cookie(request: Request) -> str | None:
    return request.cookies.get(_cookie_name(request))


def keep_session(request: Request, response: Response, signed: Signed) -> None:
    """Give the browser its cookie: closed to scripts, never sent along from other sites."""
    response.set_cookie(
        _cookie_name(request),
        signed.cookie,
        max_age=SESSION_LIVES_S,
        httponly=True,
        samesite="strict",
        secure=_is_secure(request),
    )


def sign_on_cookie(request: Request) -> str | None:
    return request.cookies.get(_cookie_name(request, SIGN_ON_COOKIE))


def keep_sign_on(request: Request, response: Response, kept: str | None) -> None:
    """What a browser keeps while its person is at the identity provider, from whose page it returns: so it is lax."""
    name, secure = _cookie_name(request, SIGN_ON_COOKIE), _is_secure(request)
    if kept is None:
        response.delete_cookie(name, httponly=True, samesite="lax", secure=secure)
    else:
        response.set_cookie(name, kept, max_age=SIGN_ON_LIVES_S, httponly=True, samesite="lax", secure=secure)


def drop_session(request: Request, response: Response) -> None:
    response.delete_cookie(_cookie_name(request), httponly=True, samesite="strict", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie_name(request: Request, name: str = COOKIE) -> str:
    """Over https the browser itself makes sure that no other host and no plain connection has set it."""
    return f"__Host-{name}" if _is_secure(request) else name
