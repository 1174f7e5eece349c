"""The doctor's checks of the state and of work in progress, and `Examined`, which they examine. They change nothing.

State: database, disk, sealing key, clock, backups. Work: workers, runs, records in quarantine, alerts, sign-in.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from penstock.clock import Clock, iso
from penstock.model.errors import PenstockError, Problem
from penstock.model.runs import RunKind
from penstock.model.spec import ProjectSpec, WebhookSource
from penstock.run.context import Context, sealer_of
from penstock.service.care.backup import BACKED_UP
from penstock.service.model import OPEN_SERVICE, Finding
from penstock.service.store import figures, people, work
from penstock.service.watch import alerts
from penstock.store import leases
from penstock.store.database import Database, refused_revision
from penstock.store.migrations import HEAD
from penstock.store.project import credentials
from penstock.store.project.credentials import KEY_FILE, KEY_VARIABLE
from penstock.store.project.resources import setting
from penstock.store.runs import runs
from penstock.store.runs.runs import WAITING_STATES, RunRow
from penstock.store.tables import runs as runs_table
from penstock.usecases.applied_project.reach import reach_of
from penstock.version import __version__

Findings = Iterator[Finding]

LEAST_FREE = 500_000_000  # bytes on the disk of the state
CHECKED_AT_MOST = 200_000_000  # bytes; to check a larger file takes too long
OLD_BACKUP = timedelta(days=7)
CLOCK_MAY_DIFFER_S = 2.0
OTHERS = 0o077
MANY_QUARANTINED = 1000
WAITS_LONG = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Examined:
    """A state and its project. `file` is the project file, or None; `project` is None if it cannot be read.

    `open_to_all` is true if a service accepts requests without sign-in, None if a check has to find out.
    """

    database: Database
    file: Path | None
    environ: Mapping[str, str]
    clock: Clock
    project: ProjectSpec | None = None
    version: int = 0  # of the applied project
    open_to_all: bool | None = None

    @property
    def ctx(self) -> Context:
        assert self.project is not None
        reach = reach_of(self.database, self.environ, in_service=self.file is None)
        return Context(self.project, self.database, self.clock, self.environ, reach)


def wrong(code: str, message: str, hint: str = "", about: str = "") -> Finding:
    """A problem that a person has to fix."""
    return Finding("wrong", code, message, hint, about)


def note(code: str, message: str, hint: str = "", about: str = "") -> Finding:
    """Information that may need no action."""
    return Finding("note", code, message, hint, about)


def of_error(error: PenstockError, about: str = "") -> Findings:
    """An error as findings."""
    for problem in error.problems:
        yield of_problem(problem, about)


def of_problem(problem: Problem, about: str = "") -> Finding:
    """A problem as a finding."""
    place = problem.path if problem.line is None else f"line {problem.line}: {problem.path}"
    return wrong(problem.code, problem.message, problem.hint, about or place)


def schema(database: Database) -> Findings:
    """Check that the tables have the schema of this version. Raises the errors of opening a database."""
    version = database.schema_version()
    if version is None:
        yield note("empty-state", "the state is empty", "the first command creates its tables")
    elif (refused := refused_revision(database.place, version)) is not None:
        yield wrong(refused.code, f"{refused.message} (its schema is {version})", refused.hint)
    elif version != HEAD:
        hint = "back it up; the next command migrates it"
        yield note("older-schema", f"an older Penstock wrote the state (its schema is {version})", hint)


def state(found: Examined) -> Findings:
    """Check that the state is writable and not damaged, and that only its owner can read it."""
    try:
        with found.database.begin():
            pass
    except PenstockError as error:
        yield from of_error(error)
    path = found.database.path
    if path is None:
        return
    for each in (path, path.parent):
        if each.stat().st_mode & OTHERS:
            rights = "700" if each.is_dir() else "600"
            yield wrong(
                "open-to-others", "other users of this machine can read it", f"chmod {rights} {each}", str(each)
            )
    if path.stat().st_size <= CHECKED_AT_MOST:
        with found.database.read() as conn:
            result = conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if result != "ok":
            yield wrong("damaged", f"the state database is damaged: {result}", "`penstock restore` a backup")


def disk(found: Examined) -> Findings:
    """Check for free space on the disk, also for a backup."""
    folder, path = found.database.folder, found.database.path
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        message = f"only {free / 1e6:,.0f} MB are free on the disk of the state"
        yield wrong("little-room", message, "free some space: a run stops when the disk is full", str(folder))
    elif path is not None and free < 2 * path.stat().st_size:
        message = f"{free / 1e6:,.0f} MB are free: not enough for a backup of {path.stat().st_size / 1e6:,.0f} MB"
        yield note("no-room-for-backup", message, "a backup needs twice the size of the state", str(folder))


def sealing_key(found: Examined) -> Findings:
    """Check that the sealing key exists, that only its owner can read it, and that it opens every sealed secret."""
    file = found.database.folder / KEY_FILE
    with found.database.read() as conn:
        ids = credentials.sealing_key_ids(conn)
    if KEY_VARIABLE in found.environ and file.exists():
        message = f"{KEY_VARIABLE} is set, so the key in {KEY_FILE} is not used"
        yield note("two-keys", message, "keep the file only while secrets are sealed with it", str(file))
    if KEY_VARIABLE not in found.environ:
        yield from _key_file(file, ids.total())
        if not file.exists():
            return
    try:
        ring = sealer_of(found.environ, found.database.folder)
    except PenstockError as error:
        yield from of_error(error)
        return
    lost = sum(number for key, number in ids.items() if key not in ring.ids())
    if lost:
        message = f"{lost} of {ids.total()} secrets were sealed with a key that is missing"
        hint = f"restore the old {KEY_VARIABLE} or {KEY_FILE}, or set those API keys again"
        yield wrong("other-sealing-key", message, hint)
    elif ring.older:
        hint = "`penstock credential rotate-key` completes the rotation"
        yield note("rotation-begun", "an older sealing key is still in use", hint)


def _key_file(file: Path, number: int) -> Findings:
    if not file.exists():
        if number:
            hint = f"put {KEY_FILE} back beside the state, or set {KEY_VARIABLE}"
            yield wrong("no-sealing-key", f"{number} secrets are sealed, but the key that opens them is missing", hint)
    elif file.stat().st_mode & OTHERS:
        message = "other users of this machine can read the sealing key"
        yield wrong("open-to-others", message, f"chmod 600 {file}", str(file))


def time_of_day(found: Examined) -> Findings:
    """Check that the clock agrees with the database server's, and was not set back."""
    now = found.clock.now()
    with found.database.read() as conn:
        newest = conn.execute(select(func.max(runs_table.c.started_at))).scalar_one()
        if found.database.is_shared:
            theirs = float(conn.execute(text("select extract(epoch from clock_timestamp())")).scalar_one())
            apart = found.clock.now().timestamp() - theirs
            if abs(apart) > CLOCK_MAY_DIFFER_S:
                message = f"the clock of this machine differs from the database server's by {apart:+.1f} s"
                yield wrong("clock-differs", message, "synchronize both clocks with NTP")
    if newest is not None and newest > iso(now + timedelta(minutes=1)):
        message = f"a run started at {newest}, which is in the future: the clock was set back"
        yield wrong("clock-went-back", message, "correct the clock: schedules and rate limits depend on it")


