"""Routes for users, their API tokens, and the audit log."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.reports import Page, page_of, single_page
from penstock.service.api.dependencies import (
    IfMatch,
    Limit,
    Person,
    Right,
    app_of,
    by_session,
    needs,
    require_etag,
    set_etag,
)
from penstock.service.api.responses import attachment
from penstock.service.model import AuditFilter, PersonRow, Role, TokenRow, entry_json, moment, setup_path

router = APIRouter(tags=["people"])
Short = Annotated[str, Field(max_length=300)]
Password = Annotated[str, Field(max_length=2000)]
Word = Annotated[str | None, Query(max_length=300)]
TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


class NewPerson(BaseModel):
    """A new user. Without `password`, the response has a one-time link with which they choose one."""

    model_config = ConfigDict(extra="forbid")
    name: Short
    role: Role
    email: Short | None = None
    password: Password | None = None


class Changed(BaseModel):
    """Changes to a user; omitted members stay. An empty `email` removes it; `"sign_on": false` removes the link to the
    identity provider.
    """

    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    email: Short | None = None
    password: Password | None = None
    sign_on: Literal[False] | None = None


class PersonOut(BaseModel):
    """A user, without secrets."""

    name: str
    role: Role
    email: str | None
    has_password: bool
    has_sign_on: bool
    made_at: str
    seen_at: str | None


class NewPersonOut(PersonOut):
    """A new user; `link` is the one-time link with which they choose a password, if none was given."""

    link: str | None = None


class LinkOut(BaseModel):
    """A one-time link. It is returned only once."""

    link: str


class NewToken(BaseModel):
    """A new API token; `role` is at most the caller's. Without `expires_at` it is valid until it is deleted."""

    model_config = ConfigDict(extra="forbid")
    name: Short
    role: Role
    expires_at: Short | None = None


class TokenOut(BaseModel):
    """An API token, without the token itself."""

    id: str
    name: str
    owner: str
    role: Role
    made_at: str
    expires_at: str | None
    used_at: str | None


class NewTokenOut(TokenOut):
    """A new API token; `token` is returned only once."""

    token: str


class EntryOut(BaseModel):
    """An entry of the audit log: who did what, with which target, from which address, with which result."""

    id: int
    at: str
    who: str
    action: str
    what: str
    from_: str = Field(alias="from")
    result: str


@router.get("/people", operation_id="listPeople", response_model=Page[PersonOut])
def everybody(request: Request, _: Person = needs(Right.ADMIN)) -> Page[dict[str, Any]]:
    """Returns all users."""
    return single_page([_person_json(row) for row in app_of(request).people.register.everybody()])


@router.post(
    "/people",
    status_code=201,
    operation_id="addPerson",
    response_model=NewPersonOut,
    response_model_exclude_unset=True,
)
def add(request: Request, given: NewPerson, _: Person = needs(Right.ADMIN)) -> dict[str, Any]:
    """Adds a user."""
    register = app_of(request).people.register
    row = register.add(given.name, given.role, email=given.email, password=given.password)
    link = {} if given.password is not None else {"link": setup_path(register.reset(row.name))}
    return {**_person_json(row), **link}


@router.get("/people/{name}", operation_id="getPerson", response_model=PersonOut)
def one(request: Request, name: str, response: Response, _: Person = needs(Right.ADMIN)) -> dict[str, Any]:
    """Returns a user."""
    return _with_etag(app_of(request).people.register.one(name), response)


@router.patch("/people/{name}", operation_id="changePerson", response_model=PersonOut)
def change(
    request: Request,
    name: str,
    given: Changed,
    response: Response,
    if_match: IfMatch = None,
    _: Person = needs(Right.ADMIN),
) -> dict[str, Any]:
    """Changes a user's role, email or password. A new password ends their sessions."""

    def guard(before: PersonRow) -> None:
        require_etag(if_match, _edited(before), before.name)

    row = app_of(request).people.register.change(
        name,
        role=given.role,
        email=given.email,
        password=given.password,
        sign_on=given.sign_on is None,
        guard=guard,
    )
    return _with_etag(row, response)


