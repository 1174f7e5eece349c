"""The start of a run: reads what an unfinished run left, and chooses the input.

Of a source with a cursor also the position from which the run reads, and the note for older rows that were read under
other settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note, Outcome, Refusal
from penstock.model.record import Chunk, ReadWindow, Schema
from penstock.model.settings_text import settings_text, without_settling
from penstock.model.spec import BatchSpec, CursorSpec, Mode, SqlSource
from penstock.run.context import Context
from penstock.run.diff.backlog import SENT_AGAIN_FROM
from penstock.run.preparation.prepare import Prepared
from penstock.sources.chunks import read_frozen
from penstock.sources.cursor import READ, value_of
from penstock.store import unknown_records
from penstock.store.project import resources
from penstock.store.runs import ledger, runs
from penstock.store.runs.deliveries import refusal_json
from penstock.store.runs.runs import START, RunRow, holder_text, new_run_id
from penstock.store.unknown_records import ACCEPTED, DIED

if TYPE_CHECKING:
    from numpy.typing import NDArray


CHUNK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that is stored and ready to execute; `decided` are the ordinals that have an outcome."""

    run: RunRow
    chunks: Callable[[int], Iterator[Chunk]]
    decided: NDArray[np.int64]
    window: Mapping[str, Any] | None = None  # what the cursor will be when the run has come to its end


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """How a run was requested: as part of which flow's run, and under which id (the unfinished run's, or a new one).

    `reading` is where a source with a cursor is read from. `guard` raises in a transaction of a process that has lost
    the destination.
    """

    parent: str | None = None
    queued: str | None = None
    guard: Callable[[Connection], None] = lambda _: None
    reading: CursorReading | None = None


def begin(ctx: Context, prepared: Prepared, origin: RunOrigin) -> StartedRun:
    """Resume the destination's unfinished run if its input is still the same, else start a new one."""
    name = prepared.spec.name
    with ctx.database.read() as conn:
        last = runs.unfinished(conn, name)
        origin = replace(origin, queued=fresh(conn, origin.queued, last))
    last = _with_frozen_input(ctx, last)
    if last is not None and last.resumable and _same_input(prepared, last) and _same_start(last, origin.reading):
        return _resume(ctx, prepared, last, origin)
    if last is not None:
        _abandon(ctx, prepared, last, origin.guard)
    return _new(ctx, prepared, origin)


def fresh(conn: Connection, queued: str | None, unfinished: RunRow | None) -> str | None:
    """The requested id, as long as nothing has been run under it; an id is never used twice."""
    row = None if queued is None or (unfinished is not None and unfinished.id == queued) else runs.get(conn, queued)
    return row.id if row is not None and row.position == runs.NOT_BEGUN else None


def _with_frozen_input(ctx: Context, run: RunRow | None) -> RunRow | None:
    """The run with its frozen input on this machine; fetched from the database if another machine froze it."""
    if run is None or run.frozen is None or Path(run.frozen).exists():
        return run
    path = ctx.folder / "frozen" / f"{run.id}.arrow"
    return replace(run, frozen=str(path)) if runs.fetch_frozen_input(ctx.database, run.id, path) else run


def _same_input(prepared: Prepared, run: RunRow) -> bool:
    if run.frozen is not None:
        return Path(run.frozen).exists()
    return run.input_identity is not None and run.input_identity == prepared.data.dataset.identity()


def _same_start(run: RunRow, reading: CursorReading | None) -> bool:
    """Whether an unfinished run began where the requested one begins; a plain `run` continues any."""
    begins_at = None if reading is None else reading.begins_at
    return begins_at is None or run.frozen is None or run.begins_at == begins_at


def _resume(ctx: Context, prepared: Prepared, run: RunRow, origin: RunOrigin) -> StartedRun:
    """Continue a run that a crash or ^C ended, with its id and counts. Records that were not sent are read again."""
    unsent = run.counts.unsent
    resumed = replace(
        run,
        status="running",
        reason=None,
        stopped_by=None,
        errors=(),
        finished_at=None,
        parent=origin.parent or run.parent,
        holder=holder_text(ctx.clock),
        counts=run.counts.plus({"read": -unsent, Outcome.UNSENT: -unsent}),
    )
    with ctx.database.begin() as conn:
        origin.guard(conn)
        runs.save(conn, resumed)
        decided = ledger.decided_beyond(conn, run.id, run.position)
    return StartedRun(resumed, _chunks(prepared, run), decided, run.window)


