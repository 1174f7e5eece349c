"""Routes for sessions: sign in, sign out, change a password."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.service.api.dependencies import (
    Person,
    Right,
    address_of,
    app_of,
    by_session,
    drop_session,
    keep_session,
    needs,
    session_cookie,
    whoever,
)
from penstock.service.api.shapes import SessionOut
from penstock.service.model import SignedIn
from penstock.version import __version__

router = APIRouter(tags=["people"])
Name = Annotated[str, Field(max_length=200)]
Password = Annotated[str, Field(max_length=2000)]


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


@router.get("/session", operation_id="getSession", response_model=SessionOut)
def session(request: Request) -> dict[str, Any]:
    """Returns the signed-in user, the ways to sign in, and the value for the header `X-Penstock-CSRF`."""
    person, cookie = whoever(request), session_cookie(request)
    has_session = person is not None and person.token is None and cookie is not None and _signs_in(request)
    return _told(request, person, app_of(request).people.csrf(cookie) if has_session and cookie is not None else None)


@router.post("/session", operation_id="signIn", response_model=SessionOut)
def sign_in(request: Request, response: Response, given: SignIn) -> dict[str, Any]:
    """Signs in with name and password and sets the session cookie."""
    people = app_of(request).people
    request.state.tried = given.name.strip().lower() if people.is_known(given.name) else None
    return _begun(request, response, people.sign_in(given.name, given.password, address_of(request)))


@router.delete("/session", status_code=204, operation_id="signOut")
def sign_out(request: Request, response: Response, person: Person = needs(Right.VIEW)) -> None:
    """Signs out: ends all sessions of the user."""
    by_session(person)
    app_of(request).people.sign_out(person.name)
    drop_session(request, response)


@router.post("/setup", operation_id="setUp", response_model=SessionOut)
def set_up(request: Request, response: Response, given: SetUp) -> dict[str, Any]:
    """Sets a password with a one-time link and signs in. The first link creates the first user, an admin."""
    return _begun(request, response, app_of(request).people.set_up(given.token, given.name, given.password))


@router.post("/people/me/password", operation_id="changePassword", response_model=SessionOut)
def change_password(
    request: Request, response: Response, given: NewPassword, person: Person = needs(Right.VIEW)
) -> dict[str, Any]:
    """Changes the caller's password. Ends all of their other sessions."""
    by_session(person)
    changed = app_of(request).people.change_password(person.name, given.old, given.new, address_of(request))
    return _begun(request, response, changed)


def _begun(request: Request, response: Response, signed: SignedIn) -> dict[str, Any]:
    request.state.person = signed.person
    keep_session(request, response, signed)
    return _told(request, signed.person, signed.csrf)


def _told(request: Request, person: Person | None, csrf: str | None) -> dict[str, Any]:
    signs_in = _signs_in(request)
    return {
        "person": None if person is None else {"name": person.name, "role": person.role},
        "sign_in": signs_in,
        "setup": signs_in and app_of(request).people.nobody(),
        "oidc": _sign_on(request) if signs_in else None,
        "csrf": csrf,
        "version": __version__,
    }


def _sign_on(request: Request) -> dict[str, str] | None:
    found = app_of(request).people.sign_on
    return None if found is None else {"label": found.label, "url": request.app.url_path_for("begin_sign_on")}


def _signs_in(request: Request) -> bool:
    return not request.app.state.without_sign_in
