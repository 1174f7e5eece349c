"""`Worker`: a process, or a part of one, that executes the runs in the queue and monitors the other workers.

A worker is alive while its lease is renewed. The others requeue the runs of a dead worker. If it comes back, it cannot
write, because it has lost the leases of its runs.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from penstock.clock import Clock, iso
from penstock.model.errors import EnvironmentFailure, PenstockError
from penstock.process_memory import Growth, give_back
from penstock.run.context import Context
from penstock.service.store import work
from penstock.service.store.commit_watch import CommitWatch
from penstock.service.work.queue import COMPARISONS, Engine, Interrupted, Queue
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.project import resources
from penstock.version import __version__

if TYPE_CHECKING:
    from penstock.service.work.executor import Executor

NOTICE_S = 0.15  # between checks for commits to the state
LOOK_S = 0.25  # between checks of the queue and of requests to stop, while there is work
FEED_S = 0.1  # between checks for posted records, while records wait
IDLE_S = 5.0  # between both checks while idle; new work is a commit, which is noticed earlier
CARE_S = 2.0  # between checks of other workers and schedules
TIDY_S = 600.0
UPKEEP_S = 30.0  # between checks for old rows
STOPPED = "the worker was stopped; the next one continues the run"
LANE = 4  # concurrent runs of one credential, which share its rate limit
AT_ONCE = 8  # concurrent runs of one worker
log = logging.getLogger("penstock.worker")
MakeEngine = Callable[[Database, Clock, str, str], Engine]


def dbos_engine(database: Database, clock: Clock, worker: str, version: str) -> Engine:
    """The engine that workers use."""
    from penstock.service.work.dbos_engine import DbosEngine  # noqa: PLC0415 - DBOS is slow to import

    return DbosEngine(database, clock, worker, version, lane=LANE, at_once=AT_ONCE + COMPARISONS)


class Feeding(Protocol):
    """Requests runs of posted records."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has to be called again soon, even if no records are posted."""
        ...

    def __call__(self) -> bool:
        """Whether it requested a run."""
        ...