def _new(ctx: Context, prepared: Prepared, origin: RunOrigin) -> StartedRun:
    clock, name = ctx.clock, prepared.spec.name
    run = RunRow(
        id=origin.queued or new_run_id(clock),
        kind="destination",
        target=name,
        started_at=iso(clock.now()),
        parent=origin.parent,
        settings=prepared.compiled.version,
        holder=holder_text(clock),
    )
    data = prepared.data
    window: Mapping[str, Any] | None = None
    if data.dataset.volatile:
        path = ctx.folder / "frozen" / f"{run.id}.arrow"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        reading = origin.reading
        if reading is None:
            with ctx.database.read() as conn:
                reading = reading_of(conn, prepared, None, clock.now())
        frozen = data.dataset.freeze(data.schema, path, reading.window, clock.now())
        window = reading.document(frozen.window)
        runs.store_frozen_input(ctx.database, run.id, path)
        api = data.dataset.api
        reads, notes = (0, ()) if api is None else (api.requests, api.notes())
        run = replace(run, frozen=str(path), input_rows=frozen.rows, window=window, requests=reads, notes=notes)
    else:
        identity = data.dataset.identity()
        rows = data.schema.records if identity == data.identity else None
        run = replace(run, input_identity=identity, input_rows=rows)
    decided = np.empty(0, dtype=np.int64)
    with ctx.database.begin() as conn:
        origin.guard(conn)
        before = runs.last(conn, name)
        if (
            before is not None
            and prepared.mode is Mode.ALL
            and _stopped_early(before)
            and _same_input(prepared, before)
        ):
            # `all` remembers nothing: a stopped run is continued at its position, so that nothing is sent twice
            run = replace(run, position=before.position)
            decided = ledger.decided_beyond(conn, before.id, before.position)
        runs.begin(conn, run)
    return StartedRun(run, _chunks(prepared, run), decided, window)


def _stopped_early(run: RunRow) -> bool:
    return run.status == "failed"


def _chunks(prepared: Prepared, run: RunRow) -> Callable[[int], Iterator[Chunk]]:
    if run.frozen is not None:
        path = Path(run.frozen)
        return lambda skip: read_frozen(path, skip=skip, rows=CHUNK_ROWS)
    data = prepared.data
    return lambda skip: data.dataset.read(data.schema, skip=skip, rows=CHUNK_ROWS)


def _abandon(ctx: Context, prepared: Prepared, run: RunRow, guard: Callable[[Connection], None]) -> None:
    """End an unfinished run whose input has changed; what it was sending becomes unknown."""
    at = iso(ctx.clock.now())
    with ctx.database.begin() as conn:
        guard(conn)
        unknown, settings, name = 0, prepared.compiled.version, prepared.spec.name
        for intent in ledger.leftover_intents(conn, run.id):
            again = min(intent.ordinals) >= SENT_AGAIN_FROM
            unknown_records.put_in_doubt(conn, name, run.id, intent, again=again, settings=settings)
            ledger.end_intent(conn, run.id, intent.number)
            if again:
                continue  # they have their outcome already: they were sent again
            unknown += len(intent.keys)
            why = refusal_json(Refusal("no answer", DIED, accepted=ACCEPTED))
            entry = ledger.LedgerEntry(Outcome.UNKNOWN, intent.ordinals, at, keys=intent.keys, reason=DIED, refusal=why)
            ledger.append(conn, run.id, [entry])
        counts = run.counts.plus({"read": unknown, Outcome.UNKNOWN: unknown})
        note = Note(
            "input", "not continued", "the input changed since the run was interrupted; a new run reads it again"
        )
        ended = replace(run, counts=counts, notes=(*run.notes, note))
        runs.finish(conn, ended, "interrupted", at)
    discard_frozen(ctx, run)


def finish_input(ctx: Context, start: StartedRun, run: RunRow, guard: Callable[[Connection], None]) -> None:
    """After a run has ended: move the cursor, and delete the frozen input. `guard` as in `RunOrigin`."""
    if run.status in ("succeeded", "partial"):
        if start.window is not None:
            with ctx.database.begin() as conn:
                guard(conn)
                resources.store_window(conn, run.target, start.window)
        discard_frozen(ctx, run)


def discard_frozen(ctx: Context, run: RunRow) -> None:
    if run.frozen is not None:
        Path(run.frozen).unlink(missing_ok=True)
        if ctx.database.is_shared:
            with ctx.database.begin(alone=False) as conn:
                runs.forget_frozen_input(conn, run.id)


FARTHEST_ZONE = timedelta(hours=14)  # ahead of UTC
READ_AGAIN = "the mapping or settings changed since older rows were read: they keep what was sent before"


@dataclass(frozen=True, slots=True)
class CursorReading:
    """`window` None: the source is read whole. `settings` is the mark of those that every row before it was read with.

    `begins_at` is what a person requested: `start`, a value of the cursor, or None. `in_utc`: the session sets its time
    zone.
    """

    window: ReadWindow | None
    settings: str
    column: str | None = None
    begins_at: str | None = None
    notes: tuple[Note, ...] = ()
    in_utc: bool = False

    def document(self, reached: ReadWindow | None) -> dict[str, Any] | None:
        """What is stored with the destination when the run has come to its end."""
        if reached is None:
            return None
        zone = {"zone": "UTC"} if self.in_utc else {}
        return {**reached.to_json(), "column": self.column, "settings": self.settings, "from": self.begins_at, **zone}


