"""`penstock doctor`: what is wrong, and what to do. It changes nothing, and needs no sound state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from penstock.clock import Clock, iso
from penstock.config.loading import check_project
from penstock.engine import doctor_project, doctor_state, doctor_work
from penstock.engine.doctor_findings import Diagnosis, Examined, Finding, Findings, note, of_error
from penstock.engine.surroundings import Surroundings
from penstock.engine.truth import SQLITE, applied_project
from penstock.model.errors import PenstockError
from penstock.model.spec import ProjectSpec
from penstock.stores.database import Database

Check = Callable[[Examined], Findings]

CHECKS: Mapping[str, Check] = {
    "state": doctor_state.state,
    "disk": doctor_state.disk,
    "sealing key": doctor_state.sealing_key,
    "clock": doctor_state.time_of_day,
    "backup": doctor_state.backups,
    "environment": doctor_project.environment,
    "project": doctor_project.project,
    "credentials": doctor_project.keys,
    "sources": doctor_project.sources,
    "addresses": doctor_project.addresses,
    "workers": doctor_work.workers,
    "runs": doctor_work.newest_runs,
    "quarantine": doctor_work.held_records,
    "alerts": doctor_work.raised_alerts,
    "sign-in": doctor_work.sign_in,
}


def diagnose(url: str, file: Path, environ: Mapping[str, str], clock: Clock) -> Diagnosis:
    """Look at the state at this URL and at the project file, each there or not."""
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists():
        none = note("no-state", "there is no state yet", "the first command that needs one makes it")
        return _told(clock, url.removeprefix(SQLITE), [replace(none, check="state"), *_of_file(file)])
    try:
        with closing(Database.look_at(url, file.parent / ".penstock")) as database:
            found = [replace(each, check="state") for each in doctor_state.schema(database)]
            if found:
                return _told(clock, database.place, [*found, *_of_file(file)], database)
            return examine(_examined(database, file, environ, clock))
    except PenstockError as error:
        unreached = [replace(each, check="state") for each in of_error(error)]
        return _told(clock, next((each.about for each in unreached), ""), [*unreached, *_of_file(file)])


def diagnose_service(around: Surroundings, *, open_to_all: bool) -> Diagnosis:
    """What a service says of itself: it knows no project file."""
    version = around.version or 0
    project = around.project if version else None
    found = Examined(around.database, None, around.environ, around.clock, project, version, open_to_all)
    return examine(found)


def examine(found: Examined) -> Diagnosis:
    """Make every check; what hinders one is told as its finding."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += [replace(each, check=name) for each in check(found)]
        except PenstockError as error:
            findings += [replace(each, check=name) for each in of_error(error)]
    return _told(found.clock, found.database.place, findings, found.database)


def _examined(database: Database, file: Path, environ: Mapping[str, str], clock: Clock) -> Examined:
    """The project is the applied one; where none was applied, that of the file."""
    project: ProjectSpec | None
    try:
        project, version = applied_project(database, base=file.parent)
    except PenstockError:
        project, version = None, 0
    if version == 0:
        project = check_project(file)[0] if file.exists() else None
    return Examined(database, file, environ, clock, project, version)


def _of_file(file: Path) -> list[Finding]:
    """What can be said of the project file alone."""
    problems = check_project(file)[1] if file.exists() else ()
    found = [Finding("wrong", each.code, each.message, each.hint, each.path, "project") for each in problems]
    return found[: doctor_project.MOST]


def _told(clock: Clock, place: str, findings: list[Finding], database: Database | None = None) -> Diagnosis:
    ordered = sorted(findings, key=lambda each: each.level != "wrong")  # what is wrong comes first
    versions = doctor_state.told_versions(database)
    return Diagnosis(iso(clock.now()), place, versions, tuple(CHECKS), tuple(ordered))
