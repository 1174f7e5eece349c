"""The requests and records of past runs as reports, and the records of a run as a CSV or Parquet file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, RowMapping

from penstock.model.delivery import DeliveryJson, DeliveryReport, WholeDeliveryJson, dated_delivery_json
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Outcome
from penstock.model.reports import Page, page_of, read_cursor, write_cursor
from penstock.model.runs import RecordJson
from penstock.model.text import harmless_cell
from penstock.run.context import Context
from penstock.store.database import Database
from penstock.store.runs import deliveries
from penstock.store.runs.deliveries import Fate
from penstock.usecases.runs import known_run, parts_of

COLUMNS = ("run", "ordinal", "key", "outcome", "reason", "field", "delivery")
NUMBER = re.compile(r"[0-9]{1,18}")  # of a delivery: fits into 64 bits
AT_ONCE = 10_000  # records of an export in memory at once


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
            of = _parts(conn, run)
            rows = deliveries.deliveries(conn, of, outcome=outcome, after=after, limit=limit + 1)
        return page_of(rows, limit, _delivery, lambda row: write_cursor(row["id"]))

    def delivery(self, run: str, delivery: str) -> WholeDeliveryJson:
        """One request; if `kept`, with the exact request and its reply."""
        of, _, number = delivery.rpartition("-")
        with self.database().read() as conn:
            row = None
            if of in _parts(conn, run) and NUMBER.fullmatch(number):
                row = deliveries.delivery(conn, of, int(number))
            if row is None:
                hint = "see the list of deliveries"
                message = f"{run} has no delivery {delivery}"
                raise InputError(Problem("delivery", message, "unknown-delivery", hint, found=delivery))
            kept = deliveries.stored_exchange(conn, of, int(number))
        request, reply = (None, None) if kept is None else kept
        return {**_delivery(row), "kept": kept is not None, "request": request, "response": reply}

    def records(
        self, run: str, *, outcome: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[RecordJson]:
        """The records with their outcomes; `key` is None for unchanged records, where it is not stored."""
        after = (0, -1) if cursor is None else read_cursor(cursor, int, int)
        _known_outcome(outcome)
        with self.database().read() as conn:
            of = _parts(conn, run)
            found = list(islice(deliveries.fates(conn, of, outcome=outcome, after=after), limit + 1))
        return page_of(found, limit, _record, lambda fate: write_cursor(fate.batch, fate.item))

    def export(self, run: str, kind: Literal["csv", "parquet"]) -> Iterator[bytes]:
        """All records of a run as a file, in pieces. Raises InputError for an unknown run, before the first piece."""
        with self.database().read() as conn:
            _parts(conn, run)
        return self._csv(run) if kind == "csv" else self._parquet(run)

    def _csv(self, run: str) -> Iterator[bytes]:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for some in self._pieces(run):
            writer.writerows([harmless_cell(record[name]) for name in COLUMNS] for record in some)
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
        yield text.getvalue().encode()

    def _parquet(self, run: str) -> Iterator[bytes]:
        import pyarrow as pa  # noqa: PLC0415 - slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415

        schema = pa.schema([(name, pa.int64() if name == "ordinal" else pa.string()) for name in COLUMNS])
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
                found = list(islice(deliveries.fates(conn, _parts(conn, run), after=after), AT_ONCE))
            if found:
                after = found[-1][:2]
                yield [_flat(fate) for fate in found]
            if len(found) < AT_ONCE:
                return


def _parts(conn: Connection, run: str) -> list[str]:
    """The ids of the runs that have the records: the run, or the parts of a flow. Raises InputError if unknown."""
    return parts_of(conn, known_run(conn, run))


def _known_outcome(outcome: str | None) -> None:
    if outcome is not None and outcome not in list(Outcome):
        hint = f"one of: {', '.join(Outcome)}"
        raise InputError(Problem("outcome", f"there is no outcome {outcome}", "unknown-value", hint, found=outcome))


def _delivery(row: RowMapping) -> DeliveryJson:
    return dated_delivery_json(deliveries.report_of(row))


def _record(fate: Fate) -> RecordJson:
    delivery = None if fate.delivery is None else f"{fate.run}-{fate.delivery}"
    document: RecordJson = {
        "key": fate.key,
        "outcome": fate.outcome,
        "reason": fate.reason,
        "field": fate.field,
        "delivery": delivery,
        "ordinal": fate.ordinal,
        "run": fate.run,
    }
    if fate.refusal is not None:
        document.update(orjson.loads(fate.refusal))
    return document


def _flat(fate: Fate) -> dict[str, Any]:
    """A record as a row of a file; a key of several columns becomes JSON text."""
    record = _record(fate._replace(refusal=None))
    key = fate.key
    return {**record, "key": key if key is None or isinstance(key, str) else orjson.dumps(key).decode()}
