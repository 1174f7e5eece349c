"""The start of a run: reads what an unfinished run left, and chooses the input. Also what its end does to the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.outcome import Note, Outcome
from penstock.model.record import Chunk
from penstock.model.runs import RunStatus
from penstock.model.spec import DestinationSpec, FileSource, Mode
from penstock.run.connection import connection
from penstock.run.context import Context
from penstock.run.destination_lock import Claim, claim_of
from penstock.run.preparation.cursor_reading import CursorReading, move_cursor, reading_of
from penstock.run.preparation.interrupted_requests import put_requests_beside_in_doubt, with_requests_in_doubt
from penstock.run.preparation.last_run import (
    frozen_identity,
    is_followed,
    may_be_followed,
    place_notes,
    same_input,
    with_frozen_input,
)
from penstock.run.preparation.output_place import can_continue, has_written
from penstock.run.preparation.prepare import Prepared
from penstock.run.stop import StopSignal
from penstock.sources.chunks import read_frozen
from penstock.store.runs import frozen_inputs, ledger, runs, sent_beside
from penstock.store.runs.runs import RunRow, holder_text, new_run_id

if TYPE_CHECKING:
    from numpy.typing import NDArray


CHUNK_ROWS = 4096
NOT_CONTINUED = Note(
    "input", "not continued", "the input changed since the run was interrupted; a new run reads it again"
)
OTHER_LIMIT = Note("limit", "not continued", "a run with another limit, or none, was requested: it is a new run")


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that is stored and ready to execute; `decided` are the ordinals that have an outcome."""

    run: RunRow
    chunks: Callable[[int], Iterator[Chunk]]
    decided: NDArray[np.int64]
    window: Mapping[str, Any] | None = None  # what the cursor will be when the run has come to its end
    may_be_followed: bool = False  # whether a later run may go on in its frozen input


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """How a run was requested: as part of which flow's run, and under which id (the unfinished run's, or a new one).

    `limit` is the number of records that it may send, None: all of them.
    `reading` is where a source with a cursor is read from. `guard` raises in a transaction of a process that has lost
    the destination. `beside`: the unfinished run of the destination is another process's, which gives way to this one.
    """

    parent: str | None = None
    queued: str | None = None
    guard: Callable[[Connection], None] = lambda _: None
    reading: CursorReading | None = None
    limit: int | None = None
    beside: bool = False


def claim(ctx: Context, spec: DestinationSpec, begins_at: str | None, queued: str | None) -> Claim:
    """Whether the requested run of a destination is a backfill; `queued` is the id under which it was requested."""
    source = ctx.project.sources.get(ctx.dataset(spec.dataset).source)
    with ctx.database.read() as conn:
        left, has_ended = runs.unfinished_runs(conn, spec.name), runs.has_ended_well(conn, spec.name)
    is_first = not has_ended and source is not None and not source.traits.arrives  # None: replies, which arrive
    gives_way = backfill_gives_way(ctx, spec)
    return claim_of(begins_at, queued, left, is_first=is_first, has_ended=has_ended, gives_way=gives_way)


def backfill_gives_way(ctx: Context, spec: DestinationSpec) -> bool:
    """Whether a backfill of the destination gives way to other runs of it.

    A record that it then leaves out as superseded must be represented in Custify by the newer one. That holds for whole
    records of upserts in mode `changed`, and in mode `new`, which sends each key once, for all templates. It does not
    hold where each record counts: in mode `all`, and for manual requests, which may do anything with a record. A part
    of a record (webhooks, replies) may have fields that the newer one lacks. A mirror is a whole: an older read deletes
    what a newer one has added. A file is read in its place, not from a frozen copy: when it changes, or its pattern
    gets another file, a backfill that has given way would begin again at the first row.
    """
    template, source = ctx.catalogue.get(spec.template or ""), ctx.project.sources.get(ctx.dataset(spec.dataset).source)
    if template is None or source is None or source.traits.arrives or isinstance(source, FileSource):
        return False
    if connection.credential_spec(ctx, spec.credential).connector == "file":
        return False
    mode = spec.mode or template.mode_default
    sent = ctx.catalogue[template.items[template.item(spec.object, spec.fields or ())]] if template.items else template
    return mode is Mode.NEW or (mode is Mode.CHANGED and sent.newest_wins)


def to_continue(left: Sequence[RunRow], queued: str | None, *, beside: bool) -> list[RunRow]:
    """Those of a destination's unfinished runs that a new request continues: first the one that it names."""
    mine = [run for run in left if run.beside is not None or not beside]
    return sorted(mine, key=lambda run: run.id != queued)


def begin(ctx: Context, prepared: Prepared, origin: RunOrigin) -> StartedRun:
    """Resume the destination's unfinished run if its input is still the same, else start a new one."""
    name = prepared.spec.name
    if origin.beside and prepared.policy.once_per_key:
        put_requests_beside_in_doubt(ctx, prepared, origin.guard)
    with ctx.database.read() as conn:
        left = to_continue(runs.unfinished_runs(conn, name), origin.queued, beside=origin.beside)
        origin = replace(origin, queued=runs.fresh(conn, origin.queued, left[0] if left else None))
    for each in left:
        run = with_frozen_input(ctx, each)
        if run.resumable and _continues(ctx, prepared, run, origin):
            return _resume(ctx, prepared, run, origin)
        _abandon(ctx, prepared, run, origin)
    return _new(ctx, prepared, origin)


