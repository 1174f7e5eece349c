"""The rows of runs: their start, progress, counts and end, and who requested them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import itemgetter
from typing import Any, Literal, get_args

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Text, and_, column, func, insert, or_, select, update, values

from penstock.clock import Clock, iso
from penstock.model.errors import Problem, problem_json, problem_of
from penstock.model.outcome import COUNT_NAMES, Counts, Note
from penstock.model.runs import TOTALS, RunFilter, RunKind, RunReport, RunStatus, RunTotals, totals_of
from penstock.store.service_tables import work
from penstock.store.tables import runs

WorkState = Literal["queued", "handed", "running", "ended"]
WAITING_STATES: tuple[WorkState, ...] = get_args(WorkState)[:2]
OPEN_STATES: tuple[WorkState, ...] = get_args(WorkState)[:3]

NOTHING_READ = Counts()
EVERY = RunFilter()
AT_ONCE = 500  # names in one statement
NOT_BEGUN = -1
START = "start"  # `--from start`: a source with a cursor is read from its first row
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_run_id(clock: Clock) -> str:
    """`r-20260131-120000-x7f2m9`: sorts by time, short enough to type; never twice in a second."""
    tail = "".join(ALPHABET[int(clock.dice() * len(ALPHABET))] for _ in range(6))
    return f"r-{clock.now():%Y%m%d-%H%M%S}-{tail}"


def holder_text(clock: Clock) -> str:
    """The value of `RunRow.holder` for this process."""
    return f"process {os.getpid()} on {socket.gethostname()} since {iso(clock.now())}"


@dataclass(frozen=True, slots=True)
class RunRow(RunTotals):
    """One run. `id` sorts by time. Moments are ISO text.

    `parent` is the run id of the flow it belongs to. `position`: every ordinal below it is decided, `NOT_BEGUN` while
    it waits in the queue. `resumable`: the same command continues it. `input_identity` shows whether the input is still
    the one that was begun, `frozen` is the file that the input was copied to, `input_rows` its length where known,
    `window` the slice of a cursor that it reads (its `from`: a requested beginning), `settings` the version of the
    destination's settings. `beside` is the unfinished run that it left to another process, with older versions of some
    of its records. `holder` is the process that has it. `errors` are the problems of the input, the settings or the
    environment, where that ended the run. `deletes_hash` approves the deletions of a mirror that were not carried out.
    `limit` is the number of records to send, `first_sends` what of it and of a canary was sent.
    """

    id: str
    kind: RunKind
    target: str
    started_at: str
    status: RunStatus = "running"
    parent: str | None = None
    resumable: bool = True
    counts: Counts = NOTHING_READ
    notes: tuple[Note, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
    input_identity: str | None = None
    input_rows: int | None = None
    frozen: str | None = None
    window: Mapping[str, Any] | None = None
    settings: str | None = None
    holder: str | None = None
    reason: str | None = None
    stopped_by: str | None = None
    finished_at: str | None = None
    beside: str | None = None
    errors: tuple[Problem, ...] = ()
    deletes_hash: str | None = None
    limit: int | None = None
    first_sends: Mapping[str, Any] | None = None

    @property
    def limited(self) -> bool:
        """Whether `--limit` bounds the run: it may end before the end of its input."""
        return self.limit is not None

    @property
    def at_end(self) -> bool:
        """Of a run that was not stopped: whether all of its input was read and decided."""
        return not self.limited or bool((self.first_sends or {}).get("at_end"))

    @property
    def begins_at(self) -> str | None:
        """The requested place to begin to read: `start`, a value of the cursor, or None."""
        found = (self.window or {}).get("from")
        return None if found is None else str(found)


PRUNED = "pruned"  # the action of the note in a run whose records were deleted


def is_pruned(run: RunRow) -> bool:
    """Whether records and requests of the run were deleted after the retention period."""
    return any(note.action == PRUNED for note in run.notes)


_PACKED = ("notes", "skipped", "window", "errors", "first_sends")  # as JSON
_PLAIN = tuple(item.name for item in fields(RunRow) if item.name not in {*_PACKED, "counts"})


def start(connection: Connection, run: RunRow) -> None:
    """Write a new run down."""
    connection.execute(insert(runs), _to_columns(run))


def begin(connection: Connection, run: RunRow) -> None:
    """Write down that a run begins, whether or not it waited in the queue."""
    if connection.execute(update(runs).where(runs.c.id == run.id), _to_columns(run)).rowcount == 0:
        start(connection, run)


def save(connection: Connection, run: RunRow) -> None:
    """Overwrite a run with what it is now."""
    connection.execute(update(runs).where(runs.c.id == run.id), _to_columns(run))


def finish(connection: Connection, run: RunRow, status: RunStatus, at: str, *, resumable: bool = False) -> RunRow:
    """Save the run as ended, and return it. `resumable`: the same command will continue it.

    Where the clock was set back meanwhile, it ends when it started.
    """
    ended = replace(run, status=status, finished_at=max(at, run.started_at), resumable=resumable, holder=None)
    save(connection, ended)
    return ended


def get(connection: Connection, run: str) -> RunRow | None:
    row = connection.execute(select(runs).where(runs.c.id == run)).one_or_none()
    return None if row is None else to_run(row)


def fresh(conn: Connection, queued: str | None, unfinished: RunRow | None) -> str | None:
    """The requested id, as long as nothing has been run under it; an id is never used twice."""
    row = None if queued is None or (unfinished is not None and unfinished.id == queued) else get(conn, queued)
    return row.id if row is not None and row.position == NOT_BEGUN else None


def list_runs(
    connection: Connection, limit: int = 100, which: RunFilter = EVERY, after: tuple[str, str] | None = None
) -> list[RunRow]:
    """Runs, newest first; `after` is the (started_at, id) of the last one seen.

    A target's runs are all of it; a list without target shows a flow's run, not the parts of it. A test send is no run,
    `get` finds it by its id. The caller checks the status of those that may have `which.status`.
    """
    query = select(runs).where(runs.c.kind != "test", *_conditions(which))
    if after is not None:
        at, run = after
        query = query.where(or_(runs.c.started_at < at, and_(runs.c.started_at == at, runs.c.id < run)))
    query = query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    return [to_run(row) for row in connection.execute(query)]


def _conditions(which: RunFilter) -> list[ColumnElement[bool]]:
    listed = runs.c.parent.is_(None) if which.target is None else runs.c.target == which.target
    conditions: list[ColumnElement[bool]] = [listed]
    if which.since is not None:
        conditions.append(runs.c.started_at >= which.since)
    if which.status is not None:
        conditions.append(_status(which.status))
    return conditions


def _status(status: str) -> ColumnElement[bool]:
    """Those that may show this status; a run whose process died is stored as running, too."""
    waiting, taken = _in_work(*WAITING_STATES), _in_work("running")
    if status == "queued":
        return waiting
    if status in ("running", "interrupted"):
        stored = select(runs.c.id).where(runs.c.status.in_(("running", "interrupted")))
        at_work = select(work.c.run).where(work.c.state == "running")
        return ~waiting & runs.c.id.in_(stored.union(at_work))  # few: each is looked up
    return ~waiting & ~taken & (runs.c.status == status)


def _in_work(*states: str) -> ColumnElement[bool]:
    return runs.c.id.in_(select(work.c.run).where(work.c.state.in_(states)))


def left_open(connection: Connection, target: str, kind: RunKind = "flow") -> list[RunRow]:
    """The runs of a flow that never ended. The holder of the flow knows that no process works on them."""
    query = select(runs).where(runs.c.target == target, runs.c.kind == kind, runs.c.finished_at.is_(None))
    return [to_run(row) for row in connection.execute(query.where(runs.c.position != NOT_BEGUN))]


def children(connection: Connection, flow_run: str) -> list[RunRow]:
    """The runs of a flow's run, in the order they were started."""
    query = select(runs).where(runs.c.parent == flow_run).order_by(runs.c.started_at, runs.c.id)
    return [to_run(row) for row in connection.execute(query)]


