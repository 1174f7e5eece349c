"""Routes for sessions: sign in with a password or an identity provider, sign out, change a password."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.errors import InputError, PenstockError, Problem
from penstock.service.api.dependencies import (
    Person,
    Right,
    address_of,
    app_of,
    by_session,
    delete_session_cookie,
    needs,
    session_cookie,
    set_session_cookie,
    set_sign_on_cookie,
    sign_on_cookie,
    signed_in_person,
)
from penstock.service.api.routes.people import Password
from penstock.service.model import Role, SignedIn
from penstock.version import __version__

router = APIRouter(tags=["people"])
Name = Annotated[str, Field(max_length=200)]
HOME, SIGN_IN = "/", "/sign-in"
ACTION = "GET /session/oidc/callback"


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Name
    password: Password


class SetUp(SignIn):
    """A new password; `token` is the part of the one-time link after `#token=`."""

    token: Annotated[str, Field(max_length=200)]


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")
    old: Password
    new: Password


class WhoOut(BaseModel):
    name: str
    role: Role


class OidcOut(BaseModel):
    """The sign-in with an identity provider: the label of the button and the address that starts it."""

    label: str
    url: str


class SessionOut(BaseModel):
    """The signed-in user (null for none) and the ways to sign in: password, one-time link (`setup`), identity provider.

    `csrf` is the value for the header `X-Penstock-CSRF`, which writes with a session cookie need.
    """

    person: WhoOut | None
    sign_in: bool
    setup: bool
    oidc: OidcOut | None
    csrf: str | None
    version: str


@router.get("/session", operation_id="getSession", response_model=SessionOut)
def session(request: Request) -> dict[str, Any]:
    """Returns the signed-in user, the ways to sign in, and the value for the header `X-Penstock-CSRF`."""
    person, cookie = signed_in_person(request), session_cookie(request)
    has_session = person is not None and person.token is None and cookie is not None and _signs_in(request)
    return _session_json(
        request, person, app_of(request).people.csrf(cookie) if has_session and cookie is not None else None
    )


@router.post("/session", operation_id="signIn", response_model=SessionOut)
def sign_in(request: Request, response: Response, given: SignIn) -> dict[str, Any]:
    """Signs in with name and password and sets the session cookie."""
    people = app_of(request).people
    request.state.tried = given.name.strip().lower() if people.is_known(given.name) else None
    return _begin_session(request, response, people.sign_in(given.name, given.password, address_of(request)))


@router.delete("/session", status_code=204, operation_id="signOut")
def sign_out(request: Request, response: Response, person: Person = needs(Right.VIEW)) -> None:
    """Signs out: ends all sessions of the user."""
    by_session(person)
    app_of(request).people.sign_out(person.name)
    delete_session_cookie(request, response)


@router.post("/setup", operation_id="setUp", response_model=SessionOut)
def set_up(request: Request, response: Response, given: SetUp) -> dict[str, Any]:
    """Sets a password with a one-time link and signs in. The first link creates the first user, an admin."""
    return _begin_session(request, response, app_of(request).people.set_up(given.token, given.name, given.password))


@router.post("/people/me/password", operation_id="changePassword", response_model=SessionOut)
def change_password(
    request: Request, response: Response, given: NewPassword, person: Person = needs(Right.VIEW)
) -> dict[str, Any]:
    """Changes the caller's password. Ends all of their other sessions."""
    by_session(person)
    changed = app_of(request).people.change_password(person.name, given.old, given.new, address_of(request))
    return _begin_session(request, response, changed)


@router.get("/session/oidc", status_code=303, operation_id="beginSignOn")
def begin_sign_on(request: Request, to: Annotated[str, Query(max_length=500)] = HOME) -> RedirectResponse:
    """Redirects the browser to the identity provider, and after the sign-in to `to`, a path of this service."""
    _require_sign_on(request)
    people = app_of(request).people
    assert people.sign_on is not None
    back = people.sign_on.back or str(request.url_for("end_sign_on"))
    try:
        address, cookie = people.begin_sign_on(back, to if _is_ours(to) else HOME)
    except PenstockError as error:
        return _refused(error)
    response = RedirectResponse(address, 303)
    set_sign_on_cookie(request, response, cookie)
    return response


@router.get("/session/oidc/callback", status_code=303, operation_id="endSignOn")
def end_sign_on(request: Request) -> RedirectResponse:
    """The callback of the identity provider. Signs the user in and redirects the browser."""
    _require_sign_on(request)
    people, origin = app_of(request).people, address_of(request)
    try:
        signed, to = people.end_sign_on(sign_on_cookie(request), dict(request.query_params), address_of(request))
    except PenstockError as error:
        people.audit.note(who="nobody", action=ACTION, what="", origin=origin, result=f"401 {error.problems[0].code}")
        response = _refused(error)
    else:
        people.audit.note(who=signed.person.name, action=ACTION, what="", origin=origin, result="ok")
        response = RedirectResponse(to, 303)
        set_session_cookie(request, response, signed)
    set_sign_on_cookie(request, response, None)
    return response


def _begin_session(request: Request, response: Response, signed: SignedIn) -> dict[str, Any]:
    request.state.person = signed.person
    set_session_cookie(request, response, signed)
    return _session_json(request, signed.person, signed.csrf)


def _session_json(request: Request, person: Person | None, csrf: str | None) -> dict[str, Any]:
    signs_in = _signs_in(request)
    return {
        "person": None if person is None else {"name": person.name, "role": person.role},
        "sign_in": signs_in,
        "setup": signs_in and app_of(request).people.has_no_users(),
        "oidc": _sign_on(request) if signs_in else None,
        "csrf": csrf,
        "version": __version__,
    }


def _sign_on(request: Request) -> dict[str, str] | None:
    found = app_of(request).people.sign_on
    return None if found is None else {"label": found.label, "url": request.app.url_path_for("begin_sign_on")}


def _signs_in(request: Request) -> bool:
    return not request.app.state.without_sign_in


def _require_sign_on(request: Request) -> None:
    if request.app.state.without_sign_in or app_of(request).people.sign_on is None:
        message, hint = "no identity provider is configured", "set PENSTOCK_OIDC_ISSUER"
        raise InputError(Problem("session", message, "unknown-setting", hint))


def _refused(error: PenstockError) -> RedirectResponse:
    """A redirect to the sign-in page, which shows the reason for this code."""
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'refused': error.problems[0].code})}", 303)


def _is_ours(to: str) -> bool:
    """Whether a browser resolves `to` to a path of this service."""
    return to.startswith("/") and not to.startswith(("//", "/\\")) and to.isascii() and to.isprintable()
