"""A service in this process, over real HTTP."""

import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import httpx
import uvicorn

from penstock.clock import SystemClock
from penstock.service.api.app import make_api
from penstock.service.app import ServiceApp
from penstock.store.database import Database
from penstock.usecases.applied_project.applied_project import AppliedProject

# For clients of plain HTTP: one that may speak TLS reads the certificates of the machine, which takes longer than a test.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@lru_cache(maxsize=1)
def _empty_state() -> bytes:
    """The file of a state with our tables, and nothing in them: making them takes longer than copying them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "state.db")
        Database.open(f"sqlite:///{file}").close()
        return file.read_bytes()


def _begin(url: str) -> None:
    """Put an empty state in the place of a SQLite file that is not there yet."""
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as made:
            made.write(_empty_state())


def apply_project(folder: Path, url: str) -> None:
    """Apply `penstock.yaml` of the folder to a state, as it is."""
    _begin(url)
    with AppliedProject.open(folder / "penstock.yaml", url, {}, SystemClock()) as project:
        project.apply()


@contextmanager
def service(folder: Path, project: str, *, url: str | None = None, environ: dict[str, str] | None = None):
    """Apply the project; returns the App and a client of its API."""
    (folder / "penstock.yaml").write_text(project)
    url = url or f"sqlite:///{folder / 'state.db'}"
    apply_project(folder, url)
    with ServiceApp.open_applied(url, environ=environ or {}) as app, served(app, without_sign_in=True) as client:
        yield app, client


@contextmanager
def served(app: ServiceApp, *, without_sign_in: bool = False) -> Iterator[httpx.Client]:
    """A client of the App's API. The caller closes the App."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(make_api(app, without_sign_in=without_sign_in), log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            with httpx.Client(base_url=url, timeout=30, verify=NO_TLS) as client:
                while not server.started and thread.is_alive():
                    thread.join(0.02)
                yield client
        finally:
            server.should_exit = True
            thread.join()
