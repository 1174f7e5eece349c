"""The doctor's checks of the state and of work in progress. They create and change nothing.

State: database, disk, sealing key, clock, backups. Work: workers, runs, records in quarantine, alerts, and sign-in.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from penstock.clock import iso
from penstock.model.errors import PenstockError
from penstock.model.runs import RunKind
from penstock.model.spec import WebhookSource
from penstock.run.context import Context, sealer_of
from penstock.service.care.doctor.findings import BACKED_UP, OPEN_SERVICE, Examined, Findings, note, of_error, wrong
from penstock.service.store import alerts, figures, pauses, people, work
from penstock.store import leases
from penstock.store.database import Database, refused_revision
from penstock.store.migrations import HEAD
from penstock.store.project import credentials
from penstock.store.project.credentials import KEY_FILE, KEY_VARIABLE
from penstock.store.project.settings import setting
from penstock.store.runs import runs
from penstock.store.runs.requested import WAITING
from penstock.store.runs.runs import RunRow
from penstock.store.tables import runs as runs_table
from penstock.version import __version__

LEAST_FREE = 500_000_000  # bytes on the disk of the state
CHECKED_AT_MOST = 200_000_000  # a larger file takes too long to be read whole
OLD_BACKUP = timedelta(days=7)
CLOCK_MAY_DIFFER_S = 2.0
OTHERS = 0o077

MANY_HELD = 1000
WAITS_LONG = timedelta(minutes=5)


def schema(database: Database) -> Findings:
    """Whether the tables are those of this version. Raises what opening the database raises."""
    version = database.schema_version()
    if version is None:
        yield note("empty-state", "nothing is in the state yet", "the first command makes its tables")
    elif (refused := refused_revision(database.place, version)) is not None:
        yield wrong(refused.code, f"{refused.message} (its form is {version})", refused.hint)
    elif version != HEAD:
        hint = "back it up: the next command brings it up to date"
        yield note("older-schema", f"the state was written by an older Penstock (its form is {version})", hint)


def state(found: Examined) -> Findings:
    """It can be written, it is whole, and only its owner can read it."""
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
            said = conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if said != "ok":
            yield wrong("damaged", f"the state database is damaged: {said}", "`penstock restore` a backup")


def disk(found: Examined) -> Findings:
    """There is room for what comes, and for a backup."""
    folder, path = found.database.folder, found.database.path
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        message = f"only {free / 1e6:,.0f} MB are free on the disk of the state"
        yield wrong("little-room", message, "make room: a run stops when the disk is full", str(folder))
    elif path is not None and free < 2 * path.stat().st_size:
        message = f"{free / 1e6:,.0f} MB are free: not enough for a backup of {path.stat().st_size / 1e6:,.0f} MB"
        yield note("no-room-for-backup", message, "a backup needs twice the size of the state", str(folder))


def sealing_key(found: Examined) -> Findings:
    """Check that the key is there, only its owner can read it, and it opens everything sealed."""
    file = found.database.folder / KEY_FILE
    with found.database.read() as conn:
        ids = credentials.sealing_key_ids(conn)
    if KEY_VARIABLE in found.environ and file.exists():
        message = f"{KEY_VARIABLE} is set, so that the key in {KEY_FILE} opens nothing"
        yield note("two-keys", message, "keep the file only as long as something was sealed by it", str(file))
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
        message = f"{lost} of {ids.total()} sealed secrets were sealed with another key than the one at hand"
        hint = f"give back the old {KEY_VARIABLE} or {KEY_FILE}, or set those API keys again"
        yield wrong("other-sealing-key", message, hint)
    elif ring.older:
        yield note("rotation-begun", "an older sealing key is still there", "`penstock credential rotate-key` ends it")


def _key_file(file: Path, number: int) -> Findings:
    if not file.exists():
        if number:
            hint = f"put {KEY_FILE} back beside the state, or set {KEY_VARIABLE}"
            yield wrong("no-sealing-key", f"{number} secrets are sealed, and there is no key to open them", hint)
    elif file.stat().st_mode & OTHERS:
        message = "other users of this machine can read the sealing key"
        yield wrong("open-to-others", message, f"chmod 600 {file}", str(file))


def time_of_day(found: Examined) -> Findings:
    """The clock agrees with the database's, and did not go back."""
    now = found.clock.now()
    with found.database.read() as conn:
        newest = conn.execute(select(func.max(runs_table.c.started_at))).scalar_one()
        if found.database.is_shared:
            theirs = float(conn.execute(text("select extract(epoch from clock_timestamp())")).scalar_one())
            apart = found.clock.now().timestamp() - theirs
            if abs(apart) > CLOCK_MAY_DIFFER_S:
                message = f"this machine's clock is {apart:+.1f} s from the database server's"
                yield wrong("clock-differs", message, "let both keep the time by NTP")
    if newest is not None and newest > iso(now + timedelta(minutes=1)):
        message = f"a run began at {newest}, which is still to come: the clock went back"
        yield wrong("clock-went-back", message, "set the clock right: schedules and rate limits go by it")


def backups(found: Examined) -> Findings:
    """What was sent would not be forgotten. PostgreSQL has its own backups, of which nothing is known here."""
    if found.database.is_shared:
        return
    with found.database.read() as conn:
        last = setting(conn, BACKED_UP)
        began = conn.execute(select(func.min(runs_table.c.finished_at)).where(runs_table.c.delivered > 0)).scalar_one()
    before = iso(found.clock.now() - OLD_BACKUP)
    if began is None or began > before:
        return
    if last is None:
        message = "it sends since more than a week, and no backup was ever made"
        yield wrong("no-backup", message, "`penstock backup FILE` writes one while it is in use")
    elif last.at < before:
        days = (found.clock.now() - datetime.fromisoformat(last.at)).days
        yield wrong("old-backup", f"the last backup is {days} days old", "`penstock backup FILE`, every day")


