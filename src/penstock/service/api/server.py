"""The HTTP server: its socket, its signals, and a stop that lets requests in flight finish."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI

from penstock.deadline import Deadline
from penstock.model.errors import EnvironmentFailure, InputError, Problem, StateLocked
from penstock.process_memory import map_large_blocks
from penstock.service.api.app import make_api
from penstock.service.api.dependencies import LOOPBACK
from penstock.service.api.routes.hooks import HookRouter
from penstock.service.app import ServiceApp
from penstock.service.model import setup_path

LAST_REQUESTS_S = 10  # for requests in flight after a signal
LEAVING_S = 15  # from a signal to the end of the process, without a run in progress
RUNS_S = 80  # the same with a run, which stops after its requests in flight
BACKLOG = 2048
TURN_S = 0.001  # the switch interval of threads, so that writers that others wait for run soon


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `penstock serve`; with `worker`, this process also executes runs."""

    database: str
    host: str
    port: int
    worker: bool
    without_sign_in: bool


class Ready(NamedTuple):
    """The URL of the service; `setup_url` while there are no users; `version` of the applied project, 0 for none."""

    url: str
    setup_url: str | None
    version: int


def serve_until_stopped(options: Options, ready: Callable[[Ready], None]) -> None:
    """Serve until SIGINT or SIGTERM. InputError for an unsafe host, EnvironmentFailure if it cannot listen."""
    if options.without_sign_in and options.host not in LOOPBACK:
        message = "without sign-in, only a loopback address is allowed"
        hint = "leave out --without-sign-in or --host"
        raise InputError(Problem("--host", message, "open-to-all", hint, found=options.host))
    map_large_blocks()
    with _listening(options) as listening, ServiceApp.open_applied(options.database) as app:
        _ = app.people.sign_on  # invalid settings are reported at the start, not at the first sign-in
        sys.setswitchinterval(TURN_S)
        url = _url(options.host, listening.getsockname()[1])
        app.demo.resume()
        server = _Server(make_api(app, without_sign_in=options.without_sign_in))
        with (
            _marked_as_open(app, options),
            server.stopped_by_signals(),
            app.watched(os.environ),
            _working(app, options) as (begin_to_work, is_busy),
        ):
            server.busy = is_busy

            def started() -> None:
                app.events.emit("service.started", url=url)
                app.people.serve_at(url)
                ready(Ready(url, _setup_url(app, options, url), app.edits.newest().version))
                begin_to_work()

            server.run_and_report([listening], started)
            app.events.emit("service.stopped")


@contextmanager
def _marked_as_open(app: ServiceApp, options: Options) -> Iterator[None]:
    """For the block, mark the state as served without sign-in, for `penstock doctor`."""
    with ExitStack() as stack:
        if options.without_sign_in:
            with suppress(StateLocked):  # another service has marked it
                stack.enter_context(app.care.marked_as_open())
        yield


@contextmanager
def _working(app: ServiceApp, options: Options) -> Iterator[tuple[Callable[[], None], Callable[[], bool]]]:
    """Functions that start the worker of this process, and return whether a run is in progress.

    At the end of the block, runs stop after their requests in flight.
    """
    if not options.worker:
        yield lambda: None, lambda: False
        return
    worker = app.worker()
    app.watch.depend_on(lambda: None if worker.is_alive() else "the worker of this process has stopped")
    try:
        yield lambda: worker.start(wait=False), worker.is_busy
    finally:
        worker.stop()


def _setup_url(app: ServiceApp, options: Options, url: str) -> str | None:
    """The one-time link for the first user, while there are no users."""
    if options.without_sign_in:
        return None
    token = app.people.register.setup_link(only=True)
    return None if token is None else url + setup_path(token)


class _Server(uvicorn.Server):
    """A server that signals only request to stop; its caller ends the process."""

    def __init__(self, api: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                HookRouter(api, api.state.hook_endpoint),  # even FastAPI's own wrapping takes longer than a post
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=LAST_REQUESTS_S,
            )
        )
        self._ready: Callable[[], None] = lambda: None
        self._waiting: set[Deadline] = api.state.waiting
        self.busy: Callable[[], bool] = lambda: False

    def run_and_report(self, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
        """Serve; `ready` is called when the server accepts requests."""
        self._ready = ready
        self.run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests in flight finish; those that read data for too long are cancelled."""
        timer = threading.Timer(LAST_REQUESTS_S - 1, self._abandon)
        timer.daemon = True
        timer.start()
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()
            self._abandon()

    def _abandon(self) -> None:
        for patience in list(self._waiting):
            patience.abandon()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self.force_exit = self.should_exit  # a second signal stops at once
            if not self.should_exit:
                threading.Thread(target=_end_at_last, args=(self.busy,), daemon=True).start()
            self.should_exit = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end_at_last(busy: Callable[[], bool]) -> None:
    """End the process if it does not end in time, since nothing else stops a thread that computes forever.

    The next process continues its runs, as after a kill.
    """
    began = time.monotonic()
    pause = threading.Event()
    while (waited := time.monotonic() - began) < RUNS_S and (waited < LEAVING_S or busy()):
        pause.wait(0.2)
    os._exit(0)


def _listening(options: Options) -> socket.socket:
    try:
        family, kind, _, _, place = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        message, hint = f"the service cannot listen there: {error}", "check --host and --port"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            message, hint = f"port {options.port} is in use", "choose another with --port"
        found = f"{options.host}:{options.port}"
        raise EnvironmentFailure(Problem("--port", message, "cannot-listen", hint, found=found)) from error
    return made


def _url(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
