"""Routes of sessions: sign in, sign out, passwords."""

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
    """`token`: what stands behind `#token=` in the one-time link."""

    token: Annotated[str, Field(max_length=200)]


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")
    old: Password
    new: Password


@router.get("/session", operation_id="getSession", response_model=SessionOut)
def session(request: Request) -> dict[str, Any]:
    """Who is signed in, how one can, and the value that a session's writes carry in `X-Penstock-CSRF`."""
    person, cookie = whoever(request), session_cookie(request)
    has_session = person is not None and person.token is None and cookie is not None and _signs_in(request)
    return _told(request, person, app_of(request).people.csrf(cookie) if has_session and cookie is not None else None)


@router.post("/session", operation_id="signIn", response_model=SessionOut)
def sign_in(request: Request, response: Response, given: SignIn) -> dict[str, Any]:
    """Sign in by name and password."""
    people = app_of(request).people
    request.state.tried = given.name.strip().lower() if people.is_known(given.name) else None
    return _begun(request, response, people.sign_in(given.name, given.password, address_of(request)))


@router.delete("/session", status_code=204, operation_id="signOut")
def sign_out(request: Request, response: Response, person: Person = needs(Right.VIEW)) -> None:
    """Sign out, everywhere: all sessions of this person end."""
    by_session(person)
    app_of(request).people.sign_out(person.name)
    drop_session(request, response)


@router.post("/setup", operation_id="setUp", response_model=SessionOut)
def set_up(request: Request, response: Response, given: SetUp) -> dict[str, Any]:
    """Choose a password by a one-time link, and be signed in. The first link makes the first person, an admin."""
    return _begun(request, response, app_of(request).people.set_up(given.token, given.name, given.password))


@router.post("/people/me/password", operation_id="changePassword", response_model=SessionOut)
def change_password(
    request: Request, response: Response, given: NewPassword, person: Person = needs(Right.VIEW)
) -> dict[str, Any]:
    """Another password for oneself; every session but this one ends."""
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
