"""The connection for a credential of the project file: its base URL, its dialect and its key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.clock import iso
from penstock.config.values.references import references_of
from penstock.delivery.budget import Budget
from penstock.delivery.check import CheckResult, check_credential
from penstock.model.delivery import Connection
from penstock.model.errors import CredentialRefused, EnvironmentFailure, HostUnreachable, InputError, Problem
from penstock.model.reports import CheckReport, as_json
from penstock.model.spec import CredentialSpec, Dialect, Secret, written_form
from penstock.run.context import Context
from penstock.run.stop import StopSignal
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


def address(ctx: Context, spec: CredentialSpec) -> ApiAddress:
    """The address of this credential's requests, without a request."""
    if spec.base_url != "auto":
        base = spec.base_url.rstrip("/")
        return ApiAddress(base, dialect_of(spec, base), "given in the project file")
    with ctx.database.read() as conn:
        stored = credentials.stored_check(conn, spec.name)
    if stored is not None and stored.made_for == _made_for(ctx, spec) and stored.base_url is not None:
        return ApiAddress(stored.base_url, dialect_of(spec, stored.base_url), f"checked at {stored.checked_at}")
    base = candidates(ctx)[0]
    return ApiAddress(base, dialect_of(spec, base), "assumed until the credential is checked (`penstock check`)")


def dialect_of(spec: CredentialSpec, base: str) -> Dialect:
    if spec.dialect != "auto":
        return spec.dialect
    return "flat" if base.endswith("/api") else "native"


def needs_check(ctx: Context, spec: CredentialSpec) -> bool:
    """Whether a run has to find the base first: `base_url: auto` and nothing stored for this key and these settings."""
    return spec.base_url == "auto" and address(ctx, spec).reason.startswith("assumed")


def connection(ctx: Context, spec: CredentialSpec, base_url: str) -> Connection:
    """The credential as the client needs it. InputError when its key is nowhere to be had."""
    return _connection(ctx, spec, base_url, api_key(ctx, spec))


def _connection(ctx: Context, spec: CredentialSpec, base_url: str, key: str | None) -> Connection:
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
    """The key of the project file, else the sealed one; None only where the connector can do without."""
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
    if spec.api_key is not None:
        path = f"credentials.{name}.api_key"
        message = f"the project file already says where the key of {name} comes from"
        hint = "take api_key out of the file, then set it here"
        raise InputError(ctx.problem(path, message, "key-in-file", hint=hint, found="an api_key in the file"))
    problems = _unsendable(ctx, f"credentials.{name}.api_key", secret, None)
    if problems:
        raise InputError(*problems)
    at = iso(ctx.clock.now())
    with ctx.database.begin() as conn:
        credentials.set_credential(conn, ctx.sealer(), name, secret, at)


async def check(ctx: Context, spec: CredentialSpec, budget: Budget, *, refresh: bool) -> CheckReport:
    """Check the credential at the API, and store the result. A stored choice of base changes only with `refresh`."""
    if spec.base_url != "auto":
        bases: tuple[str, ...] = (spec.base_url.rstrip("/"),)
    elif not refresh and not needs_check(ctx, spec):
        bases = (address(ctx, spec).base_url,)
    else:
        bases = candidates(ctx)
    connections = [connection(ctx, spec, base) for base in bases]
    result = await check_credential(connections, budget, ctx.clock)
    report = _report(spec, result)
    if result.base_url is not None and result.answered:
        with ctx.database.begin() as conn:
            credentials.store_check(
                conn,
                credentials.StoredCheck(
                    name=spec.name,
                    base_url=result.base_url,
                    made_for=_made_for(ctx, spec),
                    checked_at=iso(ctx.clock.now()),
                    ok=result.ok,
                    report=as_json(report),
                ),
            )
    return report


async def check_unsaved(ctx: Context, spec: CredentialSpec, budget: Budget, key: str | None) -> CheckReport:
    """Ask the API with settings that are not saved and, unless they name one, with this key. Nothing is stored."""
    key = _unsaved_key(ctx, spec) if key is None else key
    ctx.events.hide(key)
    bases = candidates(ctx) if spec.base_url == "auto" else (spec.base_url.rstrip("/"),)
    connections = [_connection(ctx, spec, base, key) for base in bases]
    return _report(spec, await check_credential(connections, budget, ctx.clock))


def _unsaved_key(ctx: Context, spec: CredentialSpec) -> str | None:
    """The key that the settings name; a sealed one only for the very address that it was sealed for."""
    saved = ctx.project.credentials.get(spec.name)
    if spec.api_key is not None or (saved is not None and saved.base_url == spec.base_url):
        return api_key(ctx, spec)
    if spec.connector == "custify":
        message, hint = "there is no API key to check", "give it as `secret`"
        raise InputError(Problem("secret", message, "missing-key", hint))
    return None


def _report(spec: CredentialSpec, result: CheckResult) -> CheckReport:
    return CheckReport(
        credential=spec.name,
        ok=result.ok,
        base_url=result.base_url,
        dialect=None if result.base_url is None else dialect_of(spec, result.base_url),
        tried=result.tried,
        allowance=result.allowance,
        reason=result.reason,
    )


async def ensure_checked(ctx: Context, spec: CredentialSpec, budget: Budget) -> ApiAddress:
    """The address to send to; checks it at the API first when `base_url: auto` was never resolved."""
    if needs_check(ctx, spec):
        report = await check(ctx, spec, budget, refresh=False)
        if not report.ok:
            raise failure(ctx, report)
    return address(ctx, spec)


def failure(ctx: Context, report: CheckReport) -> EnvironmentFailure:
    """The error a run ends with when the check does not go well."""
    kind = HostUnreachable if report.base_url is None else CredentialRefused
    code = "host-unreachable" if report.base_url is None else "credential-refused"
    found = "; ".join(f"{tried['base_url']}: {tried['result']}" for tried in report.tried)
    hint = f"see `penstock check {report.credential}`"
    return kind(ctx.problem(f"credentials.{report.credential}", report.reason, code, hint=hint, found=found))


def stop_problem(ctx: Context, spec: CredentialSpec, signal: StopSignal, base_url: str) -> Problem | None:
    """Why a run stopped, as a problem of its credential; None when that is not to blame."""
    if signal.kind == "credential":
        where = f"credentials.{spec.name}" + ("" if spec.api_key is None else ".api_key")
        hint = f"give it a key that may do this, then `penstock check {spec.name}`"
        message = signal.reason if signal.found is None else "the credential was refused"
        return ctx.problem(where, message, "credential-refused", hint=hint, found=signal.found or base_url)
    if signal.kind == "unreachable":
        where = f"credentials.{spec.name}" + ("" if spec.base_url == "auto" else ".base_url")
        hint = f"check the address, and whether it answers: `penstock check {spec.name}`"
        found = signal.found or base_url
        return ctx.problem(where, signal.reason, "host-unreachable", hint=hint, found=found)
    return None


def _made_for(ctx: Context, spec: CredentialSpec) -> str:
    """What a stored check was made for: it counts only as long as the bases are the same."""
    return " ".join((spec.base_url, *candidates(ctx)))
