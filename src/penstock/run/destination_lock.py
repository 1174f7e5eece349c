"""`DestinationLocks`: the leases of the destinations and flows that one command runs.

One process at a time runs a destination. A backfill may take hours, so that it gives way to other runs of its
destination where a newer record represents an older one (`backfill_gives_way`): it has a second lease for as long as it
lasts, and releases the first one for as long as another run takes. Such a run requests that by a third
lease, which it holds until it has the first one. What has died holds no lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from sqlalchemy import Connection

from penstock.model.delivery import Lane
from penstock.model.errors import EnvironmentFailure, StateLocked
from penstock.model.runs import Listener, Progress, RunKind
from penstock.run.context import Context
from penstock.run.stop import StoppableClock, Stopped, StopSignal
from penstock.store import leases
from penstock.store.leases import Lease, holder_of, is_taken
from penstock.store.runs.runs import RunRow, holder_text

T = TypeVar("T")

LOOK_AGAIN_S = 0.2  # while another process holds the destination
GIVES_WAY_S = 0.1  # between checks whether the other one has begun, or has ended
NOBODY_S = 3.0  # after which a run begins although it is a backfill's turn, which does not take it
SHORTEST_S = 1.0  # of a backfill between two other runs
SETTLING_S = 5.0  # of it, while it settles what the other run has left
IDLE_S = 10.0  # of it, while it has nothing to send or may not send
PART = 9  # of the time of the other run, as long as which the backfill runs at least: a tenth of both

Claim = Literal["live", "beside", "backfill", "either", "alone"]


def claim_of(
    begins_at: str | None,
    queued: str | None,
    left: Sequence[RunRow],
    *,
    is_first: bool,
    has_ended: bool,
    gives_way: bool = True,
) -> Claim:
    """Whether a requested run of a destination is a backfill.

    `left` are its unfinished runs, `has_ended`: one has come to the end of its input; `is_first`: none has, and its
    source has old records. `backfill`: it is one. `either`: it continues a backfill, or runs beside it if a process has
    it. `beside`: another request, which waits, continues the backfill. `live`: it is none. `alone`: it is one that does
    not give way (`gives_way`, see `backfill_gives_way`): any other run waits until it has ended.
    """
    if not gives_way:
        is_old = begins_at is not None or is_first or any(run.begins_at is not None for run in left)
        return "alone" if is_old else "live"
    if begins_at is not None:
        return "backfill"
    if any(run.beside is not None and queued in (None, run.id) for run in left):
        return "live"
    alone = next((run for run in left if run.beside is None), None)
    if not is_first and (alone is None or alone.begins_at is None):
        return "live"
    if alone is None or (alone.window is None and not has_ended):  # a run beside it would read what that one reads
        return "backfill"
    return "either" if queued in (None, alone.id) else "beside"


def not_a_backfill() -> Claim:
    """The claim of what is sent from quarantine."""
    return "live"


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
        """Locks a flow. Waits for another run of it when that was requested, until it is stopped."""
        with ExitStack() as stack:

            async def take() -> None:
                self.take(stack, name, holder_text(self.ctx.clock))

            await self._when_free(name, take)
            yield

    @asynccontextmanager
    async def comparing(self, name: str, run: str) -> AsyncIterator[None]:
        """Locks the comparisons of a destination: one at a time is made. Waits for another one as `held` does."""
        with ExitStack() as stack:

            async def take() -> None:
                holder = f"{holder_text(self.ctx.clock)} (the comparison {run})"
                self.take(stack, leases.of_target("reconcile", name), holder)

            await self._when_free(name, take)
            yield

    @asynccontextmanager
    async def turn(self, name: str, claim: Callable[[], Claim]) -> AsyncIterator[Turn]:
        """Locks a destination as `held` does. Of a backfill, it waits until that gives way, requested or not."""
        with ExitStack() as stack:
            turn = await self._when_free(name, lambda: self._turn(stack, name, claim))
            yield turn

    def take(self, stack: ExitStack, name: str, holder: str) -> None:
        """Take the lease of this name until the stack is closed; StateLocked if another process has it."""
        self._leases[name] = stack.enter_context(leases.acquire(self.ctx.database, name, holder, self._losing(name)))

    # ── inside ───────────────────────────────────────────────────────────────

    async def _when_free(self, name: str, take: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await take()
            except StateLocked as locked:
                if not self.wait:
                    raise
                self._report(name, f"waiting for {locked.problems[0].found}")
            await self._pause(LOOK_AGAIN_S)

    async def _turn(self, stack: ExitStack, name: str, claim: Callable[[], Claim]) -> Turn:
        while True:
            wanted = await asyncio.to_thread(claim)
            backfill = holder_of(self.ctx.database, leases.of_backfill(name))
            if backfill is None and wanted in ("backfill", "either"):
                return Turn.of_backfill(self, stack, name)
            if backfill is None:
                turn = Turn.of_other(self, stack, name, beside=wanted == "beside")
                turn.sends_old = wanted == "alone"
                return turn
            if wanted in ("backfill", "alone"):
                raise leases.locked_by(backfill, name)
            given = await self._after_backfill(stack, name, backfill)
            if given is not None:
                return given

    async def _after_backfill(self, stack: ExitStack, name: str, backfill: str) -> Turn | None:
        """The turn that a backfill in another process gives; None if that has ended. StateLocked beside a third run."""
        database, clock = self.ctx.database, self.ctx.clock
        with ExitStack() as asking:
            has_asked, since = False, clock.monotonic()
            while holder_of(database, leases.of_backfill(name)) == backfill:
                writer = holder_of(database, name)
                if writer not in (None, backfill) and not has_asked:
                    raise leases.locked_by(str(writer), name)
                if writer is None and (has_asked or clock.monotonic() - since > NOBODY_S):
                    return Turn.of_other(self, stack, name, beside=True)
                if writer == backfill and not has_asked:  # not earlier: the backfill waits while a run asks
                    asking.enter_context(leases.acquire(database, leases.of_next(name), holder_text(clock)))
                    has_asked = True
                self._report(name, f"waiting until the backfill gives way: {backfill}")
                await self._pause(GIVES_WAY_S)
        return None

    async def _pause(self, seconds: float) -> None:
        try:
            await StoppableClock(self.ctx.clock, self.signal).sleep(seconds)
        except Stopped:
            raise KeyboardInterrupt from None  # nothing has begun that would have to be finished

    def _losing(self, name: str) -> Callable[[], None]:
        """A function that stops the run, from any thread, when the lease could not be renewed."""
        loop, why = asyncio.get_running_loop(), f"the lease of {name} ended: another process may run it"

        def stop() -> None:
            loop.call_soon_threadsafe(self.lost, why)

        return stop

    def _report(self, name: str, phase: str) -> None:
        if self.listener is not None:
            self.listener(Progress(name, {}, 0, None, 0.0, phase=phase))


@dataclass(slots=True)
class Turn:
    """The right to run a destination. `beside`: an unfinished run of it is left to the process that continues it."""

    locks: DestinationLocks
    name: str
    holder: str
    is_backfill: bool = False
    beside: bool = False
    sends_old: bool = False  # as a backfill does
    _least_s: float = 0.0  # for which it runs before it gives way
    _since: float = 0.0
    _lease: ExitStack = field(default_factory=ExitStack)

    @staticmethod
    def of_backfill(locks: DestinationLocks, stack: ExitStack, name: str) -> Turn:
        """The turn of a backfill; StateLocked if another process runs the destination or backfills it."""
        database = locks.ctx.database
        runs_now = holder_of(database, name)
        if runs_now is not None:
            raise leases.locked_by(runs_now, name)
        turn = Turn(locks, name, f"{holder_text(locks.ctx.clock)} (a backfill)", is_backfill=True)
        with ExitStack() as taken:
            locks.take(taken, leases.of_backfill(name), turn.holder)
            turn._take()
            taken.callback(turn.release)
            stack.push(taken.pop_all())
        return turn

    @staticmethod
    def of_other(locks: DestinationLocks, stack: ExitStack, name: str, *, beside: bool) -> Turn:
        """The turn of a run that is no backfill; StateLocked if another process runs the destination."""
        turn = Turn(locks, name, holder_text(locks.ctx.clock), beside=beside)
        turn._take()
        stack.callback(turn.release)
        return turn

    def lane_of(self, kind: RunKind) -> Lane:
        """A backfill sends what is old: the first run of a destination until one has come to its end, and `--from`."""
        if kind in ("resend", "settle"):
            return "retry"
        return "backfill" if self.is_backfill or self.sends_old or kind == "reconcile" else "live"

    def check(self, conn: Connection) -> None:
        """Raise StateLocked in a transaction of a process that has lost the destination."""
        self.locks.check(self.name, conn)
        if self.is_backfill:
            self.check_backfill(conn)

    def check_backfill(self, conn: Connection) -> None:
        """As `check`, for a backfill that has given way."""
        self.locks.check(leases.of_backfill(self.name), conn)

    def release(self) -> None:
        """Let another process run the destination."""
        self._lease.close()

    def begin(self) -> None:
        """The run has settled what earlier ones left, and sends from now on."""
        self._since = self.locks.ctx.clock.monotonic()

    def is_to_end(self, has_progress: bool) -> bool:
        """Whether a backfill has to give way now: another run waits, and it has had its part of the time.

        Before it gives way again it must have sent or decided something, unless it cannot for long.
        """
        spent = self.locks.ctx.clock.monotonic() - self._since
        if not self.is_backfill or spent < self._least_s:
            return False
        if self._least_s and not has_progress and spent < IDLE_S:
            return False
        with suppress(EnvironmentFailure):  # the next commit reports it
            return is_taken(self.locks.ctx.database, leases.of_next(self.name))
        return False

    async def give_way(self, signal: StopSignal, report: Callable[[], None]) -> None:
        """Let the run that waits have the destination, and take it again after that run. Stopped by the signal."""
        clock = StoppableClock(self.locks.ctx.clock, signal)
        began = clock.monotonic()
        self.release()
        while True:
            report()
            await clock.sleep(GIVES_WAY_S)
            if not is_taken(self.locks.ctx.database, leases.of_next(self.name)) and self._is_taken_again():
                break
        self._least_s = max(SHORTEST_S, (clock.monotonic() - began) / PART)
        self._since = clock.monotonic() + SETTLING_S  # unless it begins to send earlier

    def _is_taken_again(self) -> bool:
        try:
            self._take()
        except StateLocked:
            return False
        return True

    def _take(self) -> None:
        self.locks.take(self._lease, self.name, self.holder)
