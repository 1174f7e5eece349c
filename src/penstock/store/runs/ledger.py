"""The ledger: one outcome for every record of a run, a packed row for each batch, a row for each exception.

Records that cost nothing (unchanged) may be written without keys: their ordinals, as ranges, identify them, so that a
million unchanged records are some rows. The SQL view `ledger` shows one row per record.

Also requests without an outcome yet. An intent records, before the first byte is sent, a request that must not be sent
twice. A pending job is one that the API accepted and has not ended; if need be, the next run polls it to its end.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import orjson
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from penstock.model.outcome import Outcome
from penstock.model.record import Key
from penstock.store.runs import timeseries
from penstock.store.runs.deliveries import pack_keys, unpack_keys
from penstock.store.runs.ordinals import Ordinals, pack_ordinals, unpack_ordinals
from penstock.store.tables import intents, jobs, runs
from penstock.store.tables import ledger_batches as batches
from penstock.store.tables import ledger_exceptions as exceptions


@dataclass(frozen=True, slots=True)
class Sent:
    """The request that decided the records of an entry. `delivery` counts within the run."""

    delivery: int
    method: str
    url: str
    status: int | None
    attempts: int
    requests: int
    duration_ms: float
    is_test: bool = False


class LedgerException(NamedTuple):
    """A record of an entry whose outcome is not the entry's. `item` is its index among the entry's ordinals."""

    item: int
    outcome: Outcome
    reason: str | None = None
    field: str | None = None
    refusal: str | None = None


class OutcomeChange(NamedTuple):
    """The final outcome of a record that was `accepted`."""

    outcome: Outcome
    reason: str | None = None
    field: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Records decided together. `keys` are in the order of `ordinals`, None for a record without a key.

    `sent` is None when no request decided them (unchanged, refused by Penstock, in quarantine). `keys` None is for
    records that are not looked up by key (unchanged). `refusal` is the JSON of the refusal behind `reason`.
    """

    outcome: Outcome
    ordinals: Sequence[int] | Ordinals
    at: str
    keys: Sequence[Key | None] | None = None
    reason: str | None = None
    sent: Sent | None = None
    exceptions: Sequence[LedgerException] = ()
    refusal: str | None = None


_NOTHING_SENT = {
    **dict.fromkeys(("delivery", "method", "url", "status", "duration_ms")),
    "attempts": 0,
    "requests": 0,
    "is_test": False,
}


def append(connection: Connection, run: str, entries: Sequence[LedgerEntry]) -> None:
    """Append outcomes. An entry without records is left out, unless it is about a request."""
    written = [entry for entry in entries if entry.sent is not None or len(entry.ordinals) > 0]
    if not written:
        return
    top = connection.execute(select(func.coalesce(func.max(batches.c.id), 0))).scalar_one()
    connection.execute(insert(batches), [_to_columns(run, top + 1 + n, entry) for n, entry in enumerate(written)])
    odd = [
        {"batch": top + 1 + n, **exception._asdict()}
        for n, entry in enumerate(written)
        for exception in entry.exceptions
    ]
    if odd:
        connection.execute(insert(exceptions), odd)


def _to_columns(run: str, number: int, entry: LedgerEntry) -> dict[str, Any]:
    sent, ordinals = entry.sent, entry.ordinals
    request = _NOTHING_SENT if sent is None else {name: getattr(sent, name) for name in _NOTHING_SENT}
    return {
        **request,
        "id": number,
        "run": run,
        "at": entry.at,
        "outcome": entry.outcome.value,
        "reason": entry.reason,
        "refusal": entry.refusal,
        "records": len(ordinals),
        "keys": None if entry.keys is None else pack_keys(entry.keys),
        "ordinals": pack_ordinals(ordinals),
        "top": int(max(ordinals, default=-1)) if isinstance(ordinals, Sequence) else int(ordinals.max(initial=-1)),
    }


