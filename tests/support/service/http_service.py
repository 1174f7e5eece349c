"""A service in this process, over real HTTP."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from penstock.clock import SystemClock
from penstock.service.api.app import make_api
from penstock.service.app import ServiceApp
from penstock.usecases.applied_project.applied_project import AppliedProject


def apply_project(folder: Path, url: str) -> None:
    """Apply `penstock.yaml` of the folder to a state, as it is."""
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
            with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30) as client:
                while not server.started and thread.is_alive():
                    thread.join(0.02)
                yield client
        finally:
            server.should_exit = True
            thread.join()
