"""Routes for sign-in with an identity provider: the redirect to it, and its callback."""

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
    """Redirects the browser to the identity provider, and after the sign-in to `to`, a path of this service."""
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
    """The callback of the identity provider. Signs the user in and redirects the browser."""
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
        message, hint = "no identity provider is configured", "set PENSTOCK_OIDC_ISSUER"
        raise InputError(Problem("session", message, "unknown-setting", hint))


def _refused(error: PenstockError) -> RedirectResponse:
    """A redirect to the sign-in page, which shows the reason for this code."""
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'refused': error.problems[0].code})}", 303)


def _is_ours(to: str) -> bool:
    """Whether a browser resolves `to` to a path of this service."""
    return to.startswith("/") and not to.startswith(("//", "/\\")) and to.isascii() and to.isprintable()