def _continues(ctx: Context, prepared: Prepared, run: RunRow, origin: RunOrigin) -> bool:
    """Whether the requested run reads the rest of what an unfinished one read, and writes the rest of its file."""
    same = run.limit == origin.limit and _same_input(prepared, run) and _same_start(run, origin.reading)
    return same and (not prepared.is_file or can_continue(ctx, prepared, run))


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
    return StartedRun(resumed, _chunks(prepared, run), decided, run.window, may_be_followed(prepared, run))


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
        limit=origin.limit,
    )
    with ctx.database.read() as conn:
        before = None if origin.beside else runs.last_alone(conn, name)
    before = None if before is None else with_frozen_input(ctx, before)
    wanted = before is not None and is_followed(prepared, before, origin.limit, origin.reading)
    if before is not None and wanted and prepared.is_file:
        wanted = has_written(ctx, prepared, before)
    followed = before if before is not None and wanted and same_input(prepared, before) else None
    if followed is not None and followed.frozen is not None:
        taken = ("frozen", "input_rows", "input_identity", "window")
        run = replace(run, **{each: getattr(followed, each) for each in taken})
    else:
        run = _with_input(ctx, prepared, run, origin.reading)
    if before is not None and wanted:
        run = replace(run, notes=(*run.notes, *place_notes(before, run, followed=followed is not None)))
    decided = np.empty(0, dtype=np.int64)
    with ctx.database.begin() as conn:
        origin.guard(conn)
        if origin.beside:
            other = runs.last_alone(conn, name)
            run = replace(run, beside=other.id if other is not None and other.resumable else None)
        if followed is not None:
            run = replace(run, position=followed.position)
            decided = ledger.decided_beyond(conn, followed.id, followed.position)
            frozen_inputs.move_frozen_input(conn, followed.id, run.id)
        is_read_now = run.position == 0 or (run.frozen is not None and followed is None)
        if not origin.beside and is_read_now:  # after all that was sent beside another run
            sent_beside.clear(conn, name)
        runs.begin(conn, run)
    if before is not None and before.frozen != run.frozen:
        discard_frozen(ctx, before)
    return StartedRun(run, _chunks(prepared, run), decided, run.window, may_be_followed(prepared, run))


def _with_input(ctx: Context, prepared: Prepared, run: RunRow, reading: CursorReading | None) -> RunRow:
    """The run with the input that it reads from the start: the source's files, or a frozen copy."""
    data, now = prepared.data, ctx.clock.now()
    if not data.dataset.volatile:
        identity = data.dataset.identity()
        rows = data.schema.records if identity == data.identity else None
        return replace(run, input_identity=identity, input_rows=rows)
    path = ctx.folder / "frozen" / f"{run.id}.arrow"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if reading is None:
        with ctx.database.read() as conn:
            reading = reading_of(conn, prepared, None, now)
    frozen = data.dataset.freeze(data.schema, path, reading.window, now)
    frozen_inputs.store_frozen_input(ctx.database, run.id, path)
    api = data.dataset.api
    reads, notes = (0, ()) if api is None else (api.requests, api.notes())
    return replace(
        run,
        frozen=str(path),
        input_rows=frozen.rows,
        input_identity=frozen_identity(prepared),
        window=reading.document(frozen.window),
        requests=reads,
        notes=notes,
    )


def _chunks(prepared: Prepared, run: RunRow) -> Callable[[int], Iterator[Chunk]]:
    if run.frozen is not None:
        path = Path(run.frozen)
        return lambda skip: read_frozen(path, skip=skip, rows=CHUNK_ROWS)
    data = prepared.data
    return lambda skip: data.dataset.read(data.schema, skip=skip, rows=CHUNK_ROWS)


def _abandon(ctx: Context, prepared: Prepared, run: RunRow, origin: RunOrigin) -> None:
    """End an unfinished run that is not continued; what it was sending becomes unknown."""
    at = iso(ctx.clock.now())
    with ctx.database.begin() as conn:
        origin.guard(conn)
        note = NOT_CONTINUED if run.limit == origin.limit else OTHER_LIMIT
        doubted = with_requests_in_doubt(conn, run, prepared, at)
        runs.finish(conn, replace(doubted, notes=(*run.notes, note)), "interrupted", at)
    if run.limit == origin.limit:  # else the new run may go on in it
        discard_frozen(ctx, run)


def end_given_way(ctx: Context, run: RunRow, signal: StopSignal, guard: Callable[[Connection], None]) -> RunRow:
    """End a run that is stopped while another one, to which it has given way, has the destination."""
    status: RunStatus = "cancelled" if signal.kind == "cancelled" else "failed"
    with ctx.database.begin() as conn:
        guard(conn)
        now = replace(runs.get(conn, run.id) or run, reason=signal.reason, stopped_by=signal.kind)
        return runs.finish(conn, now, status, iso(ctx.clock.now()), resumable=status == "cancelled")


def finish_input(ctx: Context, start: StartedRun, run: RunRow, guard: Callable[[Connection], None]) -> None:
    """After a run has ended: move the cursor, and delete the frozen input. `guard` as in `RunOrigin`."""
    if run.status in ("succeeded", "partial"):
        moves = start.window is not None and run.at_end
        kept = start.may_be_followed and not moves
        with ctx.database.begin() as conn:
            guard(conn)
            if start.window is not None and moves:
                move_cursor(conn, run.target, start.window)
            if run.beside is None and not kept:
                sent_beside.clear(conn, run.target)
        if not kept:
            discard_frozen(ctx, run)


def discard_frozen(ctx: Context, run: RunRow) -> None:
    if run.frozen is not None:
        Path(run.frozen).unlink(missing_ok=True)
        if ctx.database.is_shared:
            with ctx.database.begin(alone=False) as conn:
                frozen_inputs.forget_frozen_input(conn, run.id)
