"""Batch jobs that the API has taken and not ended: polled to their end, by the next run if need be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select

from penstock.model.record import Key
from penstock.stores.schema import jobs


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
class Job:
    destination: str
    run: str
    delivery: int
    job: str
    at: str
    records: Sequence[JobRecord]


def add(conn: Connection, job: Job) -> None:
    row = {name: getattr(job, name) for name in ("destination", "run", "delivery", "job", "at")}
    conn.execute(insert(jobs), {**row, "records": json.dumps(job.records)})


def done(conn: Connection, run: str, delivery: int) -> None:
    """The job has ended, and its outcomes are written down in the same transaction."""
    conn.execute(delete(jobs).where(jobs.c.run == run, jobs.c.delivery == delivery))


def pending(conn: Connection, destination: str) -> list[Job]:
    """The destination's jobs that nobody has seen the end of, oldest first."""
    query = select(jobs).where(jobs.c.destination == destination).order_by(jobs.c.at, jobs.c.run, jobs.c.delivery)
    return [
        Job(
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
