"""The doctor's checks of the project: file and applied project, keys, sources, base URLs, the environment."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from penstock import bounds
from penstock.config.credentials import is_loopback
from penstock.config.document import changes, document_of_path, without_keys
from penstock.config.loader import check_project
from penstock.model.errors import PenstockError, Problem
from penstock.model.spec import CredentialSpec, FileSource, SourceSpec, SqlSource, WebhookSource
from penstock.model.text import did_you_mean
from penstock.run.activity import is_active
from penstock.run.connection import connection
from penstock.service.care.doctor.findings import Examined, Findings, note, of_error, wrong
from penstock.service.people import identity_provider
from penstock.service.store import people
from penstock.sources.files.source_files import matching_files
from penstock.sources.open import open_rows
from penstock.store.project import credentials, resources
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


def project(found: Examined) -> Findings:
    """Check that the file can be read and equals what was applied."""
    with found.database.read() as conn:
        applied = resources.newest_version(conn)
    if found.file is None or not found.file.exists():
        if applied is None:
            yield note("no-project", "there is no project yet", "`penstock init` creates one")
        return
    problems = check_project(found.file)[1]
    for problem in problems[:MOST]:
        yield wrong(problem.code, problem.message, problem.hint, _place(problem))
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


def _place(problem: Problem) -> str:
    return problem.path if problem.line is None else f"line {problem.line}: {problem.path}"


def keys(found: Examined) -> Findings:
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