def decided_beyond(connection: Connection, run: str, position: int) -> Ordinals:
    """The ordinals at or past `position` that have an outcome, sorted."""
    query = select(batches.c.ordinals).where(batches.c.run == run, batches.c.top >= position, ~batches.c.is_test)
    found = [unpack_ordinals(text) for text in connection.execute(query).scalars()]
    if not found:
        return np.empty(0, dtype=np.int64)
    ordinals = np.concatenate(found)
    return np.sort(ordinals[ordinals >= position])


def next_delivery(connection: Connection, run: str) -> int:
    """The number of the run's next delivery: the numbers continue after a crash."""
    query = select(func.coalesce(func.max(batches.c.delivery), -1)).where(batches.c.run == run)
    return int(connection.execute(query).scalar_one()) + 1


def outcomes(connection: Connection, run: str) -> dict[int, Outcome]:
    """Ordinal → outcome of every record of a (small) run."""
    found: dict[int, Outcome] = {}
    query = select(batches).where(batches.c.run == run, ~batches.c.is_test)
    for row in connection.execute(query).mappings().all():
        ends = _ends_of_batch(connection, row)
        for ordinal, end in zip(unpack_ordinals(row["ordinals"]).tolist(), ends, strict=True):
            found[ordinal] = end.outcome
    return found


def change_outcomes(
    connection: Connection, run: str, delivery: int, changes: Mapping[int, OutcomeChange], more_attempts: int = 0
) -> None:
    """Give records of a delivery, by ordinal, a new outcome: what was accepted is delivered or refused in the end.

    `more_attempts`: how often some of them were sent again meanwhile.
    """
    query = select(batches).where(batches.c.run == run, batches.c.delivery == delivery)
    for row in connection.execute(query).mappings().all():
        _change_batch(connection, row, changes, more_attempts)


def _change_batch(
    connection: Connection, row: RowMapping, changes: Mapping[int, OutcomeChange], more_attempts: int = 0
) -> None:
    records = _records_of_batch(connection, row)
    ends = [changes.get(record.ordinal, record.end) for record in records]
    before, after = Counter(record.end.outcome for record in records), Counter(end.outcome for end in ends)
    timeseries.correct_outcomes(
        connection, row["id"], {word.value: after[word] - before[word] for word in before | after}
    )
    _write_ends(connection, row["id"], ends, {"attempts": row["attempts"] + more_attempts})


def _write_ends(connection: Connection, batch: int, ends: Sequence[OutcomeChange], more: Mapping[str, Any]) -> None:
    """Store the outcomes of a batch's records: the usual one in its row, the others as exceptions."""
    usual = Counter(ends).most_common(1)[0][0]
    odd = [(item, end) for item, end in enumerate(ends) if end != usual]
    if usual.field is not None:  # only an exception has room for a field
        odd, usual = list(enumerate(ends)), OutcomeChange(usual.outcome, usual.reason, refusal=usual.refusal)
    new = {"outcome": usual.outcome.value, "reason": usual.reason, "refusal": usual.refusal, **more}
    connection.execute(update(batches).where(batches.c.id == batch).values(new))
    connection.execute(delete(exceptions).where(exceptions.c.batch == batch))
    if odd:
        rows = [{"batch": batch, **LedgerException(item, *end)._asdict()} for item, end in odd]
        connection.execute(insert(exceptions), rows)


class RecordOfBatch(NamedTuple):
    """A record of a row of the ledger, with its present outcome."""

    ordinal: int
    key: Key | None
    end: OutcomeChange


def _records_of_batch(connection: Connection, row: RowMapping) -> list[RecordOfBatch]:
    ordinals = unpack_ordinals(row["ordinals"]).tolist()
    keys = [None] * len(ordinals) if row["keys"] is None else unpack_keys(row["keys"])
    ends = _ends_of_batch(connection, row)
    return [RecordOfBatch(*record) for record in zip(ordinals, keys, ends, strict=True)]