def children_of(connection: Connection, flow_runs: Sequence[str]) -> dict[str, list[RunRow]]:
    """The same of several flows' runs at once."""
    found: dict[str, list[RunRow]] = {}
    if flow_runs:
        query = select(runs).where(runs.c.parent.in_(list(flow_runs))).order_by(runs.c.started_at, runs.c.id)
        for row in connection.execute(query):
            found.setdefault(row.parent, []).append(to_run(row))
    return found


def unfinished(connection: Connection, target: str, kind: RunKind = "destination") -> RunRow | None:
    """The newest run of a destination (or flow), if the same command continues it.

    A flow continues after ^C or a crash only. Penstock 0.1.0 left flows open that a wrong input or configuration had
    ended; continuing one would skip the destinations that had run then, whatever their data is now.
    """
    newest = last(connection, target, kind)
    if kind != "flow" and newest is not None and newest.beside is not None and not newest.resumable:
        return unfinished_alone(connection, target)
    if newest is None or not newest.resumable:
        return None
    if kind != "flow" or newest.status == "cancelled":
        return newest
    crashed = newest.status == "running" and newest.holder is not None  # 0.1.0 wrote no holder
    return newest if crashed or any(part.resumable for part in children(connection, newest.id)) else None


def unfinished_alone(connection: Connection, destination: str) -> RunRow | None:
    """The newest run of a destination that was not made beside another one, if the same command continues it."""
    newest = last_alone(connection, destination)
    return newest if newest is not None and newest.resumable else None


