"""The deliveries of a run, a page at a time: its requests, and the outcome of each of its records.

Also the replies of a destination that captures them, which are the records of its response source, and the JSON of
keys, ordinals and refusals in one field of a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, or_, select

from penstock.model.delivery import DeliveryReport, StoredReplyJson, StoredRequestJson
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Key
from penstock.store.service_tables import exchanges
from penstock.store.tables import ledger_batches as batches
from penstock.store.tables import ledger_exceptions as exceptions
from penstock.store.tables import responses

BATCHES_AT_ONCE = 50
RESPONSES_AT_ONCE = 1000
RESPONSE_COLUMNS = (
    "sent_at", "run", "delivery", "attempt", "request", "response", "duration_ms", "outcome", "records", "error",
)  # fmt: skip
NESTED_COLUMNS = ("request", "response", "records")  # of a response: JSON text in a dataset
_SIGNED = 1 << 63


class RunRecord(NamedTuple):
    """One record of a run; `batch` and `item` are its place in the list."""

    batch: int
    item: int
    run: str
    ordinal: int
    key: Any
    outcome: Outcome
    reason: str | None
    field: str | None
    delivery: int | None
    refusal: str | None


def deliveries(
    conn: Connection, runs: Sequence[str], *, outcome: str | None = None, after: int = 0, limit: int = 50
) -> list[RowMapping]:
    """The requests of these runs in the order they were written down, with the `id` that the next page starts after."""
    query = select(batches).where(batches.c.run.in_(list(runs)), batches.c.delivery.is_not(None), batches.c.id > after)
    if outcome is not None:
        query = query.where(_met(outcome))
    return list(conn.execute(query.order_by(batches.c.id).limit(limit)).mappings())


def of_run(conn: Connection, run: str) -> list[DeliveryReport]:
    """The requests of a run, in order."""
    query = select(batches).where(batches.c.run == run, batches.c.delivery.is_not(None)).order_by(batches.c.delivery)
    return [report_of(row) for row in conn.execute(query).mappings()]


def report_of(row: RowMapping) -> DeliveryReport:
    """The request in a row, as a report."""
    same = ("method", "url", "status", "attempts", "duration_ms", "reason", "at")
    return DeliveryReport(
        **{name: row[name] for name in same},
        outcome=Outcome(row["outcome"]),
        delivery=f"{row['run']}-{row['delivery']}",
        records=() if row["keys"] is None else tuple(orjson.loads(row["keys"])),
        test=bool(row["is_test"]),
    )


def delivery(conn: Connection, run: str, number: int) -> RowMapping | None:
    query = select(batches).where(batches.c.run == run, batches.c.delivery == number)
    return conn.execute(query.order_by(batches.c.id)).mappings().first()


def run_records(
    conn: Connection, runs: Sequence[str], *, outcome: str | None = None, after: tuple[int, int] = (0, -1)
) -> Iterator[RunRecord]:
    """The records of these runs after a (batch, item), only those of one outcome where it is given."""
    batch, item = after
    while True:
        query = select(batches).where(batches.c.run.in_(list(runs)), ~batches.c.is_test, batches.c.id >= batch)
        if outcome is not None:
            query = query.where(_met(outcome))
        rows = list(conn.execute(query.order_by(batches.c.id).limit(BATCHES_AT_ONCE)).mappings())
        for row in rows:
            for fate in _of_batch(conn, row):
                if (fate.batch, fate.item) > (batch, item) and outcome in (None, fate.outcome):
                    yield fate
        if len(rows) < BATCHES_AT_ONCE:
            return
        batch, item = rows[-1]["id"] + 1, -1


def _met(outcome: str) -> ColumnElement[bool]:
    """The condition for batches in which a record may have this outcome."""
    odd = select(exceptions.c.batch).where(exceptions.c.batch == batches.c.id, exceptions.c.outcome == outcome)
    return or_(batches.c.outcome == outcome, odd.exists())


def _of_batch(conn: Connection, row: RowMapping) -> Iterator[RunRecord]:
    odd = {
        found["item"]: found
        for found in conn.execute(select(exceptions).where(exceptions.c.batch == row["id"])).mappings()
    }
    keys = None if row["keys"] is None else unpack_keys(row["keys"])
    for item, ordinal in enumerate(listed_ordinals(row["ordinals"])):
        met: Mapping[Any, Any] = odd.get(item, row)
        yield RunRecord(
            batch=row["id"],
            item=item,
            run=row["run"],
            ordinal=ordinal,
            key=None if keys is None else keys[item],
            outcome=Outcome(met["outcome"]),
            reason=met["reason"],
            field=met["field"] if item in odd else None,
            delivery=row["delivery"],
            refusal=met["refusal"],
        )


def store_exchange(conn: Connection, run: str, number: int, request: Mapping[str, Any], reply: Any) -> None:
    """Store a request and its reply as they were, without secrets."""
    texts = {
        "request": orjson.dumps(request).decode(),
        "reply": None if reply is None else orjson.dumps(reply).decode(),
    }
    conn.execute(insert(exchanges).values(run=run, delivery=number, **texts))


def stored_exchange(conn: Connection, run: str, number: int) -> tuple[StoredRequestJson, StoredReplyJson | None] | None:
    """The request and the reply of a delivery; None when they were not stored."""
    query = select(exchanges).where(exchanges.c.run == run, exchanges.c.delivery == number)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return orjson.loads(row["request"]), None if row["reply"] is None else orjson.loads(row["reply"])


def append_responses(conn: Connection, destination: str, records: Sequence[Mapping[str, Any]]) -> None:
    rows = [{"destination": destination, "record": orjson.dumps(record).decode()} for record in records]
    if rows:
        conn.execute(insert(responses), rows)


def newest_response(conn: Connection, destination: str) -> int:
    """The number of the last reply; 0 while there is none."""
    mine = responses.c.destination == destination
    return int(conn.execute(select(func.coalesce(func.max(responses.c.id), 0)).where(mine)).scalar_one())


def page_of_responses(
    conn: Connection, destination: str, limit: int, before: int | None = None
) -> list[tuple[int, dict[str, Any]]]:
    """The newest replies with their ids, newest first; `before` starts below that id."""
    query = select(responses.c.id, responses.c.record).where(responses.c.destination == destination)
    if before is not None:
        query = query.where(responses.c.id < before)
    rows = conn.execute(query.order_by(responses.c.id.desc()).limit(limit))
    return [(number, orjson.loads(record)) for number, record in rows]


def responses_after(conn: Connection, destination: str, number: int) -> list[tuple[int, dict[str, Any]]]:
    """The replies after the one of this id, the oldest first, at most a thousand; nested members are JSON text."""
    query = select(responses).where(responses.c.destination == destination, responses.c.id > number)
    rows = conn.execute(query.order_by(responses.c.id).limit(RESPONSES_AT_ONCE)).mappings()
    return [(row["id"], _columns(orjson.loads(row["record"]))) for row in rows]


def _columns(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: orjson.dumps(value).decode() if name in NESTED_COLUMNS and value is not None else value
        for name, value in record.items()
    }


def refusal_json(refusal: Refusal | None) -> str | None:
    """A refusal as `{"rule", "values"}`, from which the web UI makes its own text."""
    return None if refusal is None else rule_json(refusal.rule, orjson.dumps(refusal.values).decode())


def rule_json(rule: str, values: str) -> str:
    """A rule and the JSON of its values as one JSON object."""
    return f'{{"rule":{orjson.dumps(rule).decode()},"values":{values}}}'


def still_quarantined_json(refusal: str | None) -> str | None:
    """The same refusal of a record that was in quarantine before: with `"held": true`."""
    return None if refusal is None else f'{refusal[:-1]},"held":true}}'


def listed_ordinals(text: str) -> list[int]:
    """The ordinals of a JSON `[[first, count, item], …]` (`ordinals.pack_ordinals`), in their order."""
    return [ordinal for first, count, _ in orjson.loads(text) for ordinal in range(first, first + count)]


def pack_keys(keys: Sequence[Key | None]) -> str:
    """Keys as a JSON array: text, a list of texts for a several-column key, null for none."""
    return orjson.dumps(keys if isinstance(keys, list | tuple) else list(keys)).decode()


def unpack_keys(text: str) -> list[Key | None]:
    return [tuple(key) if isinstance(key, list) else key for key in orjson.loads(text)]


def delivered_keys(conn: Connection, run: str) -> list[Key | None]:
    """The keys of all records that a run has delivered."""
    mine = (batches.c.run == run) & (batches.c.outcome == Outcome.DELIVERED.value) & batches.c["keys"].is_not(None)
    rows = conn.execute(select(batches.c["keys"]).where(mine, ~batches.c.is_test)).scalars()
    return [key for text in rows for key in unpack_keys(text)]


def key_json(key: Key | None) -> str | None:
    return None if key is None else orjson.dumps(key).decode()


def key_from_json(text: str | None) -> Key | None:
    if text is None:
        return None
    key = orjson.loads(text)
    return tuple(key) if isinstance(key, list) else str(key)


def to_signed(word: int) -> int:
    """An unsigned 64-bit number as the signed one that an SQL integer can hold."""
    return word - (1 << 64) if word >= _SIGNED else word


def to_unsigned(number: int) -> int:
    return number + (1 << 64) if number < 0 else number
