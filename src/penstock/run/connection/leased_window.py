"""`LeasedWindow`: the part of a shared rate limit that one event loop has leased.

It leases in advance as many places as were used lately, so that a process needs a transaction a few times a second and
not for each request. It reports the requests that ended, and returns the places it does not use.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import ceil, inf
from operator import add
from typing import Protocol
from uuid import uuid4
from weakref import WeakKeyDictionary

from penstock.clock import Clock
from penstock.delivery.limit.budget import Budget, RequestQueue, WaitingRequests
from penstock.delivery.limit.lanes import NONE
from penstock.delivery.limit.rate_limit import Allowance, Taken
from penstock.model.errors import EnvironmentFailure
from penstock.model.spec import BatchCost, CredentialSpec, RateLimit
from penstock.run.connection.shared_rate_limit import (
    RETURNED_AFTER_S,
    EndedRequest,
    Grant,
    UsageReport,
    WaitingInProcess,
    lease,
    report_interval,
)
from penstock.run.context import Context
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.leases import RateLimitRow

FIRST_LEASE = 64  # places; the row gives a part of the window at most
GROWTH = 4  # from one exchange to the next at most
AHEAD_S = 0.25  # places are leased for the requests of so many seconds
IDLE_S = 0.05  # places that are not used for so long are returned
QUIET_S = 0.02  # after its last request a process reports at once; what ended together is reported together
UNHURRIED_S = 0.25  # what ended is reported by then, where places are plenty
TICK_S = 0.0005  # a shorter pause is skipped
OUT_OF_REACH_S = 1.0  # between tries to reach the database

CredentialKey = tuple[str, RateLimit]
Step = Callable[[RateLimitRow, float], tuple[RateLimitRow, Grant]]


class LeaseExchange(Protocol):
    """Changes the row by a step, alone with it, and returns the step's grant. Raises EnvironmentFailure."""

    def __call__(self, step: Step) -> Awaitable[Grant]: ...