def unfinished_runs(connection: Connection, destination: str) -> list[RunRow]:
    """The runs of a destination that the same command continues: one, and perhaps one that was made beside it."""
    found = (unfinished(connection, destination), unfinished_alone(connection, destination))
    return list({run.id: run for run in found if run is not None}.values())


def recount(connection: Connection, run: str, changes: Mapping[str, int]) -> None:
    """Add to the counts of a run that has ended, when its accepted records have their final outcomes."""
    row = get(connection, run)
    if row is not None:
        save(connection, replace(row, counts=row.counts.plus(changes)))


def last(connection: Connection, target: str, kind: RunKind = "destination", *, begun: bool = True) -> RunRow | None:
    """The newest run of a destination (or flow); with `begun`, of those that have begun."""
    mine = [runs.c.target == target, runs.c.kind == kind, *([runs.c.position != NOT_BEGUN] if begun else [])]
    return _newest(connection, *mine)


def last_alone(connection: Connection, destination: str) -> RunRow | None:
    """The newest run of a destination that has begun, but for those made beside another one."""
    mine = (runs.c.target == destination) & (runs.c.kind == "destination")
    return _newest(connection, mine, runs.c.position != NOT_BEGUN, runs.c.beside.is_(None))


def newest_beside(connection: Connection, run: str) -> RunRow | None:
    """The newest run that goes on beside this unfinished one."""
    return _newest(connection, runs.c.beside == run, runs.c.status == "running")


def _newest(connection: Connection, *which: ColumnElement[bool]) -> RunRow | None:
    query = select(runs).where(*which).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    row = connection.execute(query.limit(1)).first()
    return None if row is None else to_run(row)


def newest_of(connection: Connection, targets: Sequence[str]) -> str:
    """What changes when runs of these destinations send something: the newest one, and the requests of all.

    A comparison with Custify counts only if it has sent records again.
    """
    sends = or_(runs.c.kind != "reconcile", runs.c.read > 0)
    query = select(func.max(runs.c.id), func.sum(runs.c.requests)).where(runs.c.target.in_(targets), sends)
    return " ".join(map(str, connection.execute(query).one()))


def has_ended_well(connection: Connection, destination: str) -> bool:
    """Whether a run of the destination has come to the end of its input: one that reads all of it."""
    reads_all = runs.c.beside.is_(None) & runs.c.limit.is_(None)
    ended = (runs.c.kind == "destination") & runs.c.status.in_(("succeeded", "partial")) & reads_all
    return connection.execute(select(runs.c.id).where(runs.c.target == destination, ended).limit(1)).first() is not None


def last_of(connection: Connection, targets: Sequence[str], kind: RunKind) -> dict[str, RunRow]:
    """The newest run that has begun, of each of these destinations (or flows) that has one."""
    found: dict[str, RunRow] = {}
    for first in range(0, len(targets), AT_ONCE):
        part = [(name,) for name in targets[first : first + AT_ONCE]]
        wanted = values(column("target", Text), name="wanted").data(part).cte("wanted")
        mine = (runs.c.target == wanted.c.target) & (runs.c.kind == kind) & (runs.c.position != NOT_BEGUN)
        newest = select(runs.c.id).where(mine).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)
        ids = select(newest.correlate(wanted).scalar_subquery()).select_from(wanted)
        for row in connection.execute(select(runs).where(runs.c.id.in_(ids))):
            found[row.target] = to_run(row)
    return found


