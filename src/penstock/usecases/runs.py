"""Runs as reports and as JSON, with one rule for their status, for the command line, the REST API and the overview.

Also the requests and records of a run, and its records as a CSV or Parquet file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, cast

import orjson
from sqlalchemy import Connection, RowMapping

from penstock.model.delivery import DeliveryJson, DeliveryReport, WholeDeliveryJson, dated_delivery_json
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Outcome
from penstock.model.reach import COMMAND_LINE
from penstock.model.reports import Page, SettleJson, page_of, read_cursor, settle_json, write_cursor
from penstock.model.runs import BareRunJson, RecordJson, RunJson, RunReport, RunStatus, run_json, settled
from penstock.model.spec import FlowSpec
from penstock.model.text import harmless_cell
from penstock.run import flow
from penstock.run.context import Context
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs import canaries, deliveries, runs
from penstock.store.runs.deliveries import RunRecord
from penstock.store.runs.runs import NOT_BEGUN, WAITING_STATES, RequestedRun, RunRow, requested_runs

EXPORTED_COLUMNS = ("run", "ordinal", "key", "outcome", "reason", "field", "delivery")
DELIVERY_NUMBER = re.compile(r"[0-9]{1,18}")  # of a delivery: fits into 64 bits
EXPORTED_AT_ONCE = 10_000  # records of an export in memory at once


def listed(ctx: Context, run: str | None, limit: int) -> list[RunReport]:
    """The runs, newest first, or the run `run`. Raises InputError if it is unknown."""
    with ctx.database.read() as conn:
        rows = runs.list_runs(conn, limit) if run is None else [known_run(conn, run, "penstock runs lists them")]
        return reports(ctx, conn, rows)


def known_run(conn: Connection, run: str, hint: str = "see the list of runs") -> RunRow:
    """The row of a run. Raises InputError with the hint if there is none."""
    row = runs.get(conn, run)
    if row is None:
        raise InputError(Problem("run", f"there is no run {run}", "unknown-run", hint, run))
    return row


def parts_of(conn: Connection, run: RunRow) -> list[str]:
    """The ids of the runs that have the requests and records of this run: its own, or for a flow those of its parts."""
    return [part.id for part in runs.children(conn, run.id)] if run.kind == "flow" else [run.id]


def reports(ctx: Context, conn: Connection, rows: Sequence[RunRow]) -> list[RunReport]:
    """These runs with their current status; an unfinished run of a flow has the sums of its parts."""
    return _reports(ctx, conn, rows, requested_runs(conn, [row.id for row in rows]))


def documents(ctx: Context, conn: Connection, rows: Sequence[RunRow], *, errors: bool = False) -> list[RunJson]:
    """These runs as in the REST API. A part of a flow's run has the requester of the flow's run."""
    requests = requested_runs(conn, [run for row in rows for run in (row.id, row.parent) if run is not None])
    found = _reports(ctx, conn, rows, requests)
    return [
        cast(
            RunJson,
            {
                **_document(row, report, errors=errors),
                **_origin(row, requests.get(row.parent or row.id)),
                **_settled(row, report),
            },
        )
        for row, report in zip(rows, found, strict=True)
    ]


def _document(row: RunRow, report: RunReport, *, errors: bool) -> BareRunJson:
    document = cast(BareRunJson, run_json(report, times=True, errors=errors))
    if row.position == NOT_BEGUN:
        document["started_at"] = None
    return document


def _settled(row: RunRow, report: RunReport) -> dict[str, SettleJson]:
    """What a run that settled unknown records found and did, when it has ended."""
    if row.kind != "settle" or row.finished_at is None:
        return {}
    return {"settled": settle_json(settled(report))}


def _origin(row: RunRow, request: RequestedRun | None) -> dict[str, str]:
    if request is None:
        return {
            "kind": row.kind,
            "trigger": f"person:{COMMAND_LINE}",
            "asked_by": COMMAND_LINE,
            "asked_at": row.started_at,
        }
    shown = {"trigger": request.trigger, "asked_by": request.requested_by, "asked_at": request.requested_at}
    return {"kind": row.kind, **shown}


def _reports(
    ctx: Context, conn: Connection, rows: Sequence[RunRow], requests: Mapping[str, RequestedRun]
) -> list[RunReport]:
    parts = runs.children_of(conn, [row.id for row in rows if row.kind == "flow"])
    return [_report(ctx, row, requests.get(row.id), parts.get(row.id, [])) for row in rows]


def _report(ctx: Context, row: RunRow, request: RequestedRun | None, parts: Sequence[RunRow]) -> RunReport:
    seen = _seen(ctx.database, row, request)
    if parts and row.finished_at is None:
        seen = replace(seen, **flow.sums(parts))
    return runs.to_report(seen, [_seen(ctx.database, part, None) for part in parts])


def _seen(database: Database, row: RunRow, request: RequestedRun | None) -> RunRow:
    status = status_of(database, row, request)
    return row if status == row.status else replace(row, status=status)


def status_of(database: Database, row: RunRow, request: RequestedRun | None) -> RunStatus:
    """The current status: `queued` while it waits for a worker; `interrupted` if it did not end and has no process."""
    if request is not None and request.state in WAITING_STATES:
        return "queued"
    if request is not None and request.state == "running":
        return "running" if leases.is_taken(database, leases.of_worker(str(request.worker))) else "interrupted"
    if row.status != "running" or leases.is_taken(database, leases.of_target(row.kind, row.target)):
        return row.status
    with database.read() as conn:  # it may have ended meanwhile
        now = runs.get(conn, row.id)
    return "interrupted" if now is None or now.status == "running" else now.status


def stopped_by_canary(ctx: Context, target: str) -> dict[str, str]:
    """The destinations that a run of the target sends to although a canary stopped their last run: name → that run.

    A run with a limit is no last run: the one after it still goes past the canary. InputError for an unknown name.
    """
    spec = ctx.target(target)
    names = spec.destinations if isinstance(spec, FlowSpec) else (spec.name,)
    with ctx.database.read() as conn:
        found = {name: canaries.stopped_by_canary(conn, name) for name in names}
    return {name: run for name, run in found.items() if run is not None}


def deliveries_of(ctx: Context, run: str) -> list[DeliveryReport]:
    """The requests of a run; for a flow, those of its destinations. Raises InputError if the run is unknown."""
    with ctx.database.read() as conn:
        parts = parts_of(conn, known_run(conn, run, "penstock runs lists them"))
        return [report for part in parts for report in deliveries.of_run(conn, part)]


@dataclass(frozen=True, slots=True)
class RunDetails:
    """The requests and records of runs; a flow's run has those of its destinations."""

    database: Callable[[], Database]

    def deliveries(
        self, run: str, *, outcome: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeliveryJson]:
        """The requests, in the order in which they were recorded."""
        (after,) = (0,) if cursor is None else read_cursor(cursor, int)
        _known_outcome(outcome)
        with self.database().read() as conn:
            of = _known_parts(conn, run)
            rows = deliveries.deliveries(conn, of, outcome=outcome, after=after, limit=limit + 1)
        return page_of(rows, limit, _delivery_json, lambda row: write_cursor(row["id"]))

    def delivery(self, run: str, delivery: str) -> WholeDeliveryJson:
        """One request; if `kept`, with the exact request and its reply."""
        of, _, number = delivery.rpartition("-")
        with self.database().read() as conn:
            row = None
            if of in _known_parts(conn, run) and DELIVERY_NUMBER.fullmatch(number):
                row = deliveries.delivery(conn, of, int(number))
            if row is None:
                hint = "see the list of deliveries"
                message = f"{run} has no delivery {delivery}"
                raise InputError(Problem("delivery", message, "unknown-delivery", hint, found=delivery))
            kept = deliveries.stored_exchange(conn, of, int(number))
        request, reply = (None, None) if kept is None else kept
        return {**_delivery_json(row), "kept": kept is not None, "request": request, "response": reply}

    def records(
        self, run: str, *, outcome: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[RecordJson]:
        """The records with their outcomes; `key` is None for unchanged records, where it is not stored."""
        after = (0, -1) if cursor is None else read_cursor(cursor, int, int)
        _known_outcome(outcome)
        with self.database().read() as conn:
            of = _known_parts(conn, run)
            found = list(islice(deliveries.run_records(conn, of, outcome=outcome, after=after), limit + 1))
        return page_of(found, limit, _record_json, lambda record: write_cursor(record.batch, record.item))

    def export(self, run: str, kind: Literal["csv", "parquet"]) -> Iterator[bytes]:
        """All records of a run as a file, in pieces. Raises InputError for an unknown run, before the first piece."""
        with self.database().read() as conn:
            _known_parts(conn, run)
        return self._csv(run) if kind == "csv" else self._parquet(run)

    def _csv(self, run: str) -> Iterator[bytes]:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(EXPORTED_COLUMNS)
        for some in self._pieces(run):
            writer.writerows([harmless_cell(record[name]) for name in EXPORTED_COLUMNS] for record in some)
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
        yield text.getvalue().encode()

    def _parquet(self, run: str) -> Iterator[bytes]:
        import pyarrow as pa  # noqa: PLC0415 - slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415

        schema = pa.schema([(name, pa.int64() if name == "ordinal" else pa.string()) for name in EXPORTED_COLUMNS])
        sink = io.BytesIO()
        with pq.ParquetWriter(sink, schema) as writer:
            for some in self._pieces(run):
                writer.write_table(pa.Table.from_pylist(some, schema=schema))
                yield sink.getvalue()
                sink.seek(0)
                sink.truncate()
        yield sink.getvalue()

    def _pieces(self, run: str) -> Iterator[list[dict[str, Any]]]:
        after = (0, -1)
        while True:
            with self.database().read() as conn:
                found = list(
                    islice(deliveries.run_records(conn, _known_parts(conn, run), after=after), EXPORTED_AT_ONCE)
                )
            if found:
                after = found[-1][:2]
                yield [_exported_row(record) for record in found]
            if len(found) < EXPORTED_AT_ONCE:
                return


def _known_parts(conn: Connection, run: str) -> list[str]:
    """The ids of the runs that have the records: the run, or the parts of a flow. Raises InputError if unknown."""
    return parts_of(conn, known_run(conn, run))


def _known_outcome(outcome: str | None) -> None:
    if outcome is not None and outcome not in list(Outcome):
        hint = f"one of: {', '.join(Outcome)}"
        raise InputError(Problem("outcome", f"there is no outcome {outcome}", "unknown-value", hint, found=outcome))


def _delivery_json(row: RowMapping) -> DeliveryJson:
    return dated_delivery_json(deliveries.report_of(row))


def _record_json(record: RunRecord) -> RecordJson:
    delivery = None if record.delivery is None else f"{record.run}-{record.delivery}"
    document: RecordJson = {
        "key": record.key,
        "outcome": record.outcome,
        "reason": record.reason,
        "field": record.field,
        "delivery": delivery,
        "ordinal": record.ordinal,
        "run": record.run,
    }
    if record.refusal is not None:
        document.update(orjson.loads(record.refusal))
    return document


def _exported_row(found: RunRecord) -> dict[str, Any]:
    """A record as a row of a file; a key of several columns becomes JSON text."""
    record = _record_json(found._replace(refusal=None))
    key = found.key
    return {**record, "key": key if key is None or isinstance(key, str) else orjson.dumps(key).decode()}
