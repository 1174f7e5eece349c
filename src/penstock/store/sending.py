"""Intents and pending batch jobs.

An intent records, before the first byte is sent, a request that must not be sent twice. A pending job is one that the
API accepted and has not ended; if need be, the next run polls it to its end.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select

from penstock.model.record import Key
from penstock.store.runs.codecs import pack_keys, unpack_keys
from penstock.store.runs.ordinals import pack_ordinals, unpack_ordinals
from penstock.store.tables import intents, jobs


@dataclass(frozen=True, slots=True)
class Intent:
    """One request: its records' ordinals, keys and content hashes, in the same order; `request` without secrets."""

    number: int
    ordinals: Sequence[int]
    keys: Sequence[Key | None]
    contents: Sequence[int]
    request: Mapping[str, Any]
    at: str


def begin_intents(conn: Connection, run: str, some: Sequence[Intent]) -> None:
    """Several at once: requests that are ready together share one statement."""
    rows = [
        {
            "run": run,
            "number": intent.number,
            "ordinals": pack_ordinals(intent.ordinals),
            "keys": pack_keys(intent.keys),
            "contents": struct.pack(f"<{len(intent.contents)}Q", *intent.contents),
            "request": orjson.dumps(intent.request).decode(),
            "at": intent.at,
        }
        for intent in some
    ]
    if rows:
        conn.execute(insert(intents), rows)


def end_intents(conn: Connection, run: str, numbers: Sequence[int]) -> None:
    """These requests have their outcomes, or never left."""
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


def end_intent(conn: Connection, run: str, number: int) -> None:
    """The request has its outcome, or never left."""
    conn.execute(delete(intents).where(intents.c.run == run, intents.c.number == number))


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
        )
        for row in conn.execute(query).mappings()
    ]


class JobRecord(NamedTuple):
    """One payload of a job, with all that its end may need. `print` is 0 without a fingerprint; `record` is JSON.

    `parts` are the older records that were merged into it: (ordinal, JSON).
    """

    ordinal: int
    key: Key | None
    hash: tuple[int, int]
    print: int
    record: str
    content: int
    parts: Sequence[tuple[int, str]] = ()


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
    """One stored row; rows of an earlier version have no `parts`."""
    record = JobRecord(*values)
    key: Any = record.key
    key = tuple(key) if isinstance(key, list) else key
    parts = tuple((ordinal, text) for ordinal, text in record.parts)
    return record._replace(key=key, hash=(record.hash[0], record.hash[1]), parts=parts)
