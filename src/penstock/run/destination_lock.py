"""`DestinationLocks`: the leases of the destinations and flows that one command runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection

from penstock.model.errors import StateLocked
from penstock.model.runs import Listener, Progress
from penstock.run.context import Context
from penstock.run.stop import StoppableClock, Stopped, StopSignal
from penstock.store import leases
from penstock.store.leases import Lease
from penstock.store.runs.runs import holder_text

LOOK_AGAIN_S = 0.2  # seconds, while another process holds the destination


def lock_destination(ctx: Context, destination: str, lost: Callable[[], None]) -> AbstractContextManager[Lease]:
    """Lock a destination; StateLocked names its holder. Released (soon) when the process dies."""
    return leases.acquire(ctx.database, destination, holder_text(ctx.clock), lost)


@dataclass(slots=True)
class DestinationLocks:
    """What one command has locked now. `wait`: it waits for other processes; `signal` ends the wait.

    `lost` is called, in the loop's thread, with the reason when a lease could not be renewed.
    """

    ctx: Context
    wait: bool
    signal: StopSignal
    listener: Listener | None
    lost: Callable[[str], None]
    _leases: dict[str, Lease] = field(default_factory=dict)

    def check(self, name: str, conn: Connection) -> None:
        """Raise StateLocked in a transaction of a process that has lost `name`."""
        self._leases[name].check(conn)

    @asynccontextmanager
    async def held(self, name: str) -> AsyncIterator[None]:
        """Locks a destination or flow. Waits for another run of it when that was requested, until it is stopped."""
        clock = StoppableClock(self.ctx.clock, self.signal)
        with ExitStack() as stack:
            while True:
                try:
                    self._leases[name] = stack.enter_context(lock_destination(self.ctx, name, self._losing(name)))
                    break
                except StateLocked as locked:
                    if not self.wait:
                        raise
                    self._report_waiting(name, locked)
                try:
                    await clock.sleep(LOOK_AGAIN_S)
                except Stopped:
                    raise KeyboardInterrupt from None  # nothing has begun that would have to be finished
            yield

    def _losing(self, name: str) -> Callable[[], None]:
        """A function that stops the run, from any thread, when the lease could not be renewed."""
        loop, why = asyncio.get_running_loop(), f"the lease of {name} ended: another process may run it"

        def stop() -> None:
            loop.call_soon_threadsafe(self.lost, why)

        return stop

    def _report_waiting(self, name: str, locked: StateLocked) -> None:
        if self.listener is not None:
            self.listener(Progress(name, {}, 0, None, 0.0, phase=f"waiting for {locked.problems[0].found}"))
