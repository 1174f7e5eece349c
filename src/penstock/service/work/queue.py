"""`Queue`: hands tickets to workers, and requeues the tickets of a worker that died.

Every step is a transaction on Penstock's own tables. A library that executes durably is behind `Engine`; all it is
given is a ticket, which names a run and the attempt at it. A ticket of an earlier attempt is void, so that a ticket
that the library executes twice, or late, does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.service.store import work
from penstock.service.store.work import WorkRow
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs.requested import OPEN, WAITING

AGAIN_S = 5  # after a failure of the state database; doubled for each further attempt
LONGEST_AGAIN_S = 300


class Interrupted(Exception):  # noqa: N818 - it is an answer: the work goes on elsewhere or later
    """The run did not end here; `later` when it cannot continue at once."""

    def __init__(self, *, later: bool) -> None:
        super().__init__()
        self.later = later


class Engine(Protocol):
    """The interface of durable executors of tickets; the contract is in `tests/service/work/test_engine_contract.py`.

    A submitted ticket is executed, once, by one of the processes that have started an engine of the same version
    on the same state, also when it was submitted by a process that has died since. A lane has a limit of tickets at
    once.
    """

    def start(self, execute: Callable[[str], None]) -> None:
        """Begin to execute; `execute` is called in a thread of its own for each ticket, and never raises."""
        ...

    def submit(self, ticket: str, lane: str) -> bool:
        """Have it executed; submitting it again changes nothing. False when it was executed, or abandoned, already."""
        ...

    def wake(self) -> None:
        """Tickets may wait, also of other processes. Without it for a few seconds, they may be noticed seconds late."""
        ...

    def abandon(self, tickets: Sequence[str]) -> None:
        """Free the places of tickets whose process has died; a ticket that is still executed is not interrupted."""
        ...

    def tidy(self) -> None:
        """Forget tickets that ended long ago. Called now and then."""
        ...

    def stop(self) -> None:
        """Take no more; comes back without waiting for what is executed."""
        ...


@dataclass(frozen=True, slots=True)
class Queue:
    """The rows of the queue, as one worker handles them."""

    database: Database
    clock: Clock
    worker: str
    version: str

    def waiting(self) -> list[WorkRow]:
        """What has not begun: in the queue, or with a worker."""
        with self.database.read() as conn:
            return work.in_state(conn, WAITING)

    def hand_out(self) -> list[WorkRow]:
        """Take what may begin now out of the queue, as new attempts; nothing overlaps with its like."""
        now, handed = iso(self.clock.now()), list[WorkRow]()
        with self.database.begin() as conn:
            rows = work.in_state(conn, OPEN)
            busy = {_place(row) for row in rows if row.state != "queued"}
            for row in rows:
                due = row.not_before is None or row.not_before <= now
                if row.state == "queued" and due and _place(row) not in busy:
                    busy.add(_place(row))
                    changes = {"attempt": row.attempt + 1, "version": self.version, "worker": None}
                    work.change(conn, row, state="handed", **changes)
                    handed.append(_again(conn, row))
        return handed

    def take(self, ticket: str) -> WorkRow | None:
        """Begin with a ticket, as this worker; None when the ticket is void."""
        run, _, attempt = ticket.rpartition(".")
        with self.database.begin() as conn:
            row = work.get(conn, run)
            if row is None or str(row.attempt) != attempt or row.state != "handed":
                return None
            work.change(conn, row, state="running", worker=self.worker, not_before=None)
            return _again(conn, row)

    def put_back(self, row: WorkRow, *, later: bool = False) -> bool:
        """Requeue it for the next worker; `later` when it cannot continue at once.

        False, and nothing is changed, when the row is no longer in the state that it was read in.
        """
        wait = min(AGAIN_S * 2 ** min(row.attempt - 1, 8), LONGEST_AGAIN_S)
        at = iso(self.clock.now() + timedelta(seconds=wait)) if later else None
        with self.database.begin() as conn:
            return work.change(conn, row, state="queued", worker=None, version=None, not_before=at)

    def end(self, row: WorkRow) -> None:
        """It has come to its end."""
        with self.database.begin() as conn:
            work.change(conn, row, state="ended", worker=None, stop=None)

    def living(self) -> dict[str, str]:
        """The workers that are alive, with their versions; dead ones are removed."""
        with self.database.read() as conn:
            known = work.registered(conn)
        alive = {row.id: row.version for row in known if leases.is_held(self.database, leases.of_worker(row.id))}
        dead = [row.id for row in known if row.id not in alive]
        if dead:
            with self.database.begin() as conn:
                for worker in dead:
                    work.strike_off(conn, worker)
        return alive

    def take_over(self, executing: Collection[str]) -> list[str]:
        """Requeue what no worker works on any more; returns the void tickets.

        `executing` are this worker's own: a ticket is in it before `take` and until its row is ended or put back. What
        ends between the look at the rows and the look at `executing` is not lost, and is not put back.
        """
        with self.database.read() as conn:
            rows = work.in_state(conn, ("handed", "running"))
        if not rows:
            return []
        alive = self.living()
        lost = [row for row in rows if self._is_lost(row, alive, executing)]
        return [row.ticket for row in lost if self.put_back(row, later=row.worker == self.worker)]

    def _is_lost(self, row: WorkRow, alive: dict[str, str], executing: Collection[str]) -> bool:
        if row.state == "handed":  # only workers of the version that handed it out take it
            return row.version not in alive.values()
        if row.worker == self.worker:
            return row.ticket not in executing
        return row.worker not in alive


def _place(row: WorkRow) -> tuple[bool, str]:
    """What may run only once at a time: a flow, or a destination."""
    return row.kind == "flow", row.target


def _again(conn: Connection, row: WorkRow) -> WorkRow:
    found = work.get(conn, row.run)
    assert found is not None
    return found