def to_report(run: RunRow, parts: Sequence[RunRow] = ()) -> RunReport:
    """The run as people see it; `parts` are the runs of a flow's run.

    What is wrong with the input or the settings of one part is an error of that part; what stopped the flow, of both.
    """
    is_flow = run.kind == "flow"
    stopped = [run, *(part for part in parts if part.stopped_by != "input")]
    return RunReport(
        run=run.id,
        status=run.status,
        records=run.counts,
        destination=None if is_flow else run.target,
        flow=run.target if is_flow else None,
        **totals_of(run),
        notes=run.notes,
        destinations=tuple(to_report(part) for part in parts),
        reason=run.reason,
        stopped_by=run.stopped_by,
        started_at=run.started_at,
        finished_at=run.finished_at,
        skipped=dict(run.skipped),
        deletes_hash=run.deletes_hash,
        limit=run.limit,
        kind=run.kind,
        errors=tuple(dict.fromkeys(problem for row in stopped for problem in row.errors)),
    )


def _to_columns(run: RunRow) -> dict[str, Any]:
    """The row; what was exported of the run is out of date."""
    notes = [[note.field, note.action, note.reason, note.count] for note in run.notes]
    return {
        **{name: getattr(run, name) for name in _PLAIN},
        **{name: getattr(run.counts, name) for name in COUNT_NAMES},
        "notes": orjson.dumps(notes).decode(),
        "skipped": orjson.dumps(dict(run.skipped)).decode(),
        "window": None if run.window is None else orjson.dumps(dict(run.window)).decode(),
        "errors": orjson.dumps([problem_json(problem) for problem in run.errors]).decode() if run.errors else None,
        "first_sends": None if run.first_sends is None else orjson.dumps(dict(run.first_sends)).decode(),
        "exported": None,
    }


_COLUMNS = [column.name for column in runs.columns]
_FIELDS = [item.name for item in fields(RunRow) if not item.kw_only]
_place = {name: _FIELDS.index(name) for name in ("counts", *_PACKED)}
_in_fields_order = itemgetter(*(_COLUMNS.index("id" if name == "counts" else name) for name in _FIELDS))
_counts = itemgetter(*(_COLUMNS.index(name) for name in COUNT_NAMES))
_totals = itemgetter(*(_COLUMNS.index(name) for name in TOTALS))


def to_run(row: Row[Any]) -> RunRow:
    """A run from a row of all columns; by places, for a page has hundreds of them."""
    values = list(_in_fields_order(row))
    notes, skipped, window, errors, first = (values[_place[name]] for name in _PACKED)
    values[_place["counts"]] = Counts(*_counts(row))
    values[_place["notes"]] = () if notes == "[]" else tuple(Note(*note) for note in orjson.loads(notes))
    values[_place["skipped"]] = {} if skipped == "{}" else orjson.loads(skipped)
    values[_place["window"]] = None if window is None else orjson.loads(window)
    values[_place["errors"]] = () if errors is None else tuple(map(problem_of, orjson.loads(errors)))
    values[_place["first_sends"]] = None if first is None else orjson.loads(first)
    return RunRow(*values, **dict(zip(TOTALS, _totals(row), strict=True)))


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """Who requested a run, when, and how far a worker is with it. Moments are ISO text."""

    run: str
    state: WorkState
    worker: str | None
    trigger: str
    requested_by: str
    requested_at: str


_COLUMNS_OF_REQUEST = [work.c[name] for name in ("run", "state", "worker", "trigger", "asked_by", "asked_at")]


def requested_runs(conn: Connection, runs: Sequence[str]) -> dict[str, RequestedRun]:
    """Those of these runs that were requested from the queue."""
    return {
        row.run: RequestedRun(*row)
        for row in conn.execute(select(*_COLUMNS_OF_REQUEST).where(work.c.run.in_(list(runs))))
    }