def reading_of(
    conn: Connection, prepared: Prepared, begins_at: str | None, now: datetime, *, alone: bool = True
) -> CursorReading:
    """Where a run of this destination begins to read.

    `begins_at` is what a person requested. InputError when it is a value, and the source has no cursor (unless it is
    part of a flow: not `alone`), the value is none of the column, or a run from it on would pass over rows.
    """
    stored = resources.window_of(conn, prepared.spec.name)
    cursor = _cursor(prepared)
    mark, column = settings_mark(prepared), None if cursor is None else cursor.column
    before = None if stored is None else ReadWindow.from_json(stored)
    notes: tuple[Note, ...] = ()
    if before is not None and column is not None and (stored or {}).get("column", column) not in (column, None):
        reason = f"the cursor was {stored['column'] if stored else ''}: the source is read from its start"
        before, notes = None, (Note(column, "read again", reason),)
    in_utc = prepared.data.dataset.sets_zone
    if before is not None and in_utc and "zone" not in (stored or {}):
        before, notes = in_any_zone(before, notes)
    if begins_at == START or before is None:
        window = None
        if begins_at not in (None, START):
            window = _requested_window(prepared, cursor, None, str(begins_at), now, alone=alone)
        return CursorReading(window, mark, column, begins_at, notes, in_utc)
    old = (stored or {}).get("settings") or mark
    if column is not None and old != mark:
        hint = f"penstock run {prepared.spec.name} --from start reads them again; what is unchanged is not sent"
        notes = (*notes, Note("cursor", "not read again", f"{READ_AGAIN}; {hint}"))
    window = before if begins_at is None else _requested_window(prepared, cursor, before, begins_at, now, alone=alone)
    return CursorReading(window, old, column, begins_at, notes, in_utc)


def in_any_zone(before: ReadWindow, notes: tuple[Note, ...]) -> tuple[ReadWindow, tuple[Note, ...]]:
    """Where to continue after a time that was read in the server's time zone, so that no newer row is skipped."""
    value = value_of(before)
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return before, notes
    earlier = ReadWindow((value - FARTHEST_ZONE).isoformat(" "), kind=before.kind)
    note = Note("cursor", "read again", "times are read in UTC now: rows of the 14 hours before are read once more")
    return earlier, (*notes, note)


def with_notes(prepared: Prepared, reading: CursorReading) -> Prepared:
    """The destination with the notes of the reading, also when there is nothing to read."""
    return replace(prepared, reading_notes=reading.notes)


def settings_mark(prepared: Prepared) -> str:
    """A digest of the settings that decide which records older rows became and what was sent for them."""
    spec = replace(
        without_settling(prepared.spec),
        active=None,
        line=None,
        concurrency=0,
        fuse=None,
        responses=False,
        mode=None,
        batch=BatchSpec(),
    )
    source: object = prepared.data.dataset.source
    if isinstance(source, SqlSource):
        source = (source.query, source.table, *(() if source.decimal is None else (source.decimal,)))
    text = f"{settings_text(spec)} {settings_text(prepared.data.spec)} {source if isinstance(source, tuple) else ''}"
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _cursor(prepared: Prepared) -> CursorSpec | None:
    source = prepared.data.dataset.source
    return source.cursor if isinstance(source, SqlSource) else None


def _requested_window(
    prepared: Prepared, cursor: CursorSpec | None, before: ReadWindow | None, value: str, now: datetime, *, alone: bool
) -> ReadWindow | None:
    """The window that begins at a value that a person gave; of a part of a flow without a cursor the usual one."""
    source = prepared.data.dataset.source
    if cursor is None:
        if not alone:
            return before
        raise _wrong(value, f"the source {source.name} has no cursor", "write --from start, or no --from")
    known = before if before is not None and before.value is not None else None
    kind = known.kind if known is not None else _kind(prepared.data.schema, cursor.column)
    try:
        begin = READ[kind](value)
    except (ValueError, ArithmeticError):
        message = f"{value} is no value of the cursor {cursor.column}, which is {kind}"
        raise _wrong(value, message, "write a value of that column, or --from start") from None
    latest = value_of(known)
    if (
        isinstance(begin, datetime)
        and begin.tzinfo is None
        and isinstance(latest, datetime)
        and latest.tzinfo is not None
    ):
        begin = begin.replace(tzinfo=UTC)
    if latest is not None and begin > latest:
        hint = f"write a value up to {known.value if known else ''}, or no --from: the run continues there"
        raise _wrong(value, f"rows up to {known.value if known else ''} were read: later ones would be skipped", hint)
    if isinstance(begin, datetime) and (begin if begin.tzinfo else begin.replace(tzinfo=UTC)) > now:
        raise _wrong(value, f"{value} is in the future: rows that come until then would be skipped", "write a past one")
    return ReadWindow(value, kind=kind)


def _kind(schema: Schema, column: str) -> str:
    """The kind of a cursor that was never read, by its column's type."""
    found = (schema.source or schema).column(column)
    kind: Mapping[str, str] = {"json": "text"}
    return "text" if found is None else kind.get(found.type, found.type)


def _wrong(value: str, message: str, hint: str) -> InputError:
    return InputError(Problem("--from", message, "wrong-start", hint, found=value))
