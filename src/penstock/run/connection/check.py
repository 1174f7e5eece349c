"""Checks with the API whether a credential works and which base URL responds; finds why it stopped a run."""

from __future__ import annotations

from penstock.clock import iso
from penstock.delivery.check import CheckResult, check_credential
from penstock.delivery.limit.budget import Budget
from penstock.model.errors import CredentialRefused, EnvironmentFailure, HostUnreachable, InputError, Problem
from penstock.model.reports import CheckReport, as_json
from penstock.model.spec import CredentialSpec
from penstock.run.connection.connection import (
    ApiAddress,
    address,
    api_key,
    batch_cost_of,
    candidates,
    connection,
    connection_with,
    dialect_of,
    made_for,
    needs_check,
)
from penstock.run.connection.folder import check_folder
from penstock.run.context import Context
from penstock.run.stop import StopSignal
from penstock.store.project import credentials


async def check(ctx: Context, spec: CredentialSpec, budget: Budget, *, refresh: bool) -> CheckReport:
    """Check the credential at the API, and store the result. A stored choice of base changes only with `refresh`.

    Of a folder, nothing is stored: whether it can be written to is seen by a look.
    """
    if spec.connector == "file":
        return check_folder(ctx, spec)
    if spec.base_url != "auto":
        bases: tuple[str, ...] = (spec.base_url.rstrip("/"),)
    elif not refresh and not needs_check(ctx, spec):
        bases = (address(ctx, spec).base_url,)
    else:
        bases = candidates(ctx)
    connections = [connection(ctx, spec, base) for base in bases]
    result = await check_credential(connections, budget, ctx.clock)
    report = _report(ctx, spec, result)
    if result.base_url is not None and result.answered:
        with ctx.database.begin() as conn:
            credentials.store_check(
                conn,
                credentials.StoredCheck(
                    name=spec.name,
                    base_url=result.base_url,
                    made_for=made_for(ctx, spec),
                    checked_at=iso(ctx.clock.now()),
                    ok=result.ok,
                    report=as_json(report),
                ),
            )
    return report


async def check_unsaved(ctx: Context, spec: CredentialSpec, budget: Budget, key: str | None) -> CheckReport:
    """Check unsaved settings with the API, with this key unless they name one. Nothing is stored."""
    if spec.connector == "file":
        return check_folder(ctx, spec)
    key = _unsaved_key(ctx, spec) if key is None else key
    ctx.events.hide(key)
    bases = candidates(ctx) if spec.base_url == "auto" else (spec.base_url.rstrip("/"),)
    connections = [connection_with(ctx, spec, base, key) for base in bases]
    return _report(ctx, spec, await check_credential(connections, budget, ctx.clock))


def _unsaved_key(ctx: Context, spec: CredentialSpec) -> str | None:
    """The key that the settings name; a sealed one only for the very address that it was sealed for."""
    saved = ctx.project.credentials.get(spec.name)
    if spec.api_key is not None or (saved is not None and saved.base_url == spec.base_url):
        return api_key(ctx, spec)
    if spec.connector == "custify":
        message, hint = "there is no API key to check", "give it as `secret`"
        raise InputError(Problem("secret", message, "missing-key", hint))
    return None


def _report(ctx: Context, spec: CredentialSpec, result: CheckResult) -> CheckReport:
    with ctx.database.read() as conn:
        batch_cost = batch_cost_of(spec, conn)
    return CheckReport(
        credential=spec.name,
        ok=result.ok,
        base_url=result.base_url,
        dialect=None if result.base_url is None else dialect_of(spec, result.base_url),
        tried=result.tried,
        allowance=result.allowance,
        reason=result.reason,
        batch_cost=batch_cost,
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
    """Why a run stopped, as a problem of its credential; None when the credential is not the cause."""
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
