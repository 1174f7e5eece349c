"""The command `serve`: the REST API and the web UI of a project, in one process."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import SERVE, Command, Given
from penstock.service.cli.service_app import freeze_collection, pause_collection, state_url_of

if TYPE_CHECKING:
    from penstock.service.api.server import Ready

PORT = 8765


def add_to(app: App) -> None:
    app.command(serve, group=SERVE, sort_key=1)


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