class LeasedWindow:
    """The leased places, and the used ones that are still to be reported. For the budget of one event loop."""

    def __init__(self, rate: RateLimit, clock: Clock, exchange: LeaseExchange) -> None:
        self.limit = rate.requests
        self.blocked_until = -inf
        self.batch_cost: BatchCost | None = None
        self._stored_cost: BatchCost | None = None  # `batch_cost` in the row, as last seen
        self._configured = (rate.requests, rate.per)
        self._per = rate.per
        self._clock, self._exchange = clock, exchange
        self._user = uuid4().hex
        self._leases: deque[tuple[float, int]] = deque()  # places, and until when they may be used; the oldest first
        self._unused = 0
        self._in_flight: dict[Taken, float] = {}  # in the order in which they left; until when their places were good
        self._in_flight_cost = 0
        self._ended_requests: list[tuple[float, float, int, Allowance | None]] = []
        self._returned = 0
        self._block_until = -inf  # by a 429 that is not reported yet
        self._lease_size = FIRST_LEASE
        self._sent = list(NONE)  # cost of what each lane took since the last exchange, or since one that succeeded
        self._rank: int | None = None  # of the lane that took last
        self._taken_since = 0  # cost of what was taken since the last exchange
        self._was_empty = False  # a request found no place since then
        self._last_taken = self._last_exchange = self._first_ended = -inf
        self._not_before = -inf  # no places are available before
        self._grant = Grant(0, is_alone=True)
        self._opens = inf
        self._exchanging: asyncio.Task[None] | None = None
        self._exchange_due = asyncio.Event()
        self._sleeps_until = -inf
        self._is_closed = False

    # ── for the budget ─────────────────────────────────────────────────

    def take(self, now: float, cost: int, rank: int) -> Taken | None:
        self._expire(now)
        if now < self.blocked_until:
            return None
        if self._unused < cost:
            self._was_empty = True
            return None
        taken = Taken(now, cost)
        self._in_flight[taken] = self._use(cost)
        self._in_flight_cost += cost
        self._taken_since += cost
        self._sent[rank] += cost
        self._last_taken, self._rank = now, rank
        return taken

    def opens(self) -> float:
        """When a block ends; inf when there is none: otherwise the pump alone wakes waiting requests."""
        return self.blocked_until if self.blocked_until > self._clock.monotonic() else inf

    def expected(self) -> float:
        """When places may be there, as far as is known; inf when it is not."""
        return max(self._opens, self.blocked_until)

    def end(self, taken: Taken, now: float, allowance: Allowance | None = None) -> None:
        self._leave(taken)
        if not self._ended_requests:
            self._first_ended = now
        self._ended_requests.append((taken.at, now, taken.cost, allowance))
        self.limit = self.limit if allowance is None else allowance.limit

    def give_back(self, taken: Taken) -> None:
        self._leases.appendleft((self._leave(taken), taken.cost))
        self._unused += taken.cost

    def block(self, until: float) -> None:
        self.blocked_until = max(self.blocked_until, until)
        self._block_until = max(self._block_until, until)

    def changed(self, queue: RequestQueue) -> None:
        now = self._clock.monotonic()
        if self._exchanging is None or self._exchanging.done():
            if not self._is_closed and self._due(now, queue.waiting()) < inf:
                self._exchanging = asyncio.get_running_loop().create_task(self._run(queue))
        elif self._sleeps_until > -inf and self._due(now, queue.waiting()) < self._sleeps_until:
            self._exchange_due.set()

    @property
    def is_alone(self) -> bool:
        return self._grant.is_alone

    # ── leased places ────────────────────────────────────────────────────────

    def _use(self, cost: int) -> float:
        """Use the oldest places; returns until when they are valid."""
        self._unused -= cost
        good = inf
        while cost:
            until, places = self._leases.popleft()
            good = min(good, until)
            if places > cost:
                self._leases.appendleft((until, places - cost))
            cost -= min(cost, places)
        return good

    def _expire(self, now: float) -> None:
        """Return places that were leased too long ago: they may fall into a window that they were not charged to."""
        while self._leases and self._leases[0][0] <= now:
            _, places = self._leases.popleft()
            self._unused -= places
            self._returned += places

    def _return_all(self) -> None:
        self._returned += self._unused
        self._unused = 0
        self._leases.clear()

    def _leave(self, taken: Taken) -> float:
        self._in_flight_cost -= taken.cost
        return self._in_flight.pop(taken)

    # ── when to exchange with the row ────────────────────────────────────────

    def _due(self, now: float, waiting: WaitingRequests | None) -> float:
        """When to report and lease next; inf when there is nothing to report."""
        if self._block_until > -inf:
            return now
        due = inf
        needs_places = waiting is not None and self._unused < waiting.least
        is_low = self._unused * 2 < self._lease_size and self._taken_since > 0 and not self._grant.is_tight
        if needs_places or is_low:
            due = self._not_before
        if self._ended_requests:
            due = min(due, self._first_ended + self._report_after(is_quiet=waiting is None and not self._in_flight))
        if self._in_flight:
            due = min(due, self._last_exchange + report_interval(self._per))
        if self._unused and waiting is None:
            due = min(due, self._idle_from())
        if self._returned:
            due = min(due, self._last_exchange + IDLE_S)
        return due

    def _idle_from(self) -> float:
        idle = UNHURRIED_S if self._grant.is_alone else IDLE_S
        return max(self._last_taken, self._last_exchange) + idle

    def _report_after(self, *, is_quiet: bool) -> float:
        if self._grant.is_alone:
            return UNHURRIED_S
        if is_quiet:
            return QUIET_S
        return min(max(self._per / 40, QUIET_S), UNHURRIED_S) if self._grant.is_tight else UNHURRIED_S

    async def _run(self, queue: RequestQueue) -> None:
        """Report and lease, as long as there is something to report or a request waits."""
        try:
            while (due := self._due(self._clock.monotonic(), queue.waiting())) < inf:
                if not await self._slept_until(due):
                    await self._exchange_once(queue)
        except asyncio.CancelledError:  # the loop ends: no one waits for what is reported now
            self._is_closed = True
            self._return_all()
            if self._ended_requests or self._returned or self._in_flight:
                with suppress(EnvironmentFailure):  # the others see that this process does not report any more
                    await self._exchange(self._step(0, queue.waiting()))
            raise

    async def _slept_until(self, due: float) -> bool:
        """Sleep until `due`, or until woken; False if it is due now."""
        pause = due - self._clock.monotonic()
        if pause <= TICK_S:
            return False
        self._exchange_due.clear()
        self._sleeps_until = due
        with suppress(TimeoutError):
            await asyncio.wait_for(self._exchange_due.wait(), pause)
        self._sleeps_until = -inf
        return True

    # ── exchanges with the row ───────────────────────────────────────────────

    async def _exchange_once(self, queue: RequestQueue) -> None:
        now = self._clock.monotonic()
        self._expire(now)
        waiting = queue.waiting()
        if waiting is None and now >= self._idle_from():
            self._return_all()
        before = (self._ended_requests, self._returned, self._block_until, self._sent)
        want = self._places_to_lease(now, waiting)
        going = asyncio.ensure_future(self._exchange(self._step(want, waiting)))
        self._ended_requests, self._returned, self._block_until, self._sent = [], 0, -inf, list(NONE)
        self._taken_since, self._was_empty, self._last_exchange = 0, False, now
        try:
            grant = await asyncio.shield(going)
        except EnvironmentFailure:  # requests wait until the database is available again
            ended, returned, until, sent = before
            self._ended_requests, self._first_ended = ended + self._ended_requests, self._clock.monotonic()
            self._returned += returned
            self._block_until = max(until, self._block_until)
            self._sent = [*map(add, sent, self._sent)]
            await self._clock.sleep(OUT_OF_REACH_S)
            return
        except asyncio.CancelledError:
            with suppress(EnvironmentFailure):
                self._apply_grant(await going, want, now)
            raise
        self._apply_grant(grant, want, now)
        queue.passed_elsewhere(grant.passed)
        queue.serve()

    def _places_to_lease(self, now: float, waiting: WaitingRequests | None) -> int:
        """How many places to lease: for waiting requests, and for those that are expected soon."""
        used = self._taken_since / max(now - self._last_exchange, 0.001) * AHEAD_S
        if waiting is None and not self._taken_since:
            return 0
        most = self._lease_size * GROWTH if self._was_empty and not self._grant.is_tight else ceil(used * 2)
        self._lease_size = max(1, min(most, self._lease_size * GROWTH))
        return max(0, max(self._lease_size, 0 if waiting is None else waiting.cost) - self._unused)

    def _step(self, want: int, waiting: WaitingRequests | None) -> Step:
        """The change of the row for an exchange, with the report of this moment."""
        requests, until = self._ended_requests, self._block_until
        oldest = min(
            next(iter(self._in_flight)).at if self._in_flight else inf,
            self._leases[0][0] - min(self._per, RETURNED_AFTER_S) if self._leases else inf,
        )
        test, live, retry, backfill = self._sent
        report = UsageReport(
            self._user,
            self._configured,
            self._unused,
            self._in_flight_cost,
            returned=self._returned,
            want=want,
            rank=self._rank,
            batch_cost=self.batch_cost if self.batch_cost != self._stored_cost else None,
            sent=(test, live, retry, backfill),
        )

        def step(row: RateLimitRow, moment: float) -> tuple[RateLimitRow, Grant]:
            at = self._clock.monotonic()  # the row may have been waited for
            return lease(
                row,
                moment,
                replace(
                    report,
                    oldest=0.0 if oldest == inf else at - oldest,
                    ended=tuple(
                        EndedRequest(at - left, at - end, cost, reported) for left, end, cost, reported in requests
                    ),
                    block=max(0.0, until - at),
                    waiting=None
                    if waiting is None
                    else WaitingInProcess(waiting.lanes, at - waiting.since, waiting.least, waiting.cost),
                ),
            )

        return step

    def _apply_grant(self, grant: Grant, want: int, requested_at: float) -> None:
        now = self._clock.monotonic()
        self._grant = grant
        if grant.places:
            self._leases.append((requested_at + min(self._per, RETURNED_AFTER_S), grant.places))
            self._unused += grant.places
        self._not_before = now + grant.again if grant.places < want else -inf
        self._opens = now + grant.opens
        self.limit = grant.quota or self.limit
        if self.batch_cost == self._stored_cost:
            self.batch_cost = grant.batch_cost
        self._stored_cost = grant.batch_cost
        if grant.blocked > 0:
            self.blocked_until = max(self.blocked_until, now + grant.blocked)


