"""`Queue`: assigns tickets to workers, and requeues the tickets of a dead worker.

Every step is a transaction on Penstock's own tables. The library for durable execution is behind `Engine` and receives
only tickets; a ticket names a run and the number of the attempt. A ticket of an earlier attempt is void, so a ticket
that the library executes twice or late has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.service.store import work
from penstock.service.store.work import WorkRow
from penstock.service.work.backfills import gives_way, is_backfilled
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs import runs
from penstock.store.runs.runs import OPEN_STATES, WAITING_STATES

AGAIN_S = 5  # before the attempt after a failure of the state database; doubled with each attempt
LONGEST_AGAIN_S = 300
COMPARISONS = 2  # with Custify that are executed at once, beside the runs: each takes minutes to hours


class Interrupted(Exception):  # noqa: N818 - a result, not an error
    """The run did not end here and has to be requeued; `later` is true if it cannot continue at once."""

    def __init__(self, *, later: bool) -> None:
        super().__init__()
        self.later = later


class Engine(Protocol):
    """Executes tickets durably; `tests/service/work/test_engine_contract.py` tests the contract.

    A submitted ticket is executed once, by one of the processes that have started an engine of the same version on the
    same state, even if the process that submitted it has died. A lane limits the number of concurrent tickets.
    """

    def start(self, execute: Callable[[str], None]) -> None:
        """Start to execute tickets. `execute` is called for each ticket in its own thread, and must not raise."""
        ...

    def submit(self, ticket: str, lane: str) -> bool:
        """Submit a ticket; to submit it again has no effect. False when it was already executed or abandoned."""
        ...

    def wake(self) -> None:
        """Report that tickets may wait, also those of other processes. Without this call they start seconds later."""
        ...

    def abandon(self, tickets: Sequence[str]) -> None:
        """Free the places of tickets whose process has died. A ticket that is still executed is not interrupted."""
        ...

    def tidy(self) -> None:
        """Delete tickets that ended long ago. To be called every few minutes."""
        ...

    def stop(self) -> None:
        """Take no more tickets. Does not wait for those that are being executed."""
        ...


class TakenOver(NamedTuple):
    """The tickets that are void now, and the workers that have died."""

    tickets: list[str]
    workers: list[str]


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue from the view of one worker."""

    database: Database
    clock: Clock
    worker: str
    version: str

    def waiting(self) -> list[WorkRow]:
        """The rows that have not started: queued, or assigned to a worker."""
        with self.database.read() as conn:
            return work.in_state(conn, WAITING_STATES)

    def hand_out(self) -> list[WorkRow]:
        """Assign the queued rows that may start now, as new attempts.

        At most one per destination or flow, and one beside a backfill that gives way to it. A comparison with Custify
        takes no place of a run: of one destination one at a time, and of all `COMPARISONS`.
        """
        now, handed = iso(self.clock.now()), list[WorkRow]()
        with self.database.read() as conn:
            executed = {row.target for row in work.in_state(conn, ("running",)) if row.kind == "destination"}
        backfilled = {target for target in executed if is_backfilled(self.database, target)}
        with self.database.begin() as conn:
            rows = work.in_state(conn, OPEN_STATES)
            busy: dict[tuple[str, str], list[WorkRow]] = {}
            for row in rows:
                if row.state != "queued":
                    busy.setdefault(_place(row), []).append(row)
            for row in rows:
                due = row.not_before is None or row.not_before <= now
                others = busy.setdefault(_place(row), [])
                is_free = row.kind != "reconcile" or _comparisons(busy) < COMPARISONS
                if row.state == "queued" and due and is_free and _has_place(conn, row, others, backfilled):
                    others.append(row)
                    changes = {"attempt": row.attempt + 1, "version": self.version, "worker": None}
                    work.change(conn, row, state="handed", **changes)
                    handed.append(_again(conn, row))
        return handed

    def take(self, ticket: str) -> WorkRow | None:
        """Start a ticket with this worker. None when the ticket is void."""
        run, _, attempt = ticket.rpartition(".")
        with self.database.begin() as conn:
            row = work.get(conn, run)
            if row is None or str(row.attempt) != attempt or row.state != "handed":
                return None
            work.change(conn, row, state="running", worker=self.worker, not_before=None)
            return _again(conn, row)

    def put_back(self, row: WorkRow, *, later: bool = False) -> bool:
        """Requeue a row for the next worker; with `later`, after a pause that grows with the attempts.

        False, and no change, when the row is no longer in the state in which it was read.
        """
        wait = min(AGAIN_S * 2 ** min(row.attempt - 1, 8), LONGEST_AGAIN_S)
        at = iso(self.clock.now() + timedelta(seconds=wait)) if later else None
        with self.database.begin() as conn:
            return work.change(conn, row, state="queued", worker=None, version=None, not_before=at)

    def end(self, row: WorkRow) -> None:
        """Mark a row as ended."""
        with self.database.begin() as conn:
            work.change(conn, row, state="ended", worker=None, stop=None)

    def _alive_workers(self) -> tuple[dict[str, str], list[str]]:
        """The versions of the registered workers that are alive, by id, and those that have died."""
        with self.database.read() as conn:
            known = work.registered(conn)
        alive = {row.id: row.version for row in known if leases.is_taken(self.database, leases.of_worker(row.id))}
        return alive, [row.id for row in known if row.id not in alive]

    def take_over(self, executing: Collection[str]) -> TakenOver:
        """Requeue the rows whose worker has died, and delete such workers. One process reports each of them.

        `executing` are the tickets of this worker, from before `take` until their row is ended or requeued. A ticket
        that ends between the read of the rows and the check of `executing` is not requeued.
        """
        with self.database.read() as conn:
            rows = work.in_state(conn, ("handed", "running"))
            others = [row for row in work.registered(conn) if row.id != self.worker]
        if not rows and not others:
            return TakenOver([], [])
        alive, dead = self._alive_workers()
        lost = [row for row in rows if self._is_lost(row, alive, executing)]
        void = [row.ticket for row in lost if self.put_back(row, later=row.worker == self.worker)]
        if dead:  # last: an error above leaves them to the next check
            with self.database.begin() as conn:
                dead = [worker for worker in dead if work.unregister(conn, worker)]
        return TakenOver(void, dead)

    def _is_lost(self, row: WorkRow, alive: dict[str, str], executing: Collection[str]) -> bool:
        if row.state == "handed":  # only workers of the version that assigned it take it
            return row.version not in alive.values()
        if row.worker == self.worker:
            return row.ticket not in executing
        return row.worker not in alive


def _place(row: WorkRow) -> tuple[str, str]:
    """What of a flow or destination is allowed one at a time: its run, or its comparison with Custify."""
    return row.kind if row.kind in ("flow", "reconcile") else "destination", row.target


def _comparisons(busy: Mapping[tuple[str, str], Sequence[WorkRow]]) -> int:
    return sum(len(rows) for (kind, _), rows in busy.items() if kind == "reconcile")


def _has_place(conn: Connection, row: WorkRow, others: Sequence[WorkRow], backfilled: Collection[str]) -> bool:
    """Whether a queued row may start beside those of the same place that have not ended."""
    if len(others) != 1 or row.kind in ("flow", "reconcile") or row.target not in backfilled:
        return not others
    return gives_way(conn, others[0], runs.get(conn, row.run))


def _again(conn: Connection, row: WorkRow) -> WorkRow:
    found = work.get(conn, row.run)
    assert found is not None
    return found