def _batches_with_unknown(connection: Connection, run: str, ordinals: Collection[int] = ()) -> Sequence[RowMapping]:
    """The rows of a run that have a record whose outcome is unknown: all, or those that may have these ordinals."""
    word = Outcome.UNKNOWN.value
    odd = select(exceptions.c.batch).where(exceptions.c.batch == batches.c.id, exceptions.c.outcome == word).exists()
    mine = (batches.c.run == run) & ~batches.c.is_test & (batches.c.records > 0)  # a deletion has no record
    query = select(batches).where(mine, (batches.c.outcome == word) | odd)
    if ordinals:
        several = (batches.c.records > 1) & (batches.c.top >= min(ordinals))
        query = query.where((batches.c.top >= min(ordinals)) & (batches.c.top <= max(ordinals)) | several)
    return connection.execute(query).mappings().all()


def unknown_records(connection: Connection, run: str) -> dict[int, RecordOfBatch]:
    """The records of a run whose outcome is unknown, by ordinal."""
    found = (record for row in _batches_with_unknown(connection, run) for record in _records_of_batch(connection, row))
    return {record.ordinal: record for record in found if record.end.outcome is Outcome.UNKNOWN}


def change_unknown(connection: Connection, run: str, changes: Mapping[int, OutcomeChange]) -> None:
    """Give records of a run whose outcome is unknown, by ordinal, their final outcome."""
    for row in _batches_with_unknown(connection, run, changes) if changes else ():
        if not changes.keys().isdisjoint(unpack_ordinals(row["ordinals"]).tolist()):
            _change_batch(connection, row, changes)


def remove_unknown(connection: Connection, run: str, ordinals: Collection[int]) -> None:
    """Take records whose outcome is unknown out of the ledger, because they are sent again under other ordinals.

    A request that has no record any more stays as a request.
    """
    for row in _batches_with_unknown(connection, run, ordinals) if ordinals else ():
        records = _records_of_batch(connection, row)
        left = [record for record in records if record.ordinal not in ordinals]
        if len(left) == len(records):
            continue
        gone = Counter(record.end.outcome for record in records if record.ordinal in ordinals)
        timeseries.correct_outcomes(connection, row["id"], {word.value: -count for word, count in gone.items()})
        packed = {
            "records": len(left),
            "ordinals": pack_ordinals([record.ordinal for record in left]),
            "keys": pack_keys([record.key for record in left]),
            "top": max((record.ordinal for record in left), default=-1),
        }
        if left:
            _write_ends(connection, row["id"], [record.end for record in left], packed)
        elif row["delivery"] is None:
            connection.execute(delete(batches).where(batches.c.id == row["id"]))
        else:
            connection.execute(delete(exceptions).where(exceptions.c.batch == row["id"]))
            connection.execute(update(batches).where(batches.c.id == row["id"]).values(packed))


def _ends_of_batch(connection: Connection, row: RowMapping) -> list[OutcomeChange]:
    """The present outcome of each record of a batch row."""
    ends = [OutcomeChange(Outcome(row["outcome"]), row["reason"], refusal=row["refusal"])] * row["records"]
    query = select(exceptions).where(exceptions.c.batch == row["id"])
    for odd in connection.execute(query).mappings():
        ends[odd["item"]] = OutcomeChange(Outcome(odd["outcome"]), odd["reason"], odd["field"], odd["refusal"])
    return ends


@dataclass(frozen=True, slots=True)
class Intent:
    """One request: its records' ordinals, keys and content hashes, in the same order; `request` without secrets."""

    number: int
    ordinals: Sequence[int]
    keys: Sequence[Key | None]
    contents: Sequence[int]
    request: Mapping[str, Any]
    at: str
    entries: Mapping[int, Sequence[str]] = field(default_factory=dict)  # in quarantine: what it resends, by ordinal


