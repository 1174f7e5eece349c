"""The dependencies of routes: the caller and their rights, the open `ServiceApp`, ETags and cursors.

Every route declares the right that it needs. A caller sends an API token (`Authorization: Bearer pst_…`) or a session
cookie. A browser sends its cookie with requests from any page, so a write with a session cookie also needs a header
whose value only Penstock's own pages can read.
The `ServiceApp` is on the newest version of the applied project. A write with an outdated ETag gets 412. Cursors are
opaque to callers.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Header, Query, Request, Response

from penstock.model.errors import ConflictError, InputError, Problem
from penstock.model.reach import CodePolicy
from penstock.model.text import digest
from penstock.service.app import ServiceApp
from penstock.service.model import SESSION_LIVES_S, SIGN_ON_LIVES_S, Person, Right, SignedIn, role_of

__all__ = ["Person", "Right", "needs"]

COOKIE = "penstock_session"
SIGN_ON_COOKIE = "penstock_sign_on"
CSRF_HEADER = "X-Penstock-CSRF"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL = Person("local", Right.ADMIN)

CODE: Mapping[Right, CodePolicy] = {Right.VIEW: "none", Right.OPERATE: "saved"}

IfNoneMatch = Annotated[str | None, Header(description="A known ETag. Returns 304 if it is still current.")]
IfMatch = Annotated[
    str | None, Header(description="The ETag of the version to change. Returns 412 if there is a newer one.")
]

Cursor = Annotated[str | None, Query(description="`next` of the page before; without it the list begins.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many to answer at most.")]
Exact = Annotated[
    bool, Query(description="Reads Custify, and counts which of the records would be created and which updated.")
]
LARGEST = 2**63 - 1


def needs(right: Right) -> Any:
    """The dependency of a route that needs `right`: returns the Person, or refuses with 401 or 403."""

    def person(request: Request) -> Person:
        found = signed_in_person(request)
        if found is None:
            raise not_signed_in()
        require(found, right, request.url.path)
        return found

    person.right = right  # type: ignore[attr-defined] # the table of routes and rights reads this
    return Depends(person)


def require(person: Person, right: Right, what: str, act: str = "this") -> None:
    """InputError for a caller without this right; `what` is what they requested, `act` what it would do, as words."""
    if person.right < right:
        message = f"{act} needs the role {role_of(right)}; {person.name} has the role {person.role}"
        raise InputError(Problem(what, message, "not-allowed", "ask an admin for this role"))


def signed_in_person(request: Request) -> Person | None:
    """The caller; None if nobody is signed in. InputError for an invalid token, or a write without the CSRF header."""
    found = LOCAL if request.app.state.without_sign_in else _authenticated(request)
    request.state.person = found
    return found


def _authenticated(request: Request) -> Person | None:
    authorization, cookie = request.headers.get("Authorization"), session_cookie(request)
    if authorization is not None:
        scheme, _, text = authorization.partition(" ")
        by_token = app_of(request).people.of_token(text.strip()) if scheme.lower() == "bearer" else None
        if by_token is None:
            if not getattr(request.state, "token_refused", False):  # once, though an idempotency key checks it twice
                request.state.token_refused = True
                app_of(request).people.report_token(address_of(request))
            message, hint = "this API token is unknown or has expired", "send Authorization: Bearer pst_…"
            raise InputError(Problem("Authorization", message, "not-signed-in", hint))
        return by_token
    found = None if cookie is None else app_of(request).people.of_cookie(cookie)
    if found is None or cookie is None or request.method in SAFE:
        return found
    if not app_of(request).people.is_csrf(request.headers.get(CSRF_HEADER, ""), cookie):
        message = f"a write with a session cookie needs the header {CSRF_HEADER}"
        hint = "send the value `csrf` of GET /api/v1/session"
        raise InputError(Problem(CSRF_HEADER, message, "cross-site", hint))
    return found


def not_signed_in() -> InputError:
    hint = "POST /api/v1/session, or send Authorization: Bearer with an API token"
    return InputError(Problem("session", "nobody is signed in", "not-signed-in", hint))


def by_session(person: Person) -> None:
    """InputError for a caller without a session: only users themselves may change their own sign-in."""
    if person.token is not None or person is LOCAL:
        message = "this needs a session; API tokens are not accepted"
        raise InputError(Problem("session", message, "not-allowed", "sign in with name and password"))


def app_of(request: Request) -> ServiceApp:
    """The ServiceApp that serves this request."""
    return service_of(request.app)


def service_of(api: FastAPI) -> ServiceApp:
    """The ServiceApp of the web application."""
    app = api.state.penstock
    assert isinstance(app, ServiceApp)
    return app


def address_of(request: Request) -> str:
    """The client's address; behind a proxy that the server trusts, the address that the proxy forwards."""
    return request.client.host if request.client is not None else "unknown"