def backups(found: Examined) -> Findings:
    """Check that there is a recent backup. Only for SQLite: backups of PostgreSQL are made with its own tools."""
    if found.database.is_shared:
        return
    with found.database.read() as conn:
        last = setting(conn, BACKED_UP)
        began = conn.execute(select(func.min(runs_table.c.finished_at)).where(runs_table.c.delivered > 0)).scalar_one()
    before = iso(found.clock.now() - OLD_BACKUP)
    if began is None or began > before:
        return
    if last is None:
        message = "it has been sending for more than a week without a backup"
        yield wrong("no-backup", message, "`penstock backup FILE` makes one while the state is in use")
    elif last.at < before:
        days = (found.clock.now() - datetime.fromisoformat(last.at)).days
        yield wrong("old-backup", f"the last backup is {days} days old", "run `penstock backup FILE` every day")


def versions_of(database: Database | None) -> Mapping[str, str]:
    """The versions of Penstock, Python, the schema and the database, by name."""
    import platform  # noqa: PLC0415 - only for this
    import sqlite3  # noqa: PLC0415

    found = {"penstock": __version__, "python": platform.python_version(), "state": HEAD}
    if database is None or not database.is_shared:
        return {**found, "sqlite": sqlite3.sqlite_version}
    with database.read() as conn:
        return {**found, "postgresql": str(conn.execute(text("show server_version")).scalar_one())}


