"""The shapes of people, sessions, tokens and the audit log. Secrets are only where it says so."""

from pydantic import BaseModel, Field


class WhoOut(BaseModel):
    name: str
    role: str


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
    role: str
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
    role: str
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