def session_cookie(request: Request) -> str | None:
    return request.cookies.get(_cookie_name(request))


def set_session_cookie(request: Request, response: Response, signed: SignedIn) -> None:
    """Set the session cookie: scripts cannot read it, and requests from other sites do not send it."""
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


def set_sign_on_cookie(request: Request, response: Response, value: str | None) -> None:
    """Set, or with None delete, the cookie for a sign-in at the identity provider.

    It is lax, since the browser returns from the provider's page.
    """
    name, secure = _cookie_name(request, SIGN_ON_COOKIE), _is_secure(request)
    if value is None:
        response.delete_cookie(name, httponly=True, samesite="lax", secure=secure)
    else:
        response.set_cookie(name, value, max_age=SIGN_ON_LIVES_S, httponly=True, samesite="lax", secure=secure)


def delete_session_cookie(request: Request, response: Response) -> None:
    response.delete_cookie(_cookie_name(request), httponly=True, samesite="strict", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie_name(request: Request, name: str = COOKIE) -> str:
    """With `__Host-` the browser accepts the cookie only from this host, over https."""
    return f"__Host-{name}" if _is_secure(request) else name


def _opened(request: Request) -> ServiceApp:
    app = app_of(request)
    app.reload_if_changed()
    return app


Opened = Annotated[ServiceApp, Depends(_opened)]


def seen_by(app: ServiceApp, person: Person) -> ServiceApp:
    """The ServiceApp for this person: viewers run no grouping code, operators saved code, editors unsaved code too."""
    return app.with_code(CODE.get(person.right, "any"))


def etag_of(document: Any) -> str:
    """The ETag of a JSON document: 16 hex digits of its SHA-256."""
    return digest(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))


def etag_header(etag: str) -> dict[str, str]:
    """The header that gives an ETag with a response."""
    return {"ETag": f'"{etag}"'}


def set_etag(response: Response, document: Any) -> None:
    """Set the header ETag."""
    response.headers.update(etag_header(etag_of(document)))


def bare_etag(if_match: str | None) -> str | None:
    """The ETag without quotes and `W/`; None for a missing header or `*`."""
    found = None if if_match is None else if_match.strip().removeprefix("W/").strip('"')
    return None if found == "*" else found


def require_etag(if_match: str | None, document: Any, what: str) -> None:
    """ConflictError when the ETag of `document` is another. Call it while no other writer can change the document."""
    if bare_etag(if_match) not in {None, etag_of(document)}:
        hint = "read it again, then write"
        raise ConflictError(Problem("If-Match", f"{what} was changed in the meantime", "changed-meanwhile", hint))


def cursor_of(place: str) -> str:
    """The cursor for the rows after this place."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> str | None:
    """The place in a cursor. InputError for an invalid cursor."""
    if cursor is None:
        return None
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise _bad_cursor() from None


def number_of(cursor: str | None) -> int | None:
    """As `place_of`, for lists ordered by a number."""
    place = place_of(cursor)
    if place is None:
        return None
    if not place.isascii() or not place.isdecimal() or int(place) > LARGEST:
        raise _bad_cursor()
    return int(place)


def _bad_cursor() -> InputError:
    return InputError(
        Problem("cursor", "this is not a cursor", "bad-cursor", "send `next` of the previous page unchanged")
    )
