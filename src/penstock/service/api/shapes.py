"""Response models that several routes use: problems, users, sessions, tokens, the audit log, templates.

A model contains a secret only if its docstring names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from penstock.model.errors import Problem, ProblemJson, problem_json
from penstock.model.spec import Dialect, Mode
from penstock.service.model import Role

COMPONENTS = "#/components/schemas"  # of the OpenAPI document


class Problems(BaseModel):
    """The form of every error response."""

    errors: list[ProblemJson]


def as_it_is(document: Any) -> Response:
    """A response of a route that returns `document` without validation: to validate 500 rows takes longer than to make
    them. The tests validate these routes with strict models.
    """
    return Response(orjson.dumps(document), media_type="application/json")


def plain(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a document that may have values of any type, such as the settings of a resource."""
    return Response(to_json(document, inf_nan_mode="null"), status, headers, "application/json")


def problems(found: Iterable[Problem]) -> Problems:
    return Problems(errors=whole_problems(found))


def whole_problems(found: Iterable[Problem]) -> list[ProblemJson]:
    """The problems, each with the members `file` and `choices` even if they are empty."""
    return [{"file": None, "choices": [], **problem_json(problem)} for problem in found]


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


class TemplateFieldOut(BaseModel):
    """A field of a template. `required` are the dialects that require it; `target` is its path in the native payload,
    null if native does not send it.
    """

    name: str
    label: str
    type: str
    description: str
    native: str | None
    target: str | None
    others: list[str]
    why: str | None
    required: list[Dialect]
    page: bool
    auto: bool
    max_length: int | None
    whole: bool
    choices: list[str]
    default: str | None
    or_id: bool


class ExternalOut(BaseModel):
    """The native field that identifies a record, and the destination's setting that names its columns."""

    field: str
    setting: str | None
    max_length: int | None


class TemplateOut(BaseModel):
    """A template for an endpoint of Custify. Mappings are by dialect. `match`: a record needs at least one of these
    fields.
    """

    name: str
    title: str
    description: str
    object: str
    phase: int
    fields: list[TemplateFieldOut]
    match: dict[str, list[str]]
    extras: dict[str, str]
    path: dict[str, str]
    retry: dict[str, str]
    retry_with: list[str] | None
    modes: list[Mode]
    job: str | None
    flat_batch: bool
    external: ExternalOut | None
    combine: list[str]
    text_limit: int | None
    attribute_limit: int | None
    attribute_chars: int | None
    items: dict[str, str]
    method: str
