"""Routes of the sign-in by an identity provider: redirect to it, and its callback."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from penstock.model.errors import InputError, PenstockError, Problem
from penstock.service.api.dependencies import address_of, app_of, keep_session, keep_sign_on, sign_on_cookie

router = APIRouter(tags=["people"])
HOME, SIGN_IN = "/", "/sign-in"
ACTION = "GET /session/oidc/callback"


@router.get("/session/oidc", status_code=303, operation_id="beginSignOn")
def begin_sign_on(request: Request, to: Annotated[str, Query(max_length=500)] = HOME) -> RedirectResponse:
    """Send the browser to the identity provider; at last it comes to `to`, a path of ours."""
    _require_sign_on(request)
    people = app_of(request).people
    assert people.sign_on is not None
    back = people.sign_on.back or str(request.url_for("end_sign_on"))
    try:
        address, kept = people.begin_sign_on(back, to if _is_ours(to) else HOME)
    except PenstockError as error:
        return _refused(error)
    response = RedirectResponse(address, 303)
    keep_sign_on(request, response, kept)
    return response


@router.get("/session/oidc/callback", status_code=303, operation_id="endSignOn")
def end_sign_on(request: Request) -> RedirectResponse:
    """Where the identity provider sends the browser back to. Whoever is believed is signed in."""
    _require_sign_on(request)
    people, origin = app_of(request).people, address_of(request)
    try:
        signed, to = people.end_sign_on(sign_on_cookie(request), dict(request.query_params))
    except PenstockError as error:
        people.audit.note(who="nobody", action=ACTION, what="", origin=origin, result=f"401 {error.problems[0].code}")
        response = _refused(error)
    else:
        people.audit.note(who=signed.person.name, action=ACTION, what="", origin=origin, result="ok")
        response = RedirectResponse(to, 303)
        keep_session(request, response, signed)
    keep_sign_on(request, response, None)
    return response


def _require_sign_on(request: Request) -> None:
    if request.app.state.without_sign_in or app_of(request).people.sign_on is None:
        message, hint = "there is no identity provider", "set PENSTOCK_OIDC_ISSUER"
        raise InputError(Problem("session", message, "unknown-setting", hint))


def _refused(error: PenstockError) -> RedirectResponse:
    """The page says why, by its code."""
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'refused': error.problems[0].code})}", 303)


def _is_ours(to: str) -> bool:
    """Whether a browser takes it for a path of this very service."""
    return to.startswith("/") and not to.startswith(("//", "/\\")) and to.isascii() and to.isprintable()
