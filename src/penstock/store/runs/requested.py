"""How runs came about: the rows of the queue as far as the list of runs shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, select

from penstock.store.service_tables import work

WorkState = Literal["queued", "handed", "running", "ended"]
WAITING: tuple[WorkState, ...] = get_args(WorkState)[:2]
OPEN: tuple[WorkState, ...] = get_args(WorkState)[:3]


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """Who requested a run, when, and how far a worker is with it. Moments are ISO text."""

    run: str
    state: WorkState
    worker: str | None
    trigger: str
    asked_by: str
    asked_at: str


_COLUMNS = [work.c[name] for name in ("run", "state", "worker", "trigger", "asked_by", "asked_at")]


def requested(conn: Connection, runs: Sequence[str]) -> dict[str, RequestedRun]:
    """Those of these runs that were requested from the queue."""
    return {row.run: RequestedRun(*row) for row in conn.execute(select(*_COLUMNS).where(work.c.run.in_(list(runs))))}
