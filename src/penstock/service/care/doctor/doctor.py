"""`penstock doctor`: finds problems of a project and its state, and names their fixes. Changes nothing.

It also works when the state is damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from penstock.clock import Clock, iso
from penstock.config.loader import check_project
from penstock.model.errors import PenstockError
from penstock.model.spec import ProjectSpec
from penstock.run.context import Context
from penstock.service.care.doctor import project as project_findings
from penstock.service.care.doctor import state
from penstock.service.care.doctor.findings import Examined, Findings, note, of_error
from penstock.service.model import Diagnosis, Finding
from penstock.store.database import Database
from penstock.usecases.applied_project.applied_project import SQLITE, applied_project

Check = Callable[[Examined], Findings]

CHECKS: Mapping[str, Check] = {
    "state": state.state,
    "disk": state.disk,
    "sealing key": state.sealing_key,
    "clock": state.time_of_day,
    "backup": state.backups,
    "environment": project_findings.environment,
    "project": project_findings.project,
    "credentials": project_findings.keys,
    "sources": project_findings.sources,
    "addresses": project_findings.addresses,
    "workers": state.workers,
    "runs": state.newest_runs,
    "quarantine": state.held_records,
    "alerts": state.raised_alerts,
    "sign-in": state.sign_in,
}


def diagnose(url: str, file: Path, environ: Mapping[str, str], clock: Clock) -> Diagnosis:
    """Check the state at this URL and the project file. Either may be missing."""
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        none = note("no-state", "there is no state yet", "the first command that needs it creates it")
        return _diagnosis(clock, url.removeprefix(SQLITE), [replace(none, check="state"), *_of_file(file)])
    try:
        with closing(Database.look_at(url, file.parent / ".penstock")) as database:
            found = [replace(each, check="state") for each in state.schema(database)]
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
    return found[: project_findings.MOST]


def _diagnosis(clock: Clock, place: str, findings: list[Finding], database: Database | None = None) -> Diagnosis:
    ordered = sorted(findings, key=lambda each: each.level != "wrong")  # problems first
    versions = state.versions_of(database)
    return Diagnosis(iso(clock.now()), place, versions, tuple(CHECKS), tuple(ordered))
