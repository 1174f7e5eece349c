"""`AppliedProject`: the project that `apply` stored in the database, compared with the project file.

A difference between the two is always reported. `Edits` edits it, for the command line and the API; every edit makes a
new version. It also activates and pauses destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.config.document import changes, document_of_path, without_keys
from penstock.config.loader import load_project, load_text, refuse_wrong_sql
from penstock.model.errors import InputError, Problem
from penstock.model.reach import COMMAND_LINE
from penstock.model.reports import ApplyResult, DocumentChange, ProjectVersion, Resource
from penstock.model.spec import DestinationSpec, ProjectSpec
from penstock.run.context import NOWHERE, Context, sealer_of
from penstock.store.database import Database
from penstock.store.project import credentials, resources
from penstock.store.project.resources import SwitchState
from penstock.usecases.applied_project import editor
from penstock.usecases.applied_project.editor import EditTerms
from penstock.usecases.applied_project.reach import (
    Granted,
    forget_removed,
    grant,
    granted_by,
    seal_by_derived_keys,
)

PROJECT_FILE = Path("penstock.yaml")
SQLITE = "sqlite:///"
MOST_DIFFERENCES = 20  # differences


def knows_state(url: str) -> bool:
    """Whether a state exists, which can have an applied project."""
    return not url.startswith(SQLITE) or Path(url.removeprefix(SQLITE)).exists()


def project_of(database: Database, file: Path, *, given: bool) -> ProjectSpec:
    """The project of the file, or without a file the applied project. Raises InputError if the two differ.

    `given`: the file was named, so that it must exist.
    """
    with database.read() as conn:
        applied = resources.newest_version(conn)
    if applied is None:
        return load_project(file)
    if not given and not file.exists():
        return load_text(applied.text, Path(applied.base), f"version {applied.version} of the project")
    project = load_project(file)
    found = changes(applied.text, without_keys(document_of_path(file))[0])
    if found:
        raise InputError(*_difference(found, applied, project))
    return project


def open_state(file: Path | None, database: str | None, environ: Mapping[str, str]) -> tuple[ProjectSpec, Database]:
    """The project of the file (default `penstock.yaml` here), and its state."""
    path = file or PROJECT_FILE
    url = state_url(path, database, environ)
    project = None if knows_state(url) else load_project(path)  # a wrong file is reported without a state
    opened = Database.open(url, (path if path.is_dir() else path.parent) / ".penstock")
    try:
        return project or project_of(opened, path, given=file is not None), opened
    except BaseException:
        opened.close()
        raise


def open_applied_state(database: str, environ: Mapping[str, str], *, shared: bool) -> tuple[ProjectSpec, int, Database]:
    """The applied project of this database, its version, and the state. Raises as `applied_project`."""
    opened = Database.open(database)
    try:
        if shared:
            seal_by_derived_keys(opened, environ)
        return *applied_project(opened, base=opened.folder, may_be_empty=shared), opened
    except BaseException:
        opened.close()
        raise


def applied_project(database: Database, *, base: Path, may_be_empty: bool = True) -> tuple[ProjectSpec, int]:
    """The applied project and its version; if none was applied, an empty project at `base` with version 0.

    Raises InputError `not-applied` instead of an empty project unless `may_be_empty`.
    """
    with database.read() as conn:
        applied = resources.newest_version(conn)
    if applied is None and not may_be_empty:
        hint = "`penstock apply` loads the project file"
        raise InputError(Problem("project", "no project was applied to this database", "not-applied", hint))
    if applied is None:
        return load_text("", base, ""), 0
    project = load_text(applied.text, Path(applied.base), "")
    return replace(project, lines=NOWHERE, files=NOWHERE), applied.version


def _difference(found: tuple[DocumentChange, ...], applied: ProjectVersion, project: ProjectSpec) -> list[Problem]:
    """The differences as problems; `before` is the value in the database."""
    hint = "`penstock apply` loads the file into the database; `penstock export` prints the applied project"
    problems = []
    for change in found[:MOST_DIFFERENCES]:
        message = {
            "added": f"this is not in the applied project (version {applied.version})",
            "removed": f"this is only in the applied project (version {applied.version})",
            "changed": f"the applied project (version {applied.version}) has {change.before}",
        }[change.change]
        here = change.after if change.after is not None else "nothing"
        line, file = project.lines.get(change.path), project.files.get(change.path)
        problems.append(Problem(change.path, message, "differs", hint, found=here, line=line, file=file))
    if len(found) > MOST_DIFFERENCES:
        more = f"{len(found) - MOST_DIFFERENCES} more places differ"
        problems.append(Problem("project", more, "differs", hint, found=str(len(found))))
    return problems


@dataclass(frozen=True, slots=True)
class AppliedProject:
    """A project file and the applied project of a database. Use it as a context manager."""

    database: Database
    file: Path
    clock: Clock
    environ: Mapping[str, str]

    @staticmethod
    def open(file: Path | None, database: str | None, environ: Mapping[str, str], clock: Clock) -> AppliedProject:
        """`file` is the project file or folder (default `penstock.yaml` here), `database` the state's URL."""
        path = file or PROJECT_FILE
        return AppliedProject(Database.open(state_url(path, database, environ)), path, clock, environ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()

    def apply(self, *, dry_run: bool = False) -> ApplyResult:
        """Store the file's project as a new version; does nothing if it equals the newest.

        API keys in the file are sealed, not stored in the project.
        Raises InputError with every problem of the file.
        """
        project = load_project(self.file)
        refuse_wrong_sql(project, project.datasets)
        base = project.base
        text, keys = without_keys(document_of_path(self.file))
        with self.database.begin() as conn:
            if not dry_run:
                self._seal(conn, keys)
            before = resources.newest_version(conn)
            number = 0 if before is None else before.version
            found = changes("" if before is None else before.text, text)
            granted = Granted.by(str(base), text)
            same = (
                before is not None and not found and before.base == str(base) and granted_by(conn) == granted
            )  # a changed grant makes a version, so that a service notices it
            if same or dry_run:
                return ApplyResult(number, found)
            rows = [change._asdict() for change in found]
            at = iso(self.clock.now())
            grant(conn, granted, at=at)
            resources.add_version(conn, ProjectVersion(number + 1, at, COMMAND_LINE, str(base), text, rows))
            forget_removed(conn, "" if before is None else before.text, text)
        return ApplyResult(number + 1, found)

    def _seal(self, conn: Connection, keys: Mapping[str, str]) -> None:
        for name, key in keys.items():
            credentials.set_credential(
                conn, sealer_of(self.environ, self.database.folder), name, key, iso(self.clock.now())
            )

    def versions(self, limit: int) -> list[ProjectVersion]:
        """The versions of the project in the database, newest first."""
        with self.database.read() as conn:
            return resources.listed_versions(conn, limit, None)

    def export(self) -> str:
        """The applied project as YAML; if none was applied, the project of the file."""
        with self.database.read() as conn:
            applied = resources.newest_version(conn)
        if applied is not None:
            return applied.text
        load_project(self.file)
        return document_of_path(self.file)


def state_url(file: Path, database: str | None, environ: Mapping[str, str]) -> str:
    """The URL of the state: as given, from `PENSTOCK_DATABASE_URL`, or `.penstock/state.db` beside the file."""
    base = (file if file.is_dir() else file.parent).resolve()
    return database or environ.get("PENSTOCK_DATABASE_URL") or f"sqlite:///{base / '.penstock' / 'state.db'}"


WITH_RECORDS = frozenset({"datasets", "destinations"})  # kinds whose settings have to fit records


@dataclass(frozen=True, slots=True)
class Edits:
    """Edits of the applied project, and the switches of destinations: runs send only to active ones.

    `ctx` returns the App's current context; `reload` updates it after an edit.

    `refuse_misfit` raises InputError if the settings of a resource do not fit their records.
    """

    ctx: Callable[[], Context]
    reload: Callable[[], None]
    refuse_misfit: Callable[[str, str, Any], None]

    def listed(self, kind: str) -> dict[str, Resource]:
        """The resources of a section of the applied project (`destinations`), by name."""
        return editor.listed(self.ctx(), kind)

    def page(self, kind: str, limit: int, after: str | None) -> list[Resource]:
        """At most `limit` resources of a section, in the project's order, after the one named `after`."""
        return editor.page(self.ctx(), kind, limit, after)

    def one(self, kind: str, name: str) -> Resource:
        """One resource, with the etag for its next edit."""
        return editor.one(self.ctx(), kind, name)

    def put(
        self, kind: str, name: str, value: Any, *, author: str, if_match: str | None = None, create: bool = False
    ) -> Resource:
        """Write a resource. A literal `api_key` is sealed, not stored in the project.

        Checks the whole project first, and whether the settings fit their records (`refuse_misfit`).
        """
        if kind in WITH_RECORDS:
            self.refuse_misfit(kind, name, value)
        put = editor.put(self.ctx(), kind, name, value, EditTerms(author, if_match, create))
        self.reload()
        return put

    def patch(self, kind: str, name: str, patch: Any, *, author: str, if_match: str | None = None) -> Resource:
        """Change parts of a resource by a JSON merge patch; checked as `put` does."""
        ctx = self.ctx()
        patched_value = editor.patched(ctx, kind, name, patch)
        if kind in WITH_RECORDS:
            self.refuse_misfit(kind, name, patched_value)
        patched = editor.patch(self.ctx(), kind, name, patch, author=author, if_match=if_match)
        self.reload()
        return patched

    def delete(self, kind: str, name: str, *, author: str, if_match: str | None = None) -> None:
        """Delete a resource. Raises InputError if others refer to it, or if it is an active destination."""
        editor.delete(self.ctx(), kind, name, author=author, if_match=if_match)
        self.reload()

    def copy(self, kind: str, name: str, new_name: str, *, author: str) -> Resource:
        """Copy a resource to a new name; the copy of a destination is a draft."""
        copied = editor.copy(self.ctx(), kind, name, new_name, author=author)
        self.reload()
        return copied

    def problems(self, kind: str, name: str, value: Any) -> tuple[Problem, ...]:
        """The problems that the project would have with this resource; writes nothing."""
        return editor.problems(self.ctx(), kind, name, value)

    def versions(self, limit: int = 50, before: int | None = None) -> list[ProjectVersion]:
        """The versions of the applied project, newest first."""
        return editor.versions(self.ctx(), limit, before)

    def version(self, number: int) -> ProjectVersion:
        """One version of the applied project, with its changes."""
        return editor.version(self.ctx(), number)

    def newest(self) -> ProjectVersion:
        """The newest version; if no project was applied, an empty version 0."""
        return editor.newest(self.ctx())

    def replace(
        self, text: str, *, author: str, if_match: str | None = None, dry_run: bool = False
    ) -> editor.EditResult:
        """Store the project of a YAML text as a new version; returns what that changes."""
        written = editor.replace(self.ctx(), text, EditTerms(author, if_match), dry_run=dry_run)
        self.reload()
        return written

    def roll_back(self, number: int, *, author: str, only: str | None = None) -> ProjectVersion:
        """Restore an old version, or `only` one resource of it, as a new version."""
        back = editor.roll_back(self.ctx(), number, author=author, only=only)
        self.reload()
        return back

    def activate(self, destination: str, *, author: str, compile_it: Callable[[DestinationSpec], object]) -> None:
        """Let runs send to a destination.

        Raises InputError if the project is a file that has `active: false`, and what `compile_it` raises.
        """
        ctx = self.ctx()
        spec = ctx.destination(destination)
        compile_it(spec)
        if spec.active is False and ctx.version is not None:
            self.patch("destinations", destination, {"active": None}, author=author)
        elif spec.active is False:
            path = f"destinations.{destination}.active"
            message = f"the project has `active: false` for {destination}, which overrides this activation"
            hint = "write `active: true` in the file"
            raise InputError(ctx.problem(path, message, "file-decides", hint=hint, found="false"))
        _switch(ctx, destination, "active", author)

    def pause(self, destination: str, *, author: str) -> None:
        """Stop runs from sending to a destination."""
        ctx = self.ctx()
        ctx.destination(destination)
        _switch(ctx, destination, "paused", author)


def _switch(ctx: Context, destination: str, state: SwitchState, author: str) -> None:
    with ctx.database.begin() as conn:
        resources.set_switch(conn, destination, state, by=author, at=iso(ctx.clock.now()))
        if state == "active":  # the person accepts what a restored state remembers
            resources.settle_restored(conn, destination)
            resources.confirm_deletions(conn, destination)