class SharedBudgets:
    """The budgets of credentials, one for each event loop. All processes on the database share their windows."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[CredentialKey, Budget]] = WeakKeyDictionary()

    def of(self, ctx: Context, spec: CredentialSpec) -> Budget:
        """The budget of this credential for the running loop."""
        made = self._made.setdefault(asyncio.get_running_loop(), {})
        key = spec.name, spec.rate_limit
        if key not in made:
            made[key] = shared_budget(spec.rate_limit, ctx.clock, ctx.database, spec.name)
        return made[key]


def shared_budget(rate: RateLimit, clock: Clock, database: Database, credential: str) -> Budget:
    """The budget of one credential for one event loop; all processes on the database share its window."""
    new = _new_row(rate)

    def epoch() -> float:
        return clock.now().timestamp()

    def exchange(step: Step) -> asyncio.Future[Grant]:  # no task: the end of the loop does not cancel it
        change = partial(leases.change_rate_limit, database, credential, new, epoch, step)
        return asyncio.get_running_loop().run_in_executor(None, change)

    return Budget(clock, LeasedWindow(rate, clock, exchange), rate.batch_cost)


def budget_in_memory(rate: RateLimit, clock: Clock) -> Budget:
    """The budget of one event loop that shares its window with no other and writes nothing."""
    row = _new_row(rate)

    async def exchange(step: Step) -> Grant:
        nonlocal row
        row, grant = step(row, clock.now().timestamp())
        return grant

    return Budget(clock, LeasedWindow(rate, clock, exchange), rate.batch_cost)


def _new_row(rate: RateLimit) -> RateLimitRow:
    return RateLimitRow(rate.requests, rate.per, (rate.requests, rate.per))
