"""`Care`: backup, restore, retention, key rotation and diagnosis of the state.

It works without a project file; `restore` and `diagnose` also work without a state, since they are needed when it is
broken.

`rotate_key` seals every secret again; other processes can open secrets of both keys meanwhile. With a key file, it
writes the new key before the old one, seals everything in one transaction, then removes the old key. If the process
dies in between, the file has both keys, and the next rotation completes the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from penstock.clock import Clock, iso
from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.reach import COMMAND_LINE
from penstock.run.context import Context, sealer_of
from penstock.service.care.backup import BACKED_UP, back_up, restore
from penstock.service.care.retention import compact, prune, retention, stored_retention, tick
from penstock.service.intake.uploads import forget_uploads
from penstock.service.model import (
    OPEN_SERVICE,
    RETENTION,
    BackedUp,
    Compacted,
    Diagnosis,
    Pruned,
    RestoredState,
    RestoreRequest,
    Retention,
    Rotated,
)
from penstock.service.store import pruning
from penstock.service.store.work import this_process
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.migrations import HEAD
from penstock.store.project import credentials, resources
from penstock.store.project.credentials import KEY_VARIABLE, reseal
from penstock.store.project.resources import put_setting
from penstock.usecases.applied_project.applied_project import PROJECT_FILE, SQLITE, project_of, state_url


@dataclass(frozen=True, slots=True)
class Care:
    """Maintenance of a whole state. `url` is its database; `file` is the project file or folder, if there is one."""

    url: str
    file: Path
    environ: Mapping[str, str]
    clock: Clock

    @staticmethod
    def of(file: Path | None, database: str | None, environ: Mapping[str, str], clock: Clock) -> Care:
        """The `Care` for the options that every command has."""
        path = file or PROJECT_FILE
        return Care(state_url(path, database, environ), path, environ, clock)

    def back_up(self, target: Path, *, with_key: bool = False) -> BackedUp:
        """Write a backup of a SQLite state to a new file, while others use the state."""
        made = back_up(self.url, target, with_key=with_key, environ=self.environ, clock=self.clock)
        with closing(Database.look_at(self.url)) as database, suppress(EnvironmentFailure):  # the backup is made
            if database.schema_version() == HEAD:  # a backup does not migrate an older state
                with database.begin() as conn:
                    put_setting(conn, BACKED_UP, {"file": made.file}, by="backup", at=made.made_at)
        return made

    def restore(self, wanted: RestoreRequest) -> RestoredState:
        """Replace the state with a backup. StateLocked while any process has the state open."""
        return restore(self.url, wanted, environ=self.environ, clock=self.clock)

    def prune(self, *, dry_run: bool = False, forget: Sequence[str] = ()) -> Pruned:
        """Delete data older than its retention, and the memory of the removed destinations in `forget`."""
        with closing(Database.open(self.url, self.file.parent / ".penstock")) as database:
            project = project_of(database, self.file, given=False) if forget or self._has_project(database) else None
            known = None if project is None else frozenset(project.destinations)
            return _pruned(database, self.clock, known, dry_run=dry_run, forget=forget)

    def compact(self) -> Compacted:
        """Return free space inside the state to the disk."""
        with closing(Database.open(self.url, self.file.parent / ".penstock")) as database:
            return compact(database)

    def retention(self, changes: Mapping[str, int]) -> Retention:
        """Change these retention settings, and return all of them in days."""
        with closing(Database.open(self.url, self.file.parent / ".penstock")) as database:
            if not changes:
                return retention(database)
            document = {**asdict(retention(database)), **changes}
            return _set_retention(database, document, by=COMMAND_LINE, at=iso(self.clock.now()))

    def rotate_key(self) -> Rotated:
        """Seal everything with a new key, while other processes use the state."""
        with closing(Database.open(self.url, self.file.parent / ".penstock")) as database:
            return rotate_key(database, self.environ)

    def diagnose(self) -> Diagnosis:
        """Check the state, the project and the workers. Changes nothing."""
        from penstock.service.care.doctor import diagnose  # noqa: PLC0415 - it imports most of the service

        return diagnose(self.url, self.file, self.environ, self.clock)

    def _has_project(self, database: Database) -> bool:
        with database.read() as conn:
            return self.file.exists() or resources.newest_version(conn) is not None


def _pruned(
    database: Database,
    clock: Clock,
    there: frozenset[str] | None,
    *,
    dry_run: bool,
    forget: Sequence[str],
    most_s: float | None = None,
) -> Pruned:
    """Delete old data and the memory of `forget`. `there` are the project's destinations, None if they are unknown."""
    with database.read() as conn:
        known = pruning.remembered_destinations(conn)
    gone = {} if there is None else {name: size for name, size in known.items() if name not in there}
    for name in forget:
        if name not in gone:
            raise _not_gone(name, there or frozenset(), gone)
    pruned = prune(database, clock, dry_run=dry_run, most_s=most_s)
    if not dry_run:
        with database.begin() as conn:
            for name in forget:
                pruning.forget_destination(conn, name)
    left = {name: size for name, size in gone.items() if name not in forget}
    return replace(pruned, gone=left, forgotten=tuple(forget))


