"""The rows of one run as Arrow tables, a row group at a time, so that a run of any size needs little memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
from sqlalchemy import Connection, RowMapping, select

from penstock.model.outcome import Outcome
from penstock.model.record import Key
from penstock.model.runs import totals_of
from penstock.store.ledger_export.columns import COLUMNS, VERSION, ExportedTable
from penstock.store.runs.deliveries import unpack_keys
from penstock.store.runs.runs import RunRow, is_pruned
from penstock.store.tables import ledger_batches as batches
from penstock.store.tables import ledger_exceptions as exceptions

GROUP_ROWS = 65_536  # of a row group; as many rows are in memory
BATCHES_AT_ONCE = 50
REQUESTS_AT_ONCE = 5_000


def tables_of(conn: Connection, run: RunRow, name: ExportedTable) -> Iterator[pa.Table]:
    """The rows of a run in one exported table, as tables of at most `GROUP_ROWS` rows; none where it has no rows."""
    if name == "runs":
        return iter([_run(run)])
    return _requests(conn, run) if name == "requests" else _grouped(_records(conn, run))


def _run(run: RunRow) -> pa.Table:
    is_flow = run.kind == "flow"
    notes = [
        {"field": note.field, "action": note.action, "reason": note.reason, "count": note.count} for note in run.notes
    ]
    row = {
        "kind": run.kind,
        "destination": None if is_flow else run.target,
        "flow": run.target if is_flow else None,
        "parent": run.parent,
        "status": run.status,
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        **{name: getattr(run.counts, name) for name in run.counts.__slots__},
        **totals_of(run),
        "reason": run.reason,
        "stopped_by": run.stopped_by,
        "notes": orjson.dumps(notes).decode(),
        "pruned": is_pruned(run),
        "version": VERSION,
    }
    schema = COLUMNS["runs"]
    return pa.Table.from_pylist([{name: row[name] for name in schema.names}], schema)


def moment(text: str | None) -> datetime | None:
    """A stored moment as a date-time in UTC, without zone."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _requests(conn: Connection, run: RunRow) -> Iterator[pa.Table]:
    schema = COLUMNS["requests"]
    for rows in _pages(conn, run.id, REQUESTS_AT_ONCE, sent=True):
        found = [
            {
                **{name: row[name] for name in schema.names if name in row},
                "destination": run.target,
                "request": _request(row),
                "at": moment(row["at"]),
            }
            for row in rows
        ]
        yield pa.Table.from_pylist(found, schema)


def _pages(conn: Connection, run: str, size: int, *, sent: bool) -> Iterator[list[RowMapping]]:
    """The batches of a run in their order, so many at a time; `sent`: only those that a request decided."""
    query = select(batches).where(batches.c.run == run, ~batches.c.is_test)
    if sent:
        query = query.where(batches.c.delivery.is_not(None))
    after = 0
    while rows := list(conn.execute(query.where(batches.c.id > after).order_by(batches.c.id).limit(size)).mappings()):
        yield rows
        after = rows[-1]["id"]


def _request(row: RowMapping | Mapping[str, Any]) -> str | None:
    """The id of the request, as `penstock deliveries` names it."""
    return None if row["delivery"] is None else f"{row['run']}-{row['delivery']}"


def _records(conn: Connection, run: RunRow) -> Iterator[pa.Table]:
    """One row for each record, in pieces of at most `GROUP_ROWS`. Unsent records have no entry in the ledger."""
    for rows in _pages(conn, run.id, BATCHES_AT_ONCE, sent=False):
        odd: dict[int, list[RowMapping]] = {}
        query = select(exceptions).where(exceptions.c.batch.in_([row["id"] for row in rows]))
        for found in conn.execute(query).mappings():
            odd.setdefault(found["batch"], []).append(found)
        for row in rows:
            yield from _of_batch(run, row, odd.get(row["id"], ()))
    unsent = run.counts.unsent if run.kind != "flow" else 0
    none = {"outcome": Outcome.UNSENT.value, "reason": run.reason, "at": run.finished_at, "attempts": 0}
    yield from _repeated(run, {**none, "delivery": None}, None, unsent)


def _of_batch(run: RunRow, row: RowMapping, odd: Sequence[RowMapping]) -> Iterator[pa.Table]:
    keys = None if row["keys"] is None else [_key(key) for key in unpack_keys(row["keys"])]
    if not odd:
        yield from _repeated(run, row, keys, row["records"])
        return
    outcomes, reasons = [row["outcome"]] * row["records"], [row["reason"]] * row["records"]
    for found in odd:
        outcomes[found["item"]], reasons[found["item"]] = found["outcome"], found["reason"]
    yield from _repeated(run, row, keys, row["records"], outcomes, reasons)


def _key(key: Key | None) -> str | None:
    """A key as text; one of several columns as a JSON array."""
    return key if key is None or isinstance(key, str) else orjson.dumps(key).decode()


def _repeated(
    run: RunRow,
    row: RowMapping | Mapping[str, Any],
    keys: list[str | None] | None,
    count: int,
    outcomes: list[str] | None = None,
    reasons: list[str | None] | None = None,
) -> Iterator[pa.Table]:
    """`count` records of one batch, in pieces; what is not given for each of them is the batch's."""
    schema = COLUMNS["records"]
    for first in range(0, count, GROUP_ROWS):
        end = min(first + GROUP_ROWS, count)
        each: dict[str, list[Any] | None] = {
            "key": [None] * (end - first) if keys is None else keys[first:end],
            "outcome": None if outcomes is None else outcomes[first:end],
            "reason": None if reasons is None else reasons[first:end],
        }
        same = {
            "destination": run.target,
            "outcome": row["outcome"],
            "reason": row["reason"],
            "at": moment(row["at"]),
            "request": _request(row),
            "attempts": row["attempts"],
        }
        columns = []
        for field in schema:
            values = each.get(field.name)
            if values is not None:
                columns.append(pa.array(values, field.type))
            else:
                columns.append(pa.repeat(pa.scalar(same[field.name], field.type), end - first))
        yield pa.Table.from_arrays(columns, schema=schema)


def _grouped(pieces: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The rows of the pieces as tables of `GROUP_ROWS` rows; the last one has the rest."""
    waiting: list[pa.Table] = []
    rows = 0
    for piece in pieces:
        waiting.append(piece)
        rows += piece.num_rows
        while rows >= GROUP_ROWS:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, GROUP_ROWS).combine_chunks()
            waiting = [whole.slice(GROUP_ROWS)]
            rows -= GROUP_ROWS
    if rows:
        yield pa.concat_tables(waiting).combine_chunks()
