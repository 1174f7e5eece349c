"""Batch jobs that the API has taken and not ended: polled to their end, by the next run if need be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from penstock.model.record import Key
from penstock.stores.schema import jobs


class JobRecord(NamedTuple):
    """One record of a job, with all that its end may need. `print` is 0 without a fingerprint; `record` is JSON."""

    ordinal: int
    key: Key | None
    hash: tuple[int, int]
    print: int
    record: str
    content: int


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


def _record(
    ordinal: int, key: str | list[str] | None, hash_: list[int], print_: int, record: str, content: int
) -> JobRecord:
    exact = tuple(key) if isinstance(key, list) else key
    return JobRecord(ordinal, exact, (hash_[0], hash_[1]), print_, record, content)