def told_versions(database: Database | None) -> Mapping[str, str]:
    """What is at work here, by name."""
    import platform  # noqa: PLC0415 - only for this
    import sqlite3  # noqa: PLC0415

    from penstock.version import __version__  # noqa: PLC0415

    told = {"penstock": __version__, "python": platform.python_version(), "state": HEAD}
    if database is None or not database.is_shared:
        return {**told, "sqlite": sqlite3.sqlite_version}
    with database.read() as conn:
        return {**told, "postgresql": str(conn.execute(text("show server_version")).scalar_one())}


def workers(found: Examined) -> Findings:
    """Check that the workers are alive, and of this version."""
    with found.database.read() as conn:
        known = work.registered(conn)
        waiting = work.in_state(conn, WAITING)
        running = work.in_state(conn, ("running",))
    alive = {row.id: row for row in known if leases.is_held(found.database, leases.of_worker(row.id))}
    for row in known:
        if row.id not in alive:
            mine = sum(each.worker == row.id for each in running)
            message = f"the worker of {row.place} gave no sign of life and had {mine} runs"
            yield note("dead-worker", message, "any other worker takes them over within half a minute", row.id)
    for row in alive.values():
        if row.version != __version__:
            message = f"the worker of {row.place} is of version {row.version}, this is {__version__}"
            yield wrong("other-version", message, "restart it with the newer Penstock", row.id)
    if not alive:
        yield from _nobody_works(found, len(waiting) + len(running))
    elif waiting:
        before = found.clock.now() - WAITS_LONG
        late = [row for row in waiting if datetime.fromisoformat(row.asked_at) < before and row.not_before is None]
        if late:
            message = f"{len(late)} runs wait for longer than {WAITS_LONG.seconds // 60} minutes"
            yield wrong("long-queue", message, "start another worker, or look at the log of the one there is")


def _nobody_works(found: Examined, waiting: int) -> Findings:
    hint = "start `penstock serve` or `penstock worker`"
    if waiting:
        yield wrong("no-worker", f"{waiting} runs wait, and no worker lives", hint)
    if found.project is None:
        return
    due = [name for name, flow in found.project.flows.items() if flow.schedule is not None and not _rests(found, name)]
    fed = [name for name, source in found.project.sources.items() if isinstance(source, WebhookSource)]
    if due or fed:
        say = wrong if found.version else note  # before `apply` nothing runs by itself
        yield say("nothing-runs", f"no worker lives, so that nothing runs by itself: {', '.join([*due, *fed])}", hint)


def _rests(found: Examined, flow: str) -> bool:
    with found.database.read() as conn:
        return pauses.times_of(conn, flow).paused


def newest_runs(found: Examined) -> Findings:
    """The last run of everything came to its end."""
    if found.project is None:
        return
    ctx = found.ctx
    targets: list[tuple[RunKind, str]] = [("destination", name) for name in found.project.destinations]
    for kind, target in (*targets, *(("flow", name) for name in found.project.flows)):
        with found.database.read() as conn:
            row = runs.last(conn, target, kind)
            asked = None if row is None else work.get(conn, row.id)
        if row is not None and (asked is None or asked.state == "ended"):  # else a worker has it, or will
            yield from _ended(ctx, row)


def _ended(ctx: Context, row: RunRow) -> Findings:
    again = f"`penstock run {row.target}` goes on with it"
    if row.status == "running":
        if not leases.is_held(ctx.database, leases.of_target(row.kind, row.target)):
            message = f"the run {row.id} of {row.target}, begun at {row.started_at}, was interrupted"
            yield wrong("interrupted-run", message, again, row.target)
    elif row.status == "failed":
        reason = row.reason or row.stopped_by or "an error"
        yield wrong("failed-run", f"the last run of {row.target} failed: {reason}", again, row.target)
    elif row.resumable:
        message = f"the run {row.id} of {row.target} was stopped before its end"
        yield note("unfinished-run", message, again, row.target)


def held_records(found: Examined) -> Findings:
    """Not too much waits for a person."""
    with found.database.read() as conn:
        held = figures.held_counts(conn)
    totals: Counter[str] = Counter()
    for each in held:
        totals[each.destination] += each.records
    for destination, number in sorted(totals.items()):
        most = max((each for each in held if each.destination == destination), key=lambda each: each.records)
        message = f"{number} records of {destination} are held for a person, {most.records} of them: {most.cause}"
        say = wrong if number >= MANY_HELD else note
        hint = "`penstock quarantine list` shows them; resend, discard or settle them"
        yield say("held", message, hint, destination)


def raised_alerts(found: Examined) -> Findings:
    """What the service wants to be known."""
    with found.database.read() as conn:
        known = alerts.all_alerts(conn)
    for alert in known.values():
        if alert.state == "raised":
            yield note("alert", f"{alert.kind} of {alert.subject}: {alert.reason}", about=alert.id)


def sign_in(found: Examined) -> Findings:
    """Check that the service requires sign-in."""
    with found.database.read() as conn:
        number = people.count(conn)
    is_open = found.open_to_all
    if is_open is None:
        is_open = leases.is_held(found.database, OPEN_SERVICE)
    if is_open:
        say = wrong if number or found.database.is_shared else note
        message = "a service answers without sign-in: whoever is at that machine may do everything"
        yield say("open-to-all", message, "start `penstock serve` without --without-sign-in")
    elif number == 0 and found.version:
        yield note("nobody", "nobody can sign in yet", "`penstock people setup-link` makes the first account's link")
