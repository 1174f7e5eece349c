"""An App served over real HTTP."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from penstock.api.service import make_api
from penstock.engine.app import App


@contextmanager
def served(app: App, *, without_sign_in: bool = False) -> Iterator[httpx.Client]:
    """A client of the App's API; the App stays the caller's to close."""
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
