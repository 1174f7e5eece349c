"""The start of a run: locks the destination, reads what an unfinished run left, and chooses the input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.outcome import Note, Outcome, Refusal
from penstock.model.record import Chunk
from penstock.model.spec import Mode
from penstock.run.context import Context
from penstock.run.cursor import CursorReading, reading_of
from penstock.run.prepare import Prepared
from penstock.sources.chunks import read_frozen
from penstock.store import leases, quarantine
from penstock.store.memory import key_hashes
from penstock.store.project import resources
from penstock.store.runs import ledger, runs
from penstock.store.runs.deliveries import refusal_json
from penstock.store.runs.runs import RunRow, holder_text, new_run_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIED = "the process ended while the request was under way: it may have arrived or not"
CHUNK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that is written down and ready to go; `decided` are ordinals that need no second look."""

    run: RunRow
    chunks: Callable[[int], Iterator[Chunk]]
    decided: NDArray[np.int64]
    window: Mapping[str, Any] | None = None  # what the cursor will be when the run has come to its end


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """How a run was requested: as part of which flow's run, and under which id (the unfinished run's, or a new one).

    `reading` is where a source with a cursor is read from. `guard` raises
    in a transaction of a holder that has lost the destination.
    """

    parent: str | None = None
    queued: str | None = None
    guard: Callable[[Connection], None] = lambda _: None
    reading: CursorReading | None = None


def hold(ctx: Context, destination: str, lost: Callable[[], None]) -> AbstractContextManager[leases.Lease]:
    """Lock a destination; StateLocked names its holder. Released (soon) when the process dies."""
    return leases.hold(ctx.database, destination, holder_text(ctx.clock), lost)


def begin(ctx: Context, prepared: Prepared, origin: RunOrigin) -> StartedRun:
    """Resume the destination's unfinished run if its input is still the same, else start a new one."""
    name = prepared.spec.name
    with ctx.database.read() as conn:
        last = runs.unfinished(conn, name)
        origin = replace(origin, queued=fresh(conn, origin.queued, last))
    last = _brought_here(ctx, last)
    if last is not None and last.resumable and _same_input(prepared, last) and _same_start(last, origin.reading):
        return _resume(ctx, prepared, last, origin)
    if last is not None:
        _abandon(ctx, prepared, last, origin.guard)
    return _new(ctx, prepared, origin)


def fresh(conn: Connection, queued: str | None, unfinished: RunRow | None) -> str | None:
    """The requested id, as long as nothing has been run under it; an id is never used twice."""
    row = None if queued is None or (unfinished is not None and unfinished.id == queued) else runs.get(conn, queued)
    return row.id if row is not None and row.position == runs.NOT_BEGUN else None


def _brought_here(ctx: Context, run: RunRow | None) -> RunRow | None:
    """The run with its frozen input on this machine, if another one froze it and it can be had."""
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
    """Go on with a run that a crash or ^C ended: its id, its counts; what it had read but not sent is read again."""
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
        run = replace(run, frozen=str(path), input_rows=frozen.rows, window=window)
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
        unknown = 0
        for intent in ledger.leftover_intents(conn, run.id):
            unknown += len(intent.keys)
            refusal = Refusal("no answer", DIED, accepted="did it arrive? then settle it; else discard or resend it")
            why = refusal_json(refusal)
            entry = ledger.LedgerEntry(Outcome.UNKNOWN, intent.ordinals, at, keys=intent.keys, reason=DIED, refusal=why)
            ledger.append(conn, run.id, [entry])
            for key, hashed, content in zip(intent.keys, key_hashes(intent.keys), intent.contents, strict=True):
                quarantine.add(
                    conn,
                    quarantine.NewQuarantineRow(
                        destination=prepared.spec.name,
                        key=key,
                        key_hash=(int(hashed[0]), int(hashed[1])),
                        outcome=Outcome.UNKNOWN,
                        refusal=refusal,
                        at=at,
                        run=run.id,
                        record="{}",
                        record_print=0,  # the record was not stored: any version of this key counts
                        settings=prepared.compiled.version,
                        content=content,
                        request=intent.request,
                    ),
                )
            ledger.end_intent(conn, run.id, intent.number)
        counts = run.counts.plus({"read": unknown, Outcome.UNKNOWN: unknown})
        note = Note(
            "input", "not continued", "the input changed since the run was interrupted; a new run reads it anew"
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