def _set_retention(
    database: Database,
    document: Mapping[str, Any],
    *,
    by: str,
    at: str,
    guard: Callable[[Retention], None] = lambda _: None,
) -> Retention:
    new = Retention.from_json(document)
    with database.begin() as conn:
        guard(stored_retention(conn))
        put_setting(conn, RETENTION, asdict(new), by=by, at=at)
    return new


def _not_gone(name: str, there: frozenset[str], gone: Mapping[str, int]) -> InputError:
    if name in there:
        message = f"{name} is in the project; without its memory, all its records would be sent again"
        return InputError(Problem("--forget-destination", message, "in-use", "delete the destination first", name))
    hint = f"removed destinations with a memory: {', '.join(sorted(gone)) or 'none'}"
    message = f"there is no memory of a destination {name}"
    return InputError(Problem("--forget-destination", message, "unknown-destination", hint))


@dataclass(frozen=True, slots=True)
class Caretaker:
    """Maintenance by a running service. `ctx` returns the context with the current project."""

    ctx: Callable[[], Context]

    def tick(self) -> Pruned | None:
        """Prune once a day, for about a second per call. None when it is not due."""
        ctx = self.ctx()
        try:
            pruned = tick(ctx.database, ctx.clock)
            if pruned is not None and pruned.finished:
                forget_uploads(ctx)
        except Exception as error:
            ctx.events.emit("care.failed", work="prune", error=type(error).__name__)
            raise
        if pruned is not None and pruned.finished:
            ctx.events.emit("care.done", work="prune", removed=sum(pruned.removed.values()))
        return pruned

    def diagnose(self, *, open_to_all: bool) -> Diagnosis:
        """The diagnosis of this service; `open_to_all` is true if it accepts requests without sign-in."""
        from penstock.service.care.doctor import diagnose_service  # noqa: PLC0415 - imports most of the service

        return diagnose_service(self.ctx(), open_to_all=open_to_all)

    @contextmanager
    def marked_as_open(self) -> Iterator[None]:
        """For the block, mark the state as served without sign-in. StateLocked when another process has marked it."""
        with leases.acquire(self.ctx().database, OPEN_SERVICE, this_process()):
            yield

    def retention(self) -> Retention:
        """The retention settings in days."""
        return retention(self.ctx().database)

    def set_retention(
        self, document: Mapping[str, Any], *, by: str, guard: Callable[[Retention], None] = lambda _: None
    ) -> Retention:
        """Replace the retention settings; omitted ones get their default. `guard` receives the present settings, and
        raises if the writer has read others.
        """
        ctx = self.ctx()
        return _set_retention(ctx.database, document, by=by, at=iso(ctx.clock.now()), guard=guard)

    def prune(self, *, dry_run: bool, forget: Sequence[str], most_s: float) -> Pruned:
        """Delete old data for `most_s` seconds at most, and the memory of the removed destinations in `forget`."""
        ctx = self.ctx()
        there = frozenset(ctx.project.destinations)
        return _pruned(ctx.database, ctx.clock, there, dry_run=dry_run, forget=forget, most_s=most_s)

    def back_up(self) -> BackedUp:
        """Write a backup of a SQLite state, without the sealing key, into a new folder that the caller removes."""
        ctx = self.ctx()
        url = "postgresql://" if ctx.database.path is None else f"{SQLITE}{ctx.database.path}"
        folder = Path(mkdtemp(prefix=".backup-", dir=ctx.folder))
        try:
            return Care(url, PROJECT_FILE, ctx.environ, ctx.clock).back_up(folder / "state.backup")
        except BaseException:
            rmtree(folder)
            raise

    def rotate_key(self) -> Rotated:
        """Seal everything with a new key, while other processes use the state."""
        ctx = self.ctx()
        return rotate_key(ctx.database, ctx.environ)


def rotate_key(database: Database, environ: Mapping[str, str]) -> Rotated:
    """Seal everything with a new key. InputError, and no change, when none of the keys opens a sealed secret."""
    from_environment = KEY_VARIABLE in environ
    if from_environment and not sealer_of(environ, database.folder).older:
        message = f"{KEY_VARIABLE} has only one key, so there is no new key"
        hint = "write the new key before it, separated by a comma, and run this again"
        raise InputError(Problem(KEY_VARIABLE, message, "one-key", hint))
    if not from_environment:
        credentials.put_new_key_first(database.folder)
    ring = sealer_of(environ, database.folder)
    with database.begin() as conn:
        number = reseal(conn, ring)
    if not from_environment:
        credentials.drop_older_keys(database.folder)
    return Rotated(ring.ids()[0], number, from_environment)