class Worker:
    """The worker of this process; a process has at most one. `ctx` returns the context with the current project."""

    def __init__(
        self,
        ctx: Callable[[], Context],
        *,
        version: str = __version__,
        make: MakeEngine = dbos_engine,
        tick: Callable[[], object] = lambda: None,
        feed: Feeding | None = None,
        upkeep: Sequence[Callable[[], object]] = (),
    ) -> None:
        database, clock = ctx().database, ctx().clock
        self.id = f"{socket.gethostname()}-{os.getpid()}-{int(clock.dice() * 0xFFFFFF):06x}"
        self._ctx, self._database, self._clock, self._version = ctx, database, clock, version
        self._queue = Queue(database, clock, self.id, version)
        self._engine = make(database, clock, self.id, version)
        self._tick = tick
        self._feed = feed
        self._upkeep = upkeep
        self._executions: dict[str, Executor] = {}
        self._at_hand: set[str] = set()  # the tickets of this worker, from before `take` until their rows end or return
        self._stopping = threading.Event()
        self._changed = threading.Event()  # the queue may have new rows
        self._posted = threading.Event()  # records may have been posted
        self._commits = CommitWatch(database)
        self._mark = ""
        self._has_new_commit = False  # whether there was a commit since the last check of the queue
        self._looked = clock.monotonic()
        self._is_waiting = False  # whether a run in the queue has not started
        self._idle = threading.Condition()
        self._growth = Growth()
        self._threads: list[threading.Thread] = []
        self._beginning: threading.Thread | None = None
        self._broken = False
        self._lease = ExitStack()
        self._tidied = clock.monotonic()
        self._lease_lost = threading.Event()

    def start(self, *, wait: bool = True) -> None:
        """Register and start. Returns when the worker runs; without `wait` at once, and it starts in a thread."""
        self._register()
        if wait:
            self._begin()
        else:
            self._beginning = threading.Thread(target=self._begin_or_log, daemon=True, name="penstock-beginning")
            self._beginning.start()

    def _begin_or_log(self) -> None:
        try:
            self._begin()
        except Exception:
            log.exception("worker.defect")
            self._broken = True

    def _begin(self) -> None:
        self._engine.start(self._execute)
        for name, step, every, woken in (
            ("commits", self._notice, lambda: NOTICE_S, self._stopping),
            ("queue", self._check_queue, self._until_next_check, self._changed),
            ("care", self._care, lambda: CARE_S, self._stopping),
            ("feed", self._feed_on, self._until_next_feed, self._posted),
            ("upkeep", self._run_upkeep, lambda: UPKEEP_S, self._stopping),
        ):
            repeated, called = (step, every, woken), f"penstock-{name}"
            thread = threading.Thread(target=self._repeat, args=repeated, daemon=True, name=called)
            self._threads.append(thread)
            thread.start()
        self._ctx().events.emit("worker.started", worker=self.id, version=self._version)

    def stop(self, wait_s: float = 60.0) -> bool:
        """Take no more runs, stop the present ones after their requests in flight, and requeue them.

        False when this took longer than `wait_s` seconds.
        """
        self._stopping.set()
        self._changed.set()
        self._posted.set()
        for execution in list(self._executions.values()):
            execution.shutdown = True
            execution.stop(STOPPED)
        with self._idle:
            done = self._idle.wait_for(lambda: not self._executions, wait_s)
        if self._beginning is not None:
            self._beginning.join()
        for thread in self._threads:
            thread.join()
        self._engine.stop()
        self._commits.close()
        self._unregister()
        self._ctx().events.emit("worker.stopped", worker=self.id)
        return done

    def is_alive(self) -> bool:
        """Whether all its threads are running."""
        is_over = self._broken or self._stopping.is_set()
        return not is_over and all(thread.is_alive() for thread in self._threads)

    def is_busy(self) -> bool:
        """Whether it executes a run."""
        return bool(self._executions)

    def is_at_rest(self) -> bool:
        """Whether it executes no run, and no run waits in the queue."""
        return not self._is_waiting and not self._executions

    # ── inside ───────────────────────────────────────────────────────────────

    def _register(self) -> None:
        place = work.this_process()
        lease = leases.acquire(self._database, leases.of_worker(self.id), place, self._lease_lost.set)
        self._lease.enter_context(lease)
        with self._database.begin() as conn:
            work.register(conn, work.WorkerRow(self.id, self._version, place, iso(self._clock.now())))

    def _unregister(self) -> None:
        try:
            with self._database.begin() as conn:
                work.unregister(conn, self.id)
            self._lease.close()
        except EnvironmentFailure:
            log.warning("worker.left-unsaid worker=%s", self.id)  # the others notice it by the lease

    def _repeat(self, step: Callable[[], object], every: Callable[[], float], woken: threading.Event) -> None:
        """Call `step` until the worker stops. Errors of the state database are logged; `/readyz` reports them."""
        while not self._stopping.is_set():
            try:
                step()
            except PenstockError as trouble:
                log.warning("worker.trouble %s", trouble)
                self._stopping.wait(CARE_S)
            except Exception:
                log.exception("worker.defect")
                self._stopping.wait(CARE_S)
            woken.wait(every())

    def _notice(self) -> None:
        """Notice new work by a commit to the state, of this process or another.

        To query tables several times a second would take some percent of a core while idle; this takes microseconds.
        During a run there are many commits, so the queue is then checked every `LOOK_S`.
        """
        mark = self._commits.mark()
        if mark != self._mark:
            self._mark, self._has_new_commit = mark, True
            self._posted.set()
        if self._has_new_commit and (not self._executions or self._clock.monotonic() - self._looked >= LOOK_S):
            self._has_new_commit = False
            self._changed.set()

    def _until_next_check(self) -> float:
        return IDLE_S if self.is_at_rest() else LOOK_S

    def _until_next_feed(self) -> float:
        is_waiting = self._feed is not None and self._feed.is_waiting
        return FEED_S if is_waiting else IDLE_S

    def _feed_on(self) -> None:
        if not self._stopping.is_set():
            self._posted.clear()
        if self._feed is not None and self._feed():
            self._changed.set()  # the new run does not wait for the next check

    def _check_queue(self) -> None:
        if not self._stopping.is_set():
            self._changed.clear()
        self._looked = self._clock.monotonic()
        waiting = self._queue.waiting()
        self._is_waiting = bool(waiting)
        if any(row.state == "queued" for row in waiting):
            for row in self._queue.hand_out():
                self._engine.submit(row.ticket, row.lane)
        if waiting or self._executions:
            self._engine.wake()
        self._watch()

    def _run_upkeep(self) -> None:
        for part in self._upkeep:
            part()

    def _care(self) -> None:
        if self._lease_lost.is_set():  # the state was unreachable for longer than the lease lasts
            self._lease.close()
            self._lease_lost.clear()
            self._register()
        void, dead = self._queue.take_over(self._at_hand)
        for worker in dead:
            self._ctx().events.emit("worker.lost", worker=worker)
        if void:
            for ticket in void:
                self._ctx().events.emit("run.taken-over", run=ticket.rpartition(".")[0], worker=self.id)
            self._engine.abandon(void)
        self._submit_again()
        self._tick()
        if self._clock.monotonic() - self._tidied > TIDY_S:
            self._tidied = self._clock.monotonic()
            self._engine.tidy()

    def _submit_again(self) -> None:
        """Submit assigned runs that have not started again: the process that assigned them may have died."""
        with self._database.read() as conn:
            rows = work.in_state(conn, ["handed"])
        for row in rows:
            if row.version == self._version and not self._engine.submit(row.ticket, row.lane):
                self._queue.put_back(row)

    def _watch(self) -> None:
        """Stop the runs that have to stop, and store the progress of all."""
        mine = dict(self._executions)
        if not mine:
            return
        with self._database.read() as conn:
            rows = [work.get(conn, execution.row.run) for execution in mine.values()]
            sending = {name for execution in mine.values() for name in execution.sending()}
            paused = {name: resources.switch_of(conn, name) for name in sending}
        for row in rows:
            if row is not None and row.stop is not None and row.ticket in mine:
                mine[row.ticket].stop(f"stopped by {row.stop_by}")
        for name, switch in paused.items():
            if switch is not None and switch.state == "paused":
                for execution in mine.values():
                    execution.stop(f"{name} was paused by {switch.by}", name)
        with self._database.begin(alone=False) as conn:
            work.store_progress(conn, {execution.row.run: execution.progress() for execution in mine.values()})

    def _execute(self, ticket: str) -> None:
        """Execute a ticket, called by the engine. Never raises: a failure requeues the run or ends it."""
        self._at_hand.add(ticket)
        try:
            self._take_and_execute(ticket)
        finally:
            self._at_hand.discard(ticket)
            self._return_memory()

    def _take_and_execute(self, ticket: str) -> None:
        try:
            row = self._queue.take(ticket)
            if row is not None and self._stopping.is_set():
                self._queue.put_back(row)
                return
        except EnvironmentFailure as trouble:
            log.warning("worker.trouble ticket=%s %s", ticket, trouble)
            return
        if row is None:
            return
        from penstock.service.work.executor import Executor  # noqa: PLC0415 - loads Arrow and aiohttp

        execution = self._executions[row.ticket] = Executor(self._ctx(), row)
        if self._stopping.is_set():
            execution.shutdown = True
            execution.stop(STOPPED)
        try:
            self._finish(execution)
        except EnvironmentFailure as trouble:  # the row is `running` without a process: it will be requeued
            log.warning("worker.trouble ticket=%s %s", ticket, trouble)
        finally:
            with self._idle:
                del self._executions[row.ticket]
                self._idle.notify_all()

    def _finish(self, execution: Executor) -> None:
        row = execution.row
        if row.stop is not None:
            execution.stop(f"stopped by {row.stop_by}")
        try:
            execution.execute()
        except Interrupted as interrupted:
            self._queue.put_back(row, later=interrupted.later)
        else:
            self._queue.end(row)

    def _return_memory(self) -> None:
        """Return to the system what ended runs used. Memory that cannot be returned is in use, such as libraries."""
        if not self._executions and self._growth.is_large():
            give_back()
            self._growth.accept()
