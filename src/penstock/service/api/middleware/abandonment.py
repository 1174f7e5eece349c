"""Cancels a request whose client has disconnected, and returns memory to the system after large requests."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.deadline import LOOK_S, Deadline, patience, patient
from penstock.process_memory import Growth, give_back
from penstock.service.api.middleware.body_limits import again

GROWN = 32 * 1024 * 1024  # bytes by which memory may grow before it is returned
PAUSES_S = (0.0, 1.0, 4.0, 15.0, 60.0)  # before each attempt: other requests may still use some of it


async def look() -> None:
    """A dependency of routes that read data: limits the queries of sources to ten seconds."""
    given = patience()
    if given is not None:
        given.limit(LOOK_S)


class Abandonment:
    """Gives each API request a `Deadline`, which ends when its client disconnects or the service stops.

    It is inside `BodyLimits`, which has read the body, so the next message is the client's disconnect.
    """

    def __init__(self, inner: ASGIApp, live: set[Deadline]) -> None:
        """`live` holds the deadline of every request in progress."""
        self.inner = inner
        self._live = live
        self._growth = Growth(GROWN)
        self._returning: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.inner(scope, receive, send)
            return
        taken = asyncio.Event()

        async def received() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                taken.set()
            return message

        inside: Receive = received
        if scope["method"] in {"GET", "HEAD"}:  # routes do not read its empty body
            inside = again(b"", receive)
            await received()
        with patient(Deadline()) as given:
            self._live.add(given)
            watcher = asyncio.create_task(_watch(taken, receive, given))
            try:
                await self.inner(scope, inside, send)
            finally:
                self._live.discard(given)
                watcher.cancel()
        if self._growth.is_large() and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(self._return_memory())

    async def _return_memory(self) -> None:
        """Return memory until it is as small as before. Memory that cannot be returned in about a minute is in use."""
        for pause in PAUSES_S:
            await asyncio.sleep(pause)
            await asyncio.to_thread(give_back)
            if not self._growth.is_large():
                return
        self._growth.accept()


async def _watch(taken: asyncio.Event, receive: Receive, given: Deadline) -> None:
    await taken.wait()
    while (await receive())["type"] != "http.disconnect":
        pass
    await asyncio.to_thread(given.abandon)  # stopping a query may call its server