@router.post("/people/{name}/reset", operation_id="resetPerson", response_model=LinkOut)
def reset(request: Request, name: str, _: Person = needs(Right.ADMIN)) -> dict[str, Any]:
    """Returns a one-time link, valid for a day, with which the user chooses a new password."""
    return {"link": setup_path(app_of(request).people.register.reset(name))}


@router.delete("/people/{name}", status_code=204, operation_id="removePerson")
def remove(request: Request, name: str, _: Person = needs(Right.ADMIN)) -> None:
    """Deletes a user and revokes their sessions and tokens."""
    app_of(request).people.register.remove(name)


@router.get("/tokens", operation_id="listTokens", response_model=Page[TokenOut])
def tokens(request: Request, person: Person = needs(Right.VIEW)) -> Page[dict[str, Any]]:
    """Returns the caller's API tokens; for an admin, the tokens of all users."""
    owner = None if person.right is Right.ADMIN else person.name
    return single_page([_token_json(row) for row in app_of(request).people.register.tokens(owner)])


@router.post("/tokens", status_code=201, operation_id="addToken", response_model=NewTokenOut)
def add_token(request: Request, given: NewToken, person: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """Creates an API token for the caller. `token` is returned only once."""
    by_session(person)
    row, text = app_of(request).people.register.add_token(person.name, given.name, given.role, given.expires_at)
    return {**_token_json(row), "token": text}


@router.delete("/tokens/{identity}", status_code=204, operation_id="removeToken")
def remove_token(request: Request, identity: str, person: Person = needs(Right.VIEW)) -> None:
    """Deletes one of the caller's API tokens; an admin can delete any."""
    app_of(request).people.register.remove_token(identity, by=person)


@router.get("/audit", operation_id="listAudit", response_model=Page[EntryOut])
def entries(
    request: Request,
    person: Word = None,
    action: Word = None,
    since: Word = None,
    until: Word = None,
    cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Limit = 50,
    _: Person = needs(Right.ADMIN),
) -> Page[dict[str, Any]]:
    """Returns the entries of the audit log, newest first."""
    found = app_of(request).people.audit.page(_filter(person, action, since, until), limit + 1, cursor)
    return page_of(found, limit, entry_json, lambda entry: str(entry.id))


@router.get(
    "/audit/export",
    operation_id="exportAudit",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {"schema": {"type": "string"}} for kind in TYPES.values()}}},
)
def export(
    request: Request,
    format: Literal["ndjson", "csv"] = "ndjson",  # noqa: A002 - the word of the contract
    person: Word = None,
    action: Word = None,
    since: Word = None,
    until: Word = None,
    _: Person = needs(Right.ADMIN),
) -> StreamingResponse:
    """Returns all entries of the audit log as a file, oldest first."""
    lines = app_of(request).people.audit.export(_filter(person, action, since, until), format)
    return StreamingResponse(lines, media_type=TYPES[format], headers=attachment(f"audit.{format}"))


def _with_etag(row: PersonRow, response: Response) -> dict[str, Any]:
    set_etag(response, _edited(row))
    return _person_json(row)


def _edited(row: PersonRow) -> dict[str, Any]:
    """The members that an edit can change: the ETag does not depend on `seen_at`."""
    return {name: value for name, value in _person_json(row).items() if name != "seen_at"}


def _person_json(row: PersonRow) -> dict[str, Any]:
    """A user without password hash and subject."""
    return {
        "name": row.name,
        "role": row.role,
        "email": row.email,
        "has_password": row.password is not None,
        "has_sign_on": row.subject is not None,
        "made_at": row.made_at,
        "seen_at": row.seen_at,
    }


def _token_json(row: TokenRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "owner": row.owner,
        "role": row.role,
        "made_at": row.made_at,
        "expires_at": row.expires_at,
        "used_at": row.used_at,
    }


def _filter(person: str | None, action: str | None, since: str | None, until: str | None) -> AuditFilter:
    return AuditFilter(
        person,
        action,
        None if since is None else moment(since, "since"),
        None if until is None else moment(until, "until"),
    )
