"""The shapes that many routes use: problems, people, sessions, tokens, the audit log, templates.

A secret is in a shape only where it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from penstock.model.errors import Problem, ProblemJson, problem_json
from penstock.model.rights import Role
from penstock.model.spec import Dialect, Mode

COMPONENTS = "#/components/schemas"  # of the OpenAPI document


class Problems(BaseModel):
    """The one shape of every refusal."""

    errors: list[ProblemJson]


def as_it_is(document: Any) -> Response:
    """The answer of a route whose documents have the shape that it declares: to check 500 of them costs more than to
    make them. The tests ask these routes by strict forms of their shapes.
    """
    return Response(orjson.dumps(document), media_type="application/json")


def plain(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer of a route whose documents hold values of any kind, as the project file has them."""
    return Response(to_json(document, inf_nan_mode="null"), status, headers, "application/json")


def problems(found: Iterable[Problem]) -> Problems:
    return Problems(errors=whole_problems(found))


def whole_problems(found: Iterable[Problem]) -> list[ProblemJson]:
    """Problems with `file` and `choices`, whether or not there are any."""
    return [{"file": None, "choices": [], **problem_json(problem)} for problem in found]


class WhoOut(BaseModel):
    name: str
    role: Role


class OidcOut(BaseModel):
    """Where signing on at the identity provider begins."""

    label: str
    url: str


class SessionOut(BaseModel):
    """Who is signed in, null for nobody; how one can: by password, by the one-time link (`setup`), at a provider.

    `csrf` is what a session's writes carry in `X-Penstock-CSRF`.
    """

    person: WhoOut | None
    sign_in: bool
    setup: bool
    oidc: OidcOut | None
    csrf: str | None
    version: str


class PersonOut(BaseModel):
    """A person, without what they prove themselves by."""

    name: str
    role: Role
    email: str | None
    has_password: bool
    has_sign_on: bool
    made_at: str
    seen_at: str | None


class NewPersonOut(PersonOut):
    """`link`: the one-time link by which they choose a password, where none was given."""

    link: str | None = None


class LinkOut(BaseModel):
    """A one-time link; shown this once."""

    link: str


class TokenOut(BaseModel):
    """An API token, without itself."""

    id: str
    name: str
    owner: str
    role: Role
    made_at: str
    expires_at: str | None
    used_at: str | None


class NewTokenOut(TokenOut):
    """`token` is shown this once."""

    token: str


class EntryOut(BaseModel):
    """Who did what to what, from where, and how it ended."""

    id: int
    at: str
    who: str
    action: str
    what: str
    from_: str = Field(alias="from")
    result: str


class TemplateFieldOut(BaseModel):
    """One input field. `required`: in which dialects; `target`: where the native payload holds it, null for nowhere."""

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
    """The native field that tells one record from another, and the destination's key that names its columns."""

    field: str
    setting: str | None
    max_length: int | None


class TemplateOut(BaseModel):
    """One endpoint of Custify; mappings go by dialect. `match`: a record needs any one of these fields."""

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
