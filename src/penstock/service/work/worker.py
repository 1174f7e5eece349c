"""`Worker`: a process (or a part of one) that executes what is in the queue, and monitors the other workers.

It is alive while its lease is renewed. The work of a worker that died is requeued by the others; its run leases prevent
it from writing should it come back.
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
from penstock.run.context import Context
from penstock.service.store import work
from penstock.service.store.commit_watch import CommitWatch
from penstock.service.work.queue import Engine, Interrupted, Queue
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.project import resources
from penstock.version import __version__

if TYPE_CHECKING:
    from penstock.service.work.executor import Executor

NOTICE_S = 0.15  # how often it is looked whether anybody wrote to the state
LOOK_S = 0.25  # how often the queue, and wishes to stop, are looked at while there is something to do
FEED_S = 0.1  # how often it is looked whether records were pushed, while records wait
IDLE_S = 5.0  # how often both are read while idle: anything new is a commit, and is noticed
CARE_S = 2.0  # how often other workers and schedules are
TIDY_S = 600.0
UPKEEP_S = 30.0  # how often old rows are looked for
STOPPED = "the worker was stopped; the run goes on with the next one"
LANE = 4  # runs of one credential at once: they share its rate limit anyway
AT_ONCE = 8  # runs of one worker
log = logging.getLogger("penstock.worker")
MakeEngine = Callable[[Database, Clock, str, str], Engine]


def dbos_engine(database: Database, clock: Clock, worker: str, version: str) -> Engine:
    """The engine that workers use."""
    from penstock.service.work.dbos_engine import DbosEngine  # noqa: PLC0415 - knows DBOS, which is slow to import

    return DbosEngine(database, clock, worker, version, lane=LANE, at_once=AT_ONCE)


class Feeding(Protocol):
    """Requests runs of posted records."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has to be called again soon, also when nothing new is posted."""
        ...

    def __call__(self) -> bool:
        """Whether it requested a run."""
        ...


