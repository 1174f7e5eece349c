"""The commands that serve a project: serve, worker, flow, cancel, hooks."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import SERVE, SET_UP, Command, Given
from penstock.cli.exits import Exit
from penstock.model.reach import COMMAND_LINE
from penstock.service.cli.service_app import (
    freeze_collection,
    open_applied,
    open_project,
    pause_collection,
    state_url_of,
)

if TYPE_CHECKING:
    from penstock.service.api.server import Ready

PORT = 8765

Flow = Annotated[str, Parameter(name="FLOW", help="A flow of the project.")]
Source = Annotated[str, Parameter(name="SOURCE", help="A webhook source of the project.")]


def add_to(app: App) -> None:
    app.command(serve, group=SERVE, sort_key=1)
    app.command(worker, group=SERVE, sort_key=2)
    flow = App(name="flow", help="Pause and resume a flow.", group=SERVE, sort_key=3)
    flow.command(pause, name="pause")
    flow.command(resume, name="resume")
    app.command(flow)
    app.command(cancel, group=SERVE, sort_key=4)
    hooks = App(name="hooks", help="List the webhook sources, and make their keys.", group=SET_UP, sort_key=4)
    hooks.command(list_hooks, name="list")
    hooks.command(new_key, name="new-key")
    app.command(hooks)


def serve(
    *,
    host: Annotated[str, Parameter(help="The address to listen on (default: 127.0.0.1).")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on (default: 8765; 0: any free port).")] = PORT,
    no_worker: Annotated[bool, Parameter(help="Execute no runs in this process; `penstock worker` does.")] = False,
    without_sign_in: Annotated[
        bool, Parameter(help="Allow everything without sign-in; only on a loopback address.")
    ] = False,
    command: Given,
) -> None:
    """Serve the web UI and the REST API until ^C.

    Serves the project in the database, which `penstock apply` loads. Also executes requested and scheduled runs, unless
    --no-worker is given.
    """
    pause_collection()
    from penstock.service.api.server import Options, serve_until_stopped  # noqa: PLC0415 - half a second

    options = Options(
        database=state_url_of(command),
        host=host,
        port=port,
        worker=not no_worker,
        without_sign_in=without_sign_in,
    )

    def started(ready: Ready) -> None:
        _print_ready(command, ready)
        freeze_collection()

    serve_until_stopped(options, started)


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


def pause(flow: Flow, /, *, command: Given) -> None:
    """Pause a flow: scheduled runs are skipped, and a running one stops after its requests in flight."""
    with open_project(command) as app:
        app.work.pause_flow(flow, by=COMMAND_LINE)
        state = app.work.flow_state(flow)
    command.show({"flow": flow, **state}, lambda: [f"{flow} is paused."])


def resume(flow: Flow, /, *, command: Given) -> None:
    """Resume a flow: its schedule applies again from now on."""
    with open_project(command) as app:
        app.work.resume_flow(flow, by=COMMAND_LINE)
        state = app.work.flow_state(flow)
    when = f", next run at {state['next_at']}" if state["next_at"] is not None else ""
    command.show({"flow": flow, **state}, lambda: [f"{flow} is resumed{when}."])


def cancel(
    run: Annotated[str, Parameter(name="RUN", help="The id of a run that a worker executes, or that is queued.")],
    /,
    *,
    command: Given,
) -> None:
    """Stop a run that is queued or that a worker executes.

    It stops after its requests in flight. The next run of the same destination or flow continues it.
    """
    with open_project(command) as app:
        request = app.work.cancel(run, by=COMMAND_LINE)
    command.show(request, lambda: [f"The request to stop {run} is stored."])


def list_hooks(*, command: Given) -> None:
    """List the webhook sources with their URLs, authentication and numbers of received records."""
    from penstock.service.cli.text import hooks_text  # noqa: PLC0415 - rich is slow to import

    with open_project(command) as app:
        found = app.intake.listed()
    command.show(found, lambda: hooks_text(found))


def new_key(source: Source, /, *, command: Given) -> None:
    """Make a new key or signing secret for a webhook source.

    It is shown once. The previous one stops working.
    """
    with open_project(command) as app:
        key = app.intake.new_key(source)
    command.show({"source": source, "key": key}, lambda: [key])
    if not command.json:
        command.remark(f"Senders need it to post to /hooks/{source}. It is stored sealed and is not shown again.")


def serve_here(database: str, ready: Callable[[str], None]) -> None:
    """Serve a state on the loopback address without sign-in until ^C, on the default port or else a free one.

    Calls `ready` with the URL.
    """
    from penstock.service.api.server import Options, serve_until_stopped  # noqa: PLC0415 - half a second

    port = 0 if _is_taken() else PORT
    options = Options(database, "127.0.0.1", port, worker=True, without_sign_in=True)
    serve_until_stopped(options, lambda served: ready(served.url))


def address_here() -> str:
    """The URL that `serve_here` will use, or a text if only `serve_here` can tell."""
    return "at the address that it prints" if _is_taken() else f"http://127.0.0.1:{PORT}"


def _is_taken() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def _print_ready(command: Command, ready: Ready) -> None:
    document = {"url": ready.url} if ready.setup_url is None else {"url": ready.url, "setup_url": ready.setup_url}
    command.show(document, lambda: [f"Penstock is ready at {ready.url} (^C stops it)."])
    if ready.setup_url is not None and not command.json:
        command.remark(f"One-time link to create the first user: {ready.setup_url}")
    file = command.file or Path("penstock.yaml")
    if ready.version == 0 and file.exists():
        line = "penstock apply" if command.file is None else f"penstock -f {file} apply"
        command.remark(f"{file} is not in the database yet. `{line}` loads it.")


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