def begin_intents(conn: Connection, run: str, some: Sequence[Intent]) -> None:
    """Store the intents of several requests with one statement."""
    rows = [
        {
            "run": run,
            "number": intent.number,
            "ordinals": pack_ordinals(intent.ordinals),
            "keys": pack_keys(intent.keys),
            "contents": struct.pack(f"<{len(intent.contents)}Q", *intent.contents),
            "request": orjson.dumps(intent.request).decode(),
            "at": intent.at,
            "entries": orjson.dumps(intent.entries, option=orjson.OPT_NON_STR_KEYS).decode(),
        }
        for intent in some
    ]
    if rows:
        conn.execute(insert(intents), rows)


def end_intents(conn: Connection, run: str, numbers: Sequence[int]) -> None:
    """Delete the intents of requests that have their outcomes or were not sent."""
    if numbers:
        gone = (intents.c.run == run) & intents.c.number.between(bindparam("first"), bindparam("last"))
        conn.execute(delete(intents).where(gone), [{"first": first, "last": last} for first, last in _ranges(numbers)])


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The numbers as first and last of what is in a row: requests end nearly in the order they began."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def leftover_runs(conn: Connection, destination: str) -> list[str]:
    """The runs of a destination that have intents: their processes died while requests were in flight."""
    query = select(intents.c.run).distinct().join(runs, runs.c.id == intents.c.run)
    return list(conn.execute(query.where(runs.c.target == destination).order_by(intents.c.run)).scalars())


def leftover_intents(conn: Connection, run: str) -> list[Intent]:
    """Requests that were in flight when the run's process died."""
    query = select(intents).where(intents.c.run == run).order_by(intents.c.number)
    return [
        Intent(
            number=row["number"],
            ordinals=unpack_ordinals(row["ordinals"]).tolist(),
            keys=unpack_keys(row["keys"]),
            contents=np.frombuffer(row["contents"], dtype="<u8").tolist(),
            request=orjson.loads(row["request"]),
            at=row["at"],
            entries={int(ordinal): ids for ordinal, ids in orjson.loads(row["entries"] or "{}").items()},
        )
        for row in conn.execute(query).mappings()
    ]


class JobRecord(NamedTuple):
    """One payload of a job, with all that its end may need. `print` is 0 without a fingerprint; `record` is JSON.

    `parts` are the older records merged into it: (ordinal, JSON); `values` the hashes of fields with `if_unchanged`.
    """

    ordinal: int
    key: Key | None
    hash: tuple[int, int]
    print: int
    record: str
    content: int
    parts: Sequence[tuple[int, str]] = ()
    values: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class PendingJob:
    destination: str
    run: str
    delivery: int
    job: str
    at: str
    records: Sequence[JobRecord]


def add_job(conn: Connection, job: PendingJob) -> None:
    row = {name: getattr(job, name) for name in ("destination", "run", "delivery", "job", "at")}
    conn.execute(insert(jobs), {**row, "records": json.dumps(job.records)})


def end_job(conn: Connection, run: str, delivery: int) -> None:
    """The job has ended, and its outcomes are written down in the same transaction."""
    conn.execute(delete(jobs).where(jobs.c.run == run, jobs.c.delivery == delivery))


def pending_jobs(conn: Connection, destination: str) -> list[PendingJob]:
    """The destination's pending jobs, oldest first."""
    query = select(jobs).where(jobs.c.destination == destination).order_by(jobs.c.at, jobs.c.run, jobs.c.delivery)
    return [
        PendingJob(
            destination=row["destination"],
            run=row["run"],
            delivery=row["delivery"],
            job=row["job"],
            at=row["at"],
            records=[_record(*values) for values in json.loads(row["records"])],
        )
        for row in conn.execute(query).mappings()
    ]


def _record(*values: Any) -> JobRecord:
    """One stored row; rows of an earlier version have no `parts` and `values`."""
    record = JobRecord(*values)
    key = tuple(values[1]) if isinstance(values[1], list) else values[1]
    parts = tuple((ordinal, text) for ordinal, text in record.parts)
    return record._replace(key=key, hash=(record.hash[0], record.hash[1]), parts=parts)