class Worker:
    """Start it, and stop it. One a process; `ctx` returns the context with the present project."""

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
        self._at_hand: set[str] = set()  # tickets from before they are taken until their rows are ended or put back
        self._stopping = threading.Event()
        self._asked = threading.Event()  # something may wait in the queue: no need to pause
        self._posted = threading.Event()  # something may have been posted
        self._commits = CommitWatch(database)
        self._mark = ""
        self._is_news = False  # whether there was a commit since the queue was looked at
        self._looked = clock.monotonic()
        self._is_waiting = False  # whether something in the queue has not begun
        self._idle = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._beginning: threading.Thread | None = None
        self._broken = False
        self._lease = ExitStack()
        self._tidied = clock.monotonic()
        self._unheld = threading.Event()

    def start(self, *, wait: bool = True) -> None:
        """Register, and begin. Returns when it works; without `wait` at once, and it works a moment later."""
        self._hold()
        if wait:
            self._begin()
        else:
            self._beginning = threading.Thread(target=self._begin_or_tell, daemon=True, name="penstock-beginning")
            self._beginning.start()

    def _begin_or_tell(self) -> None:
        try:
            self._begin()
        except Exception:
            log.exception("worker.defect")
            self._broken = True

    def _begin(self) -> None:
        self._engine.start(self._execute)
        for name, step, every, woken in (
            ("commits", self._notice, lambda: NOTICE_S, self._stopping),
            ("queue", self._look, self._until_next_look, self._asked),
            ("care", self._care, lambda: CARE_S, self._stopping),
            ("feed", self._feed_on, self._until_next_feed, self._posted),
            ("upkeep", self._keep_up, lambda: UPKEEP_S, self._stopping),
        ):
            repeated, called = (step, every, woken), f"penstock-{name}"
            thread = threading.Thread(target=self._repeat, args=repeated, daemon=True, name=called)
            self._threads.append(thread)
            thread.start()
        self._ctx().events.tell("worker.started", worker=self.id, version=self._version)

    def stop(self, wait_s: float = 60.0) -> bool:
        """Take no more, stop what runs after its requests in flight, and put it back; False when it took too long."""
        self._stopping.set()
        self._asked.set()
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
        self._leave()
        self._ctx().events.tell("worker.stopped", worker=self.id)
        return done

    def is_alive(self) -> bool:
        """Whether all its threads are running."""
        is_over = self._broken or self._stopping.is_set()
        return not is_over and all(thread.is_alive() for thread in self._threads)

    def is_busy(self) -> bool:
        """Whether it executes anything."""
        return bool(self._executions)

    def is_at_rest(self) -> bool:
        """Whether nothing is executed, and nothing waits in the queue."""
        return not self._is_waiting and not self._executions

    # ── inside ───────────────────────────────────────────────────────────────

    def _hold(self) -> None:
        place = f"process {os.getpid()} on {socket.gethostname()}"
        lease = leases.hold(self._database, leases.of_worker(self.id), place, self._unheld.set)
        self._lease.enter_context(lease)
        with self._database.begin() as conn:
            work.register(conn, work.WorkerRow(self.id, self._version, place, iso(self._clock.now())))

    def _leave(self) -> None:
        try:
            with self._database.begin() as conn:
                work.strike_off(conn, self.id)
            self._lease.close()
        except EnvironmentFailure:
            log.warning("worker.left-unsaid worker=%s", self.id)  # the others will notice

    def _repeat(self, step: Callable[[], object], every: Callable[[], float], woken: threading.Event) -> None:
        """Call it again and again; errors of the state database are ignored here, and reported elsewhere."""
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
        """Notice new work: it begins with a commit to the state, by this process or another.

        Looking at tables several times a second would take some percent of a core while idle; this takes microseconds.
        While something is executed, commits are many: the queue is looked at as often as without them.
        """
        mark = self._commits.mark()
        if mark != self._mark:
            self._mark, self._is_news = mark, True
            self._posted.set()
        if self._is_news and (not self._executions or self._clock.monotonic() - self._looked >= LOOK_S):
            self._is_news = False
            self._asked.set()

    def _until_next_look(self) -> float:
        return IDLE_S if self.is_at_rest() else LOOK_S

    def _until_next_feed(self) -> float:
        is_waiting = self._feed is not None and self._feed.is_waiting
        return FEED_S if is_waiting else IDLE_S

    def _feed_on(self) -> None:
        if not self._stopping.is_set():
            self._posted.clear()
        if self._feed is not None and self._feed():
            self._asked.set()  # what was just posted does not wait for the next look

    def _look(self) -> None:
        if not self._stopping.is_set():
            self._asked.clear()
        self._looked = self._clock.monotonic()
        waiting = self._queue.waiting()
        self._is_waiting = bool(waiting)
        if any(row.state == "queued" for row in waiting):
            for row in self._queue.hand_out():
                self._engine.submit(row.ticket, row.lane)
        if waiting or self._executions:
            self._engine.wake()
        self._watch()

    def _keep_up(self) -> None:
        for part in self._upkeep:
            part()

    def _care(self) -> None:
        if self._unheld.is_set():  # the state was unreachable for longer than the lease lasts
            self._lease.close()
            self._unheld.clear()
            self._hold()
        void = self._queue.take_over(self._at_hand)
        if void:
            for ticket in void:
                self._ctx().events.tell("run.taken-over", run=ticket.rpartition(".")[0], worker=self.id)
            self._engine.abandon(void)
        self._submit_again()
        self._tick()
        if self._clock.monotonic() - self._tidied > TIDY_S:
            self._tidied = self._clock.monotonic()
            self._engine.tidy()

    def _submit_again(self) -> None:
        """Submit again what has a worker and has not begun: the process that assigned it may have died."""
        with self._database.read() as conn:
            rows = work.in_state(conn, ["handed"])
        for row in rows:
            if row.version == self._version and not self._engine.submit(row.ticket, row.lane):
                self._queue.put_back(row)

    def _watch(self) -> None:
        """Stop what has to be stopped, and report the progress of the rest."""
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
            work.keep_progress(conn, {execution.row.run: execution.progress() for execution in mine.values()})

    def _execute(self, ticket: str) -> None:
        """Execute a ticket; the engine calls this. Never raises: a failure requeues the run, or ends it."""
        self._at_hand.add(ticket)
        try:
            self._take_and_execute(ticket)
        finally:
            self._at_hand.discard(ticket)

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
        from penstock.service.work.executor import Executor  # noqa: PLC0415 - Arrow and aiohttp: here a run begins

        execution = self._executions[row.ticket] = Executor(self._ctx(), row)
        if self._stopping.is_set():
            execution.shutdown = True
            execution.stop(STOPPED)
        try:
            self._finish(execution)
        except EnvironmentFailure as trouble:  # the row is running but no process runs it: it will be requeued
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
