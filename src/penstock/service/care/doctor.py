"""`penstock doctor`: finds problems of a project and its state, and names their fixes. Changes nothing.

It also works when the state is damaged. The checks of the project are here: file and applied project, keys, sources,
base URLs, the environment. Those of the state are in `state_checks`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from penstock import bounds
from penstock.clock import Clock, iso
from penstock.config.document import changes, document_of_path, without_keys
from penstock.config.loader import check_project
from penstock.model.errors import PenstockError
from penstock.model.reach import is_loopback
from penstock.model.spec import CredentialSpec, FileSource, ProjectSpec, SourceSpec, SqlSource, WebhookSource
from penstock.model.text import did_you_mean
from penstock.run.connection import connection
from penstock.run.context import Context, is_active
from penstock.service.care import state_checks
from penstock.service.care.state_checks import Examined, Findings, note, of_error, of_problem, wrong
from penstock.service.model import Diagnosis, Finding
from penstock.service.people import identity_provider
from penstock.service.store import people
from penstock.sources.files.source_files import matching_files
from penstock.sources.source import open_rows
from penstock.store.database import Database
from penstock.store.project import credentials, resources
from penstock.usecases.applied_project.applied_project import SQLITE, applied_project
from penstock.usecases.applied_project.reach import sealed_name

MOST = 10  # problems that are listed; the rest is counted
PREFIX = "PENSTOCK_"
VARIABLES = frozenset(
    {
        "PENSTOCK_CUSTIFY_BASES",
        "PENSTOCK_DATABASE_URL",
        "PENSTOCK_DEBUG",
        "PENSTOCK_ENV_ALLOWED",
        "PENSTOCK_FILE_ROOTS",
        "PENSTOCK_LOG_FORMAT",
        "PENSTOCK_LOG_LEVEL",
        "PENSTOCK_METRICS_PUBLIC",
        "PENSTOCK_METRICS_TOKEN",
        "PENSTOCK_SECRET_KEY",
        "PENSTOCK_SQL_HOSTS",
        "PENSTOCK_TRACES",
    }
).union(identity_provider.VARIABLES, bounds.VARIABLES)


def diagnose(url: str, file: Path, environ: Mapping[str, str], clock: Clock) -> Diagnosis:
    """Check the state at this URL and the project file. Either may be missing."""
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        none = note("no-state", "there is no state yet", "the first command that needs it creates it")
        return _diagnosis(clock, url.removeprefix(SQLITE), [replace(none, check="state"), *_of_file(file)])
    try:
        with closing(Database.look_at(url, file.parent / ".penstock")) as database:
            found = [replace(each, check="state") for each in state_checks.schema(database)]
            if found:
                return _diagnosis(clock, database.place, [*found, *_of_file(file)], database)
            return examine(_examined(database, file, environ, clock))
    except PenstockError as error:
        unreached = [replace(each, check="state") for each in of_error(error)]
        return _diagnosis(clock, next((each.about for each in unreached), ""), [*unreached, *_of_file(file)])


def diagnose_service(ctx: Context, *, open_to_all: bool) -> Diagnosis:
    """The diagnosis of a service, which has no project file."""
    version = ctx.version or 0
    project = ctx.project if version else None
    found = Examined(ctx.database, None, ctx.environ, ctx.clock, project, version, open_to_all)
    return examine(found)


def examine(found: Examined) -> Diagnosis:
    """Make every check. An error in a check is reported as its finding."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += [replace(each, check=name) for each in check(found)]
        except PenstockError as error:
            findings += [replace(each, check=name) for each in of_error(error)]
    return _diagnosis(found.clock, found.database.place, findings, found.database)


def _examined(database: Database, file: Path, environ: Mapping[str, str], clock: Clock) -> Examined:
    """The state with the applied project, or with that of the file if none was applied."""
    project: ProjectSpec | None
    try:
        project, version = applied_project(database, base=file.parent)
    except PenstockError:
        project, version = None, 0
    if version == 0:
        project = check_project(file)[0] if file.exists() else None
    return Examined(database, file, environ, clock, project, version)


def _of_file(file: Path) -> list[Finding]:
    """The checks that need only the project file."""
    problems = check_project(file)[1] if file.exists() else ()
    found = [Finding("wrong", each.code, each.message, each.hint, each.path, "project") for each in problems]
    return found[:MOST]


def _diagnosis(clock: Clock, place: str, findings: list[Finding], database: Database | None = None) -> Diagnosis:
    ordered = sorted(findings, key=lambda each: each.level != "wrong")  # problems first
    versions = state_checks.versions_of(database)
    return Diagnosis(iso(clock.now()), place, versions, tuple(CHECKS), tuple(ordered))


# ── checks of the project ────────────────────────────────────────────────────


