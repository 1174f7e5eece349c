"""`DbosEngine`: executes tickets with DBOS. Only this file imports DBOS; other modules use `queue.Engine`.

DBOS has its own tables: with PostgreSQL in the schema `penstock_work` of the same database, with SQLite in a separate
file. A ticket is a workflow of one step, and its only input. The results of a run are in Penstock's ledger.

DBOS's loop over a queue (`queue_worker_thread`) runs in a thread of Penstock, which sets its pauses: short while there
is work, long while idle, none when work is requested. The loops that DBOS starts itself read its tables several times a
second for features that Penstock does not use (schedules, timeouts, delays, its internal queue). While idle, they use
more time than the rest of the service, so they are stopped at once.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from penstock.clock import Clock, iso
from penstock.store.database import Database

if TYPE_CHECKING:
    from dbos import DBOS, Queue


RESTLESS_S = 2.0  # with short pauses, after the last request for work
IDLE_S = 5.0  # the pause while idle

SCHEMA = "penstock_work"
QUEUE = "runs"
POLL_S = 0.2
NOTIFIES_S = 1.0  # between DBOS's checks for events on PostgreSQL, which no workflow of Penstock waits for
RETAINED = timedelta(hours=1)  # for which DBOS stores ended workflows
TIDIED = 500  # workflows at a time
MOST_TIDIED = 20_000  # a webhook source can cause some thousand runs an hour
OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class Pace(threading.Event):
    """The event that ends DBOS's loop. The loop pauses in `wait`, so that its pauses can be shortened here."""

    def __init__(self) -> None:
        super().__init__()
        self._until = 0.0
        self._now = threading.Event()

    def shorten_pause(self, *, at_once: bool = False) -> None:
        """End a long pause, since there may be work soon; with `at_once` also a short one."""
        is_idle = time.monotonic() >= self._until
        self._until = time.monotonic() + RESTLESS_S
        if is_idle or at_once:
            self._now.set()

    def set(self) -> None:
        """End the loop."""
        super().set()
        self._now.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Pause for `timeout` seconds, or for longer while idle; returns whether the loop has to end."""
        pause = timeout if timeout is None or time.monotonic() < self._until else max(timeout, IDLE_S)
        self._now.wait(pause)
        self._now.clear()
        return self.is_set()


class DbosEngine:
    """DBOS in this process. DBOS is a singleton, so a process can have one engine at a time."""

    def __init__(self, database: Database, clock: Clock, worker: str, version: str, *, lane: int, at_once: int) -> None:
        self._database, self._clock, self._worker, self._version = database, clock, worker, version
        self._lane, self._at_once = lane, at_once
        self._queue: Queue | None = None
        self._dbos: type[DBOS] | None = None
        self._workflow: Callable[[str], None] | None = None
        self._pace = Pace()
        self._polling: threading.Thread | None = None

    def start(self, execute: Callable[[str], None]) -> None:
        logger = logging.getLogger("dbos")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())  # else DBOS writes to the console in its own format
        from dbos import DBOS  # noqa: PLC0415 - takes half a second, and only workers need it
        from dbos._queue import queue_worker_thread  # noqa: PLC0415 - private, see the docstring of the module

        dbos = DBOS(
            config={
                "name": "penstock",
                "system_database_url": self._url(),
                "dbos_system_schema": SCHEMA,
                "application_version": self._version,
                "executor_id": self._worker,
                "log_level": "ERROR",
                "enable_otlp": False,
                "sys_db_pool_size": 5,
            }
        )

        @DBOS.workflow(name="run")
        def run(ticket: str) -> None:
            execute(ticket)

        DBOS.listen_queues([])
        DBOS.launch()
        for ending in (*dbos.background_thread_stop_events, dbos._background_jobs_stop_event):  # noqa: SLF001
            ending.set()
        dbos._sys_db._notification_coalesce_sec = NOTIFIES_S  # noqa: SLF001
        self._queue = DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._at_once,
            partition_concurrency=self._lane,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )
        self._dbos, self._workflow = DBOS, run
        self._polling = threading.Thread(
            target=queue_worker_thread, args=(self._pace, dbos, self._queue), daemon=True, name="penstock-tickets"
        )
        self._polling.start()
        self._pace.shorten_pause(at_once=True)

    def submit(self, ticket: str, lane: str) -> bool:
        from dbos import SetEnqueueOptions, SetWorkflowID  # noqa: PLC0415

        assert self._queue is not None
        assert self._workflow is not None
        with SetWorkflowID(ticket), SetEnqueueOptions(queue_partition_key=lane):
            handle = self._queue.enqueue(self._workflow, ticket)
        self._pace.shorten_pause(at_once=True)
        return handle.get_status().status not in OVER

    def wake(self) -> None:
        self._pace.shorten_pause()

    def abandon(self, tickets: Sequence[str]) -> None:
        if self._dbos is not None and tickets:
            known = self._dbos.list_workflows(workflow_ids=list(tickets), load_input=False, load_output=False)
            self._dbos.cancel_workflows([workflow.workflow_id for workflow in known])

    def tidy(self) -> None:
        if self._dbos is None:
            return
        before = iso(self._clock.now() - RETAINED)
        for _ in range(MOST_TIDIED // TIDIED):
            over: list[Any] = self._dbos.list_workflows(
                status=OVER, end_time=before, limit=TIDIED, load_input=False, load_output=False
            )
            if over:
                self._dbos.delete_workflows([workflow.workflow_id for workflow in over])
            if len(over) < TIDIED:
                return

    def stop(self) -> None:
        self._pace.set()
        if self._polling is not None:
            self._polling.join()
        if self._dbos is not None:
            self._dbos.destroy(destroy_registry=True)
            self._dbos = self._queue = self._workflow = None

    def _url(self) -> str:
        if self._database.path is None:
            return self._database.engine.url.render_as_string(hide_password=False)
        path = self._database.path.with_suffix(".work.db")
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        return f"sqlite:///{path}"
