"""The connection for a credential of the project file: its base URL, its dialect and its key."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection as StateConnection

from penstock.clock import iso
from penstock.config.credentials import references_of
from penstock.model.delivery import Connection
from penstock.model.errors import InputError, Problem
from penstock.model.spec import BatchCostJson, CredentialSpec, Dialect, Secret, written_form
from penstock.run.context import Context
from penstock.store.leases import learned_cost
from penstock.store.project import credentials

PAGE_BASE = "https://app.custify.com/api"  # from the requirement page
PUBLISHED_BASE = "https://api.custify.com"  # Custify's OpenAPI 1.5.7
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
BASES_VARIABLE = "PENSTOCK_CUSTIFY_BASES"


@dataclass(frozen=True, slots=True)
class ApiAddress:
    """The base URL in use (no trailing slash), its dialect, and how it was chosen."""

    base_url: str
    dialect: Dialect
    reason: str


def candidates(ctx: Context) -> tuple[str, ...]:
    """The bases that `base_url: auto` may turn out to be, in the order in which they are tried."""
    given = ctx.environ.get(BASES_VARIABLE, "").replace(",", " ").split()
    return tuple(base.rstrip("/") for base in given) or (PAGE_BASE, PUBLISHED_BASE)


def credential_spec(ctx: Context, name: str) -> CredentialSpec:
    spec = ctx.project.credentials.get(name)
    if spec is None:
        raise ctx.unknown("credential", name, ctx.project.credentials)
    return spec


def address(ctx: Context, spec: CredentialSpec, conn: StateConnection | None = None) -> ApiAddress:
    """The address of this credential's requests, without a request; read through `conn`, if the caller has one."""
    if spec.connector == "file":
        return ApiAddress(str(spec.path).rstrip("/"), "native", "a folder")
    if spec.base_url != "auto":
        base = spec.base_url.rstrip("/")
        return ApiAddress(base, dialect_of(spec, base), "given in the project file")
    with ctx.database.read() if conn is None else nullcontext(conn) as reader:
        stored = credentials.stored_check(reader, spec.name)
    if stored is not None and stored.made_for == made_for(ctx, spec) and stored.base_url is not None:
        return ApiAddress(stored.base_url, dialect_of(spec, stored.base_url), f"checked at {stored.checked_at}")
    base = candidates(ctx)[0]
    return ApiAddress(base, dialect_of(spec, base), "assumed until the credential is checked (`penstock check`)")


def no_reads(ctx: Context, spec: CredentialSpec, what: str = "a source of `type: custify`") -> Problem:
    """Why nothing can be read with a credential of the flat API; `what` needs to."""
    message = f"the credential {spec.name} is of the flat API, which publishes no reads"
    hint = f"{what} needs a credential with `dialect: native`"
    return ctx.problem(f"credentials.{spec.name}.dialect", message, "no-reads", hint=hint, found="flat")


def dialect_of(spec: CredentialSpec, base: str) -> Dialect:
    if spec.dialect != "auto":
        return spec.dialect
    return "flat" if base.endswith("/api") else "native"


def batch_cost_of(spec: CredentialSpec, conn: StateConnection) -> BatchCostJson | None:
    """What a batch counts as for the rate limit of this credential; None if the credential is not for Custify."""
    if spec.connector != "custify":
        return None
    if spec.rate_limit.batch_cost is not None:
        return {"cost": spec.rate_limit.batch_cost, "source": "settings"}
    learned = learned_cost(conn, spec.name)
    return {"cost": "1", "source": "default"} if learned is None else {"cost": learned, "source": "replies"}


def needs_check(ctx: Context, spec: CredentialSpec) -> bool:
    """Whether a run has to find the base first: `base_url: auto` and nothing stored for this key and these settings."""
    return spec.base_url == "auto" and spec.connector != "file" and address(ctx, spec).reason.startswith("assumed")


def connection(ctx: Context, spec: CredentialSpec, base_url: str) -> Connection:
    """The credential as the client needs it. InputError when it has no key."""
    return connection_with(ctx, spec, base_url, api_key(ctx, spec))


def connection_with(ctx: Context, spec: CredentialSpec, base_url: str, key: str | None) -> Connection:
    """As `connection`, with this key. InputError where the key or a header cannot be sent."""
    path = f"credentials.{spec.name}"
    headers = {name: ctx.resolve(value) for name, value in spec.headers.items()}
    problems = [
        *_unsendable(ctx, f"{path}.api_key", key, spec.api_key),
        *(
            problem
            for name, value in headers.items()
            for problem in _unsendable(ctx, f"{path}.headers.{name}", value, spec.headers[name])
        ),
    ]
    if problems:
        raise InputError(*problems)
    return Connection(
        name=spec.name,
        base_url=base_url,
        api_key=key,
        headers=headers,
        timeout=spec.timeout,
        allowed_hosts=spec.allowed_hosts,
        hidden=tuple(
            found for value in spec.headers.values() for found in references_of(value, ctx.environ, ctx.reach)
        ),
        api="Custify" if spec.connector == "custify" else "the API",
    )


def _unsendable(ctx: Context, path: str, value: str | None, written: Secret | None) -> list[Problem]:
    """A problem when a key or header is of several lines, or has other characters that no HTTP header holds."""
    if value is None or CONTROL.search(value) is None:
        return []
    several = "\n" in value or "\r" in value
    what = "it has several lines" if several else "it holds a control character"
    hint = "keep the key alone, on one line, in the variable or file that it is read from"
    references = () if written is None else tuple(part for part in written.parts if part[0] != "text")
    found = written_form(Secret(references)) or None
    return [
        ctx.problem(path, f"this value cannot be sent as an HTTP header: {what}", "bad-header", hint=hint, found=found)
    ]


def api_key(ctx: Context, spec: CredentialSpec) -> str | None:
    """The key of the project file, else the sealed one; None only if the connector needs none."""
    if spec.api_key is not None:
        return ctx.resolve(spec.api_key)
    with ctx.database.read() as conn:
        sealed = credentials.secret_of(conn, spec.name, ctx.sealer())
    if sealed is None and spec.connector == "custify":
        path = f"credentials.{spec.name}.api_key"
        message = f"the credential {spec.name} has no API key"
        hint = f"write `api_key: ${{env:NAME}}`, or run `penstock credential set {spec.name}`"
        raise InputError(ctx.problem(path, message, "missing-key", hint=hint))
    ctx.events.hide(sealed)
    return sealed


def set_key(ctx: Context, name: str, secret: str) -> None:
    """Seal the API key of a credential in the state database. InputError when the project file names one already."""
    spec = credential_spec(ctx, name)
    if spec.connector == "file":
        message, hint = f"the credential {name} is a folder: it has no key", "set the key of another credential"
        raise InputError(ctx.problem(f"credentials.{name}", message, "key-not-here", hint=hint, found="file"))
    if spec.api_key is not None:
        path = f"credentials.{name}.api_key"
        message = f"the project file already says where the key of {name} comes from"
        hint = "remove api_key from the file, then set the key here"
        raise InputError(ctx.problem(path, message, "key-in-file", hint=hint, found="an api_key in the file"))
    problems = _unsendable(ctx, f"credentials.{name}.api_key", secret, None)
    if problems:
        raise InputError(*problems)
    at = iso(ctx.clock.now())
    with ctx.database.begin() as conn:
        credentials.set_credential(conn, ctx.sealer(), name, secret, at)


def made_for(ctx: Context, spec: CredentialSpec) -> str:
    """What a stored check was made for: it counts only as long as the bases are the same."""
    return " ".join((spec.base_url, *candidates(ctx)))