def project_file(found: Examined) -> Findings:
    """Check that the file can be read and equals what was applied."""
    with found.database.read() as conn:
        applied = resources.newest_version(conn)
    if found.file is None or not found.file.exists():
        if applied is None:
            yield note("no-project", "there is no project yet", "`penstock init` creates one")
        return
    problems = check_project(found.file)[1]
    for problem in problems[:MOST]:
        yield of_problem(problem)
    if len(problems) > MOST:
        yield wrong("more", f"{len(problems) - MOST} more problems are in the project file", "see `penstock validate`")
    if problems or applied is None:
        return
    differ = changes(applied.text, without_keys(document_of_path(found.file))[0])
    if differ:
        places = ", ".join(change.path for change in differ[:3])
        message = f"the file differs from the applied project (version {applied.version}) at {places}"
        hint = "`penstock apply` applies the file; `penstock export` shows the applied project"
        yield wrong("differs", message, hint, str(found.file))


def credential_keys(found: Examined) -> Findings:
    """Check that every credential has a key, and that its last check was not refused."""
    if found.project is None:
        return
    for name, spec in found.project.credentials.items():
        try:
            for value in (spec.api_key, *spec.headers.values()):
                if value is not None:
                    found.ctx.resolve(value)
        except PenstockError as error:
            yield from of_error(error, name)
            continue
        yield from _key(found, spec)


def _key(found: Examined, spec: CredentialSpec) -> Findings:
    with found.database.read() as conn:
        has_key = spec.api_key is not None or credentials.has_secret(conn, spec.name)
        check = credentials.stored_check(conn, spec.name)
    if not has_key and spec.connector == "custify":
        hint = f"use `penstock credential set {spec.name}`, or write api_key: ${{env:NAME}}"
        yield wrong("missing-key", f"the credential {spec.name} has no API key", hint, spec.name)
    elif check is not None and not check.ok:
        message = f"{check.base_url} refused the credential {spec.name} at {check.checked_at}"
        yield wrong("refused", message, f"`penstock check {spec.name}` checks it again", spec.name)


def sources(found: Examined) -> Findings:
    """Check that every source can be reached. Reads only the names of its columns."""
    if found.project is None:
        return
    for name, source in found.project.sources.items():
        try:
            yield from _source(found, source)
        except PenstockError as error:
            yield from of_error(error, name)


def _source(found: Examined, source: SourceSpec) -> Findings:
    if isinstance(source, FileSource):
        for path in matching_files(source, found.ctx.reach):
            if not os.access(path, os.R_OK):
                yield wrong(
                    "unreadable-file", f"this user cannot read {path.name}", "check its permissions", source.name
                )
    elif isinstance(source, SqlSource):
        open_rows(source, found.ctx.resolve, found.ctx.reach)  # queries the database for the names of its columns
    elif isinstance(source, WebhookSource) and source.auth is not None:
        if source.secret is not None:
            found.ctx.resolve(source.secret)
            return
        with found.database.read() as conn:
            known = credentials.has_secret(conn, sealed_name(source.name))
        if not known:
            hint = f"`penstock hooks new-key {source.name}` creates one"
            yield wrong("no-secret", f"the source {source.name} has no key yet, so nobody can post", hint, source.name)


def addresses(found: Examined) -> Findings:
    """Check that active destinations do not send to this machine, where the local sandbox runs."""
    if found.project is None:
        return
    with found.database.read() as conn:
        in_earnest = found.database.is_shared or people.count(conn) > 0
    for name, spec in found.project.destinations.items():
        credential = found.project.credentials.get(spec.credential)
        if credential is None or not is_active(found.ctx, spec)[0]:
            continue
        base = connection.address(found.ctx, credential).base_url
        if is_loopback(urlsplit(base).hostname or ""):
            say = wrong if in_earnest else note
            hint = f"write the address of Custify as base_url of {credential.name}, or `auto`"
            yield say("sandbox", f"{name} is active and sends to this machine ({base}), not to Custify", hint, name)


def environment(found: Examined) -> Findings:
    """Check for unknown variables that begin with PENSTOCK_."""
    for name in sorted(found.environ):
        if name.startswith(PREFIX) and name not in VARIABLES:
            hint = did_you_mean(name, VARIABLES, "docs/configuration.md lists every variable")
            yield wrong("unknown-variable", f"{name} is set, but Penstock has no such variable", hint, name)


Check = Callable[[Examined], Findings]

CHECKS: Mapping[str, Check] = {
    "state": state_checks.state,
    "disk": state_checks.disk,
    "sealing key": state_checks.sealing_key,
    "clock": state_checks.time_of_day,
    "backup": state_checks.backups,
    "environment": environment,
    "project": project_file,
    "credentials": credential_keys,
    "sources": sources,
    "addresses": addresses,
    "workers": state_checks.workers,
    "runs": state_checks.newest_runs,
    "quarantine": state_checks.quarantined_records,
    "alerts": state_checks.raised_alerts,
    "sign-in": state_checks.sign_in,
}