def workers(found: Examined) -> Findings:
    """Check that a worker is alive, that all have this version, and that no run waits for long."""
    with found.database.read() as conn:
        known = work.registered(conn)
        waiting = work.in_state(conn, WAITING_STATES)
        running = work.in_state(conn, ("running",))
    alive = {row.id: row for row in known if leases.is_taken(found.database, leases.of_worker(row.id))}
    for row in known:
        if row.id not in alive:
            mine = sum(each.worker == row.id for each in running)
            message = f"the worker on {row.place} has stopped responding; it had {mine} runs"
            yield note("dead-worker", message, "another worker takes them over within half a minute", row.id)
    for row in alive.values():
        if row.version != __version__:
            message = f"the worker on {row.place} has version {row.version}, this is {__version__}"
            yield wrong("other-version", message, "restart it with the newer version", row.id)
    if not alive:
        yield from _no_worker(found, len(waiting) + len(running))
    elif waiting:
        before = found.clock.now() - WAITS_LONG
        late = [row for row in waiting if datetime.fromisoformat(row.asked_at) < before and row.not_before is None]
        if late:
            message = f"{len(late)} runs have waited for more than {WAITS_LONG.seconds // 60} minutes"
            yield wrong("long-queue", message, "start another worker, or see the log of the present one")


def _no_worker(found: Examined, waiting: int) -> Findings:
    hint = "start `penstock serve` or `penstock worker`"
    if waiting:
        yield wrong("no-worker", f"{waiting} runs wait, but no worker is running", hint)
    if found.project is None:
        return
    due = [
        name for name, flow in found.project.flows.items() if flow.schedule is not None and not _is_paused(found, name)
    ]
    fed = [name for name, source in found.project.sources.items() if isinstance(source, WebhookSource)]
    if due or fed:
        say = wrong if found.version else note  # before `apply` nothing is scheduled
        message = f"no worker is running, so these flows and sources do not run: {', '.join([*due, *fed])}"
        yield say("nothing-runs", message, hint)


def _is_paused(found: Examined, flow: str) -> bool:
    with found.database.read() as conn:
        return work.times_of_flow(conn, flow).paused


def newest_runs(found: Examined) -> Findings:
    """Check that the last run of every destination and flow has ended without an error."""
    if found.project is None:
        return
    ctx = found.ctx
    targets: list[tuple[RunKind, str]] = [("destination", name) for name in found.project.destinations]
    for kind, target in (*targets, *(("flow", name) for name in found.project.flows)):
        with found.database.read() as conn:
            row = runs.last(conn, target, kind)
            queued = None if row is None else work.get(conn, row.id)
        if row is not None and (queued is None or queued.state == "ended"):  # else a worker has it, or will
            yield from _ended(ctx, row)


def _ended(ctx: Context, row: RunRow) -> Findings:
    again = f"`penstock run {row.target}` continues it"
    if row.status == "running":
        if not leases.is_taken(ctx.database, leases.of_target(row.kind, row.target)):
            message = f"the run {row.id} of {row.target}, started at {row.started_at}, was interrupted"
            yield wrong("interrupted-run", message, again, row.target)
    elif row.status == "failed":
        reason = row.reason or row.stopped_by or "an error"
        yield wrong("failed-run", f"the last run of {row.target} failed: {reason}", again, row.target)
    elif row.resumable:
        message = f"the run {row.id} of {row.target} was stopped before its end"
        yield note("unfinished-run", message, again, row.target)


def quarantined_records(found: Examined) -> Findings:
    """Report the records in quarantine by destination: wrong from MANY_QUARANTINED on."""
    with found.database.read() as conn:
        groups = figures.quarantine_counts(conn)
    totals: Counter[str] = Counter()
    for each in groups:
        totals[each.destination] += each.records
    for destination, number in sorted(totals.items()):
        most = max((each for each in groups if each.destination == destination), key=lambda each: each.records)
        message = f"{number} records of {destination} are in quarantine; most common: {most.cause} ({most.records})"
        say = wrong if number >= MANY_QUARANTINED else note
        hint = "see `penstock quarantine list`; resend, discard or settle them"
        yield say("held", message, hint, destination)


def raised_alerts(found: Examined) -> Findings:
    """Report the alerts that are raised."""
    with found.database.read() as conn:
        known = alerts.all_alerts(conn)
    for alert in known.values():
        if alert.state == "raised":
            yield note("alert", f"alert {alert.kind} for {alert.subject}: {alert.reason}", about=alert.id)


def sign_in(found: Examined) -> Findings:
    """Check that the service requires sign-in."""
    with found.database.read() as conn:
        number = people.count(conn)
    is_open = found.open_to_all
    if is_open is None:
        is_open = leases.is_taken(found.database, OPEN_SERVICE)
    if is_open:
        say = wrong if number or found.database.is_shared else note
        message = "a service runs without sign-in: everybody on that machine has all rights"
        yield say("open-to-all", message, "start `penstock serve` without --without-sign-in")
    elif number == 0 and found.version:
        hint = "`penstock people setup-link` creates a link for the first user"
        yield note("nobody", "there are no users yet", hint)
