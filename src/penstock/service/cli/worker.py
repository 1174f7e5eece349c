"""The command `worker`: runs what is in the queue, on any number of machines."""

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
    """Run what is asked for and what is due, until ^C.

    The project is the one in the database: `penstock apply` loads a project file into it. Any number of workers may
    share a PostgreSQL database; beside SQLite there is one, for `penstock serve --no-worker`. On SIGTERM it stops
    after the requests in flight, and leaves the rest to the next.
    """
    pause_collection()
    with open_applied(command) as app, app.watched(os.environ), _asked_to_stop() as asked:
        working = app.worker()
        working.start()
        freeze_collection()
        command.show({"worker": working.id}, lambda: [f"The worker {working.id} is ready (^C ends it)."])
        while not asked.wait(3600):
            pass
        ended = working.stop()
    return Exit.WELL if ended else Exit.NOT_ALL_WELL


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by SIGINT or SIGTERM; a second one ends the process at once."""
    asked = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
