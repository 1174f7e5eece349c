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
    host: Annotated[str, Parameter(help="The address to listen at (default: this machine alone).")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port (default 8765; 0: any that is free).")] = PORT,
    no_worker: Annotated[bool, Parameter(help="Run nothing here: `penstock worker` does.")] = False,
    without_sign_in: Annotated[
        bool, Parameter(help="Whoever is at this machine may do everything; only at a loopback address.")
    ] = False,
    command: Given,
) -> None:
    """Serve the web UI and the REST API, until ^C.

    The project is the one in the database: `penstock apply` loads a project file into it. `penstock serve` also runs
    what is due, unless --no-worker leaves that to others.
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

    def tell(ready: Ready) -> None:
        _tell(command, ready)
        freeze_collection()

    serve_until_stopped(options, tell)


def serve_here(database: str, ready: Callable[[str], None]) -> None:
    """Serve a state to whoever is at this machine, until ^C; at the usual port, else at one that is free.

    `ready` is called with the address.
    """
    from penstock.service.api.server import Options, serve_until_stopped  # noqa: PLC0415 - half a second

    port = 0 if _is_taken() else PORT
    options = Options(database, "127.0.0.1", port, worker=True, without_sign_in=True)
    serve_until_stopped(options, lambda served: ready(served.url))


def address_here() -> str:
    """Where `serve_here` will serve, as far as one can say before."""
    return "at the address that it says" if _is_taken() else f"http://127.0.0.1:{PORT}"


def _is_taken() -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", PORT)) == 0


def _tell(command: Command, ready: Ready) -> None:
    document = {"url": ready.url} if ready.setup_url is None else {"url": ready.url, "setup_url": ready.setup_url}
    command.show(document, lambda: [f"Penstock is ready at {ready.url} (^C ends it)."])
    if ready.setup_url is not None and not command.json:
        command.remark(f"Make the first account here, once: {ready.setup_url}")
    file = command.file or Path("penstock.yaml")
    if ready.version == 0 and file.exists():
        line = "penstock apply" if command.file is None else f"penstock -f {file} apply"
        command.remark(f"{file} is not in the database yet: `{line}` loads it.")
