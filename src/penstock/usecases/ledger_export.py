"""Exports the ledger after a run: every run that has ended and that the project's `ledger_to` does not have yet.

An export that fails or is killed changes no run; the next run of anything exports what is missing. One process at a
time exports, so that what is newer is never overwritten; it exports for all, and the others do not wait for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import orjson
import psycopg
import pyarrow as pa
from sqlalchemy import Connection

from penstock.model.errors import EnvironmentFailure, InputError, PenstockError, Problem, StateLocked
from penstock.model.outcome import Note
from penstock.model.reach import Denial, Reach, is_listed, variable_denial
from penstock.model.record import Key
from penstock.model.runs import RunReport
from penstock.model.spec import LedgerFiles, LedgerObjects, LedgerTables, SqlSource
from penstock.run.context import Context
from penstock.sources.databases.postgres import settings_of
from penstock.sources.databases.url import HIDDEN, SqlUrl
from penstock.sources.files.source_files import denial_of
from penstock.store import leases
from penstock.store.ledger_export import marks
from penstock.store.ledger_export.files import LocalFolder, ParquetLedger
from penstock.store.ledger_export.object_place import ObjectPlace, ObjectUrlError, place_of
from penstock.store.ledger_export.tables import PostgresLedger
from penstock.store.runs import runs
from penstock.store.runs.runs import RunRow, holder_text

LOCK = "export: ledger"  # no destination can have this name
AT_ONCE = 100
LOGINS = {"s3": "AWS_ACCESS_KEY_ID", "gs": "GOOGLE_APPLICATION_CREDENTIALS", "az": "AZURE_CLIENT_ID"}
FIELD, ACTION = "ledger_to", "not exported"


class ExportedLedger(Protocol):
    """Where runs are written to; `write` replaces what was written of the run before."""

    def write(self, conn: Connection, run: RunRow) -> None: ...

    def erase(self, key: str, *, dry_run: bool) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """`place` is a digest that differs for every folder and schema; `masked` hides secrets in a message."""

    place: str
    open: Callable[[], ExportedLedger]
    masked: Callable[[str], str] = str


def exported_reports(ctx: Context, reports: Sequence[RunReport]) -> list[RunReport]:
    """The reports of runs that have ended, after the export; with a note if it failed."""
    note = export_ledger(ctx, [report.run for report in reports])
    return [report if note is None else replace(report, notes=_with(report.notes, note)) for report in reports]


def export_ledger(ctx: Context, ended: Sequence[str]) -> Note | None:
    """Export the runs that are missing in `ledger_to`; does nothing if the project has none.

    If that fails, returns the note that these `ended` runs got. Never raises for a failed export. While another process
    exports, returns at once without a note: that process exports these runs too.
    """
    target = None
    try:
        target = _target(ctx)
        if target is not None:
            _export(ctx, target)
    except (PenstockError, OSError, psycopg.Error, pa.ArrowException) as error:
        said = _reason(error) if target is None else target.masked(_reason(error))
        ctx.events.emit("ledger.not-exported", runs=list(ended), reason=said)
        note = Note(FIELD, ACTION, f"{said}; the next run tries again")
        _store(ctx, ended, note)
        return note
    return None


def erase_exported(ctx: Context, key: Key, *, dry_run: bool) -> int:
    """Remove a key from the exported ledger, with its reasons; returns of how many records.

    Raises InputError or EnvironmentFailure if the place cannot be reached.
    """
    target = _target(ctx)
    if target is None:
        return 0
    text = key if isinstance(key, str) else orjson.dumps(key).decode()
    try:
        if not dry_run:
            _export(ctx, target)
        with closing(target.open()) as ledger:
            return ledger.erase(text, dry_run=dry_run)
    except (OSError, psycopg.Error, pa.ArrowException) as error:
        message = f"the exported ledger cannot be changed: {target.masked(_reason(error))}"
        hint = "make it reachable, then erase again"
        raise EnvironmentFailure(Problem(FIELD, message, "cannot-write", hint)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, PenstockError) and error.problems:
        return str(error.problems[0])
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return next(iter(str(error).splitlines()), type(error).__name__)


def _store(ctx: Context, ended: Sequence[str], note: Note) -> None:
    """Add the note to the runs; a state that cannot be written either has no room for it."""
    try:
        with ctx.database.begin() as conn:
            for run in ended:
                row = runs.get(conn, run)
                if row is not None:
                    runs.save(conn, replace(row, notes=_with(row.notes, note)))
    except PenstockError as error:
        ctx.events.emit("ledger.not-exported", runs=list(ended), reason=_reason(error))


def _with(notes: tuple[Note, ...], note: Note) -> tuple[Note, ...]:
    return (*(other for other in notes if (other.field, other.action) != (FIELD, ACTION)), note)


# ── where ────────────────────────────────────────────────────────────────────


def _target(ctx: Context) -> ExportTarget | None:
    """The place to export to; InputError when it is out of reach or its URL has no value."""
    spec = ctx.project.ledger_to
    if spec is None:
        return None
    if isinstance(spec, LedgerFiles):
        return _files(ctx, spec)
    return _objects(ctx, spec) if isinstance(spec, LedgerObjects) else _tables(ctx, spec)


def _files(ctx: Context, spec: LedgerFiles) -> ExportTarget:
    folder = Path(os.path.realpath(spec.base / spec.path))
    denial = denial_of(folder, ctx.reach)
    if denial is not None:
        message = "the ledger must not be written to this folder"
        hint = "write a folder below the project's, or let an administrator add it to PENSTOCK_FILE_ROOTS"
        raise InputError(ctx.problem("ledger_to.path", message, "file-not-allowed", hint=hint, found=spec.path))
    return ExportTarget(_digest("files", str(folder)), lambda: ParquetLedger(LocalFolder(folder)))


def _objects(ctx: Context, spec: LedgerObjects) -> ExportTarget:
    pieces = [(kind, ctx.resolve(replace(spec.url, parts=((kind, text),)))) for kind, text in spec.url.parts]
    secrets = [value for kind, value in pieces if kind != "text" and value]
    try:
        place = place_of("".join(text if kind == "text" else quote(text, safe="") for kind, text in pieces))
    except ObjectUrlError as error:
        raise InputError(ctx.problem("ledger_to.path", str(error), "object-store-url", hint=error.hint)) from None
    for code, denial in (
        ("host-not-allowed", _host_denial(place, ctx.reach)),
        ("variable-not-allowed", _login_denial(place, ctx.reach)),
    ):
        if denial is not None:
            raise InputError(ctx.problem("ledger_to.path", denial.reason, code, hint=denial.hint))

    def opened() -> ParquetLedger:
        from penstock.store.ledger_export.object_folder import ObjectFolder  # noqa: PLC0415 - loads the clients of the stores

        return ParquetLedger(ObjectFolder(place, ctx.environ, ctx.folder))

    def masked(words: str) -> str:
        for value in sorted({*secrets, place.secret, place.session_token} - {""}, key=len, reverse=True):
            words = words.replace(value, HIDDEN)
        return words

    return ExportTarget(_digest("objects", place.store, place.host, str(place.port), place.root), opened, masked)


def _host_denial(place: ObjectPlace, reach: Reach) -> Denial | None:
    """Why a service must not connect to this store; None if it may. Only the name is checked: PyArrow resolves it."""
    is_own = not place.endpoint and reach.hosts is None  # the cloud's own host
    if not reach.is_service or is_own or is_listed(reach, place.host, place.port):
        return None
    hint = f"let an administrator add {place.host} to PENSTOCK_SQL_HOSTS"
    return Denial("PENSTOCK_SQL_HOSTS does not name the host of this object store", hint)


def _login_denial(place: ObjectPlace, reach: Reach) -> Denial | None:
    """Why a service must not use the login of its machine for this store; None when it may, or when it has a key."""
    variable = LOGINS[place.store]
    if place.secret or variable_denial(reach, variable) is None:
        return None
    hint = f"let an administrator add {variable} to PENSTOCK_ENV_ALLOWED"
    if place.store != "gs":
        hint = f"write the key into the URL, as ${{env:NAME}}, or {hint}"
    return Denial("a service does not use the login of its machine for a project", hint)


def _tables(ctx: Context, spec: LedgerTables) -> ExportTarget:
    url = SqlUrl.of(spec.url, ctx.resolve)
    with _at_our_key(ctx):
        settings = settings_of(SqlSource(FIELD, spec.url, spec.base), url, ctx.reach)
    where = [str(settings.get(name) or "") for name in ("host", "port", "dbname")]
    place = _digest("tables", *where, spec.schema)
    return ExportTarget(place, lambda: PostgresLedger(settings, spec.schema), url.masked)


@contextmanager
def _at_our_key(ctx: Context) -> Iterator[None]:
    """For the block, errors about the URL of a source are about the URL of `ledger_to`."""
    try:
        yield
    except InputError as error:
        error.problems = tuple(ctx.placed(replace(problem, path="ledger_to.url")) for problem in error.problems)
        raise


def _digest(*words: str) -> str:
    return f"{words[0]}-{blake2b('/'.join(words).encode(), digest_size=8).hexdigest()}"


# ── the export ───────────────────────────────────────────────────────────────


def _export(ctx: Context, target: ExportTarget) -> None:
    """Export what is missing, unless another process exports: it looks once more after it has let go of the lock.

    So no run is left over: one that has ended while the lock was taken is found by that look. If the process that has
    the lock fails or dies before it, the next run of anything exports what is missing.
    """
    while _missing(ctx, target):
        with ExitStack() as stack:
            try:
                stack.enter_context(leases.acquire(ctx.database, LOCK, holder_text(ctx.clock)))
            except StateLocked as error:
                if error.problems[0].code == "held":
                    return
                raise
            _export_alone(ctx, target)


def _export_alone(ctx: Context, target: ExportTarget) -> None:
    with closing(target.open()) as ledger:
        tried: set[str] = set()
        while found := [run for run in _missing(ctx, target, AT_ONCE + len(tried)) if run not in tried]:
            for run in found:
                _export_run(ctx, target, ledger, run)
            tried.update(found)


def _missing(ctx: Context, target: ExportTarget, limit: int = 1) -> Sequence[str]:
    with ctx.database.read() as conn:
        return marks.unexported(conn, target.place, limit)


def _export_run(ctx: Context, target: ExportTarget, ledger: ExportedLedger, run: str) -> None:
    with ctx.database.begin() as conn:
        marks.begin(conn, run)
    with ctx.database.read() as conn:
        row = runs.get(conn, run)
        if row is None or row.finished_at is None:  # pruned, or continued by another process
            return
        ledger.write(conn, row)
    with ctx.database.begin() as conn:
        marks.end(conn, run, target.place)
