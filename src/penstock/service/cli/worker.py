"""The command `worker`: executes queued runs, on any number of machines."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cyclopts import App

from penstock.cli.command import SERVE, Given
from penstock.cli.exits import Exit
from penstock.service.cli.service_app import freeze_collection, open_applied, pause_collection


def add_to(app: App) -> None:
    app.command(worker, group=SERVE, sort_key=2)


def worker(*, command: Given) -> Exit:
    """Execute requested and scheduled runs until ^C.

    Executes runs of the project in the database, which `penstock apply` loads. Any number of workers can share a
    PostgreSQL database; a SQLite database can have one, beside `penstock serve --no-worker`. On SIGTERM the worker
    stops after its requests in flight; another worker continues its runs.
    """
    pause_collection()
    with open_applied(command) as app, app.watched(os.environ), _stop_signal() as stop:
        working = app.worker()
        working.start()
        freeze_collection()
        command.show({"worker": working.id}, lambda: [f"Worker {working.id} is ready (^C stops it)."])
        while not stop.wait(3600):
            pass
        ended = working.stop()
    return Exit.WELL if ended else Exit.NOT_ALL_WELL


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal ends the process at once."""
    stop = threading.Event()

    def set_stop(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
