"""A credential's allowance shared by processes: each leases small bites of the window from one row in the database.

The window begins at the server at a moment that nobody sees: not before the first bite was leased, and by the first
reply at the latest. The next is open for certain one `per` after that reply. Places that were given out and are not
over then may be counted in either window, and are charged to both; so the end of a process costs a window at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import NamedTuple

from penstock.clock import Clock
from penstock.delivery.budget import Budget
from penstock.delivery.limits import MARGIN, Allowance, Taken, Window
from penstock.model.errors import EnvironmentFailure
from penstock.model.spec import RateLimit
from penstock.stores import budgets
from penstock.stores.budgets import Ration
from penstock.stores.database import Database

BITES = 10  # of a window: nobody takes more than this part at once
REPORT_S = 0.02  # what ended together is told together
OUT_OF_REACH_S = 1.0  # between tries to reach the database


class Over(NamedTuple):
    """A request that is over: when it left and ended, both as seconds before now, and what its headers said."""

    left: float
    ended: float
    cost: int
    told: Allowance | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a process tells of its places since it told last."""

    over: tuple[Over, ...] = ()
    returned: int = 0
    block: float = 0.0  # seconds from now; 0: no 429 came


class Share(NamedTuple):
    """What a process gets: places, and in how many seconds to ask again when it wants more."""

    places: int
    again: float
    blocked: float  # seconds


def share(row: Ration, now: float, news: News, want: int) -> tuple[Ration, Share]:
    """Take in the news, turn the window when its time has come, and give out up to `want` places. Pure."""
    row = _told(row, now, news)
    if now < row.blocked_until:
        return row, Share(0, row.blocked_until - now, row.blocked_until - now)
    opens = _opens(row)
    if now >= opens:
        row, opens = _turned(row, now), inf
    left = row.quota - row.used
    if row.remaining is not None:
        left = min(left, row.remaining - row.flying)
    places = max(0, min(want, left, max(ceil(row.quota / BITES), 1)))
    if places:
        opened = now if not row.used else row.opened
        row = replace(row, opened=opened, used=row.used + places, flying=row.flying + places, leased=now)
    soon = min(max(row.per / 200, 0.02), 0.1)
    again = 0.0 if places else max(soon, min(opens - now, row.per)) if row.answered is not None else soon
    return row, Share(places, again, 0.0)


def _told(row: Ration, now: float, news: News) -> Ration:
    cost = sum(over.cost for over in news.over if now - over.left >= row.opened) + news.returned
    row = replace(row, flying=max(0, row.flying - cost), used=max(0, row.used - news.returned))
    for over in news.over:
        left, ended = now - over.left, now - over.ended
        if over.told is not None:
            row = replace(row, quota=over.told.limit)
        if left < row.opened:
            continue  # it tells of a window that is over
        late = over.cost if ended > row.opened + row.per else 0
        row = replace(row, answered=min(ended, inf if row.answered is None else row.answered), late=row.late + late)
        if over.told is not None:
            told = over.told.remaining
            row = replace(row, remaining=told if row.remaining is None else min(row.remaining, told))
    return replace(row, blocked_until=max(row.blocked_until, now + news.block)) if news.block > 0 else row


def _opens(row: Ration) -> float:
    """When the next window is open for certain."""
    if row.blocked_until > row.opened:
        return row.blocked_until
    silent = row.leased + row.per * (2 + MARGIN)  # nobody has told anything: whoever leased last has died
    return silent if row.answered is None else min(row.answered + row.per * (1 + MARGIN), silent)


def _turned(row: Ration, now: float) -> Ration:
    idle = now >= row.leased + row.per * (2 + MARGIN)
    carried = 0 if idle else row.flying + (0 if row.blocked_until > row.opened else row.late)
    return replace(row, opened=now, answered=None, used=carried, flying=0, late=0, remaining=None)


@dataclass(slots=True)
class _Purse:
    """Places in hand, and what is to be told."""

    places: int = 0
    good_until: float = -inf  # monotonic; later they may fall into a window they were not charged to
    over: list[tuple[float, float, int, Allowance | None]] = field(default_factory=list)
    returned: int = 0
    block_until: float = -inf
    news: bool = False


class BiteWindow(Window):
    """A window that has only the places leased so far."""

    def __init__(self, limit: int, per: float) -> None:
        super().__init__(limit, per)
        self.purse = _Purse()

    def take(self, now: float, cost: int = 1) -> Taken | None:
        purse = self.purse
        if purse.places and now >= purse.good_until:
            purse.returned, purse.places = purse.returned + purse.places, 0
        if now < self.blocked_until or purse.places < cost:
            return None
        purse.places -= cost
        return Taken(now, cost)

    def opens(self) -> float:
        return self.blocked_until if self.blocked_until > -inf else inf

    def end(self, taken: Taken, now: float, told: Allowance | None = None) -> None:
        self.purse.over.append((taken.at, now, taken.cost, told))
        self.limit = self.limit if told is None else told.limit

    def give_back(self, taken: Taken) -> None:
        self.purse.places += taken.cost

    def block(self, until: float) -> None:
        super().block(until)
        self.purse.block_until = max(self.purse.block_until, until)


class SharedBudget(Budget):
    """The gate of one credential for one event loop; its window is every process's. Made anew for each loop."""

    def __init__(self, rate: RateLimit, clock: Clock, database: Database, credential: str) -> None:
        super().__init__(rate, clock)
        self._bites = BiteWindow(rate.requests, rate.per)
        self._window: Window = self._bites
        self._row = Ration(rate.requests, rate.per)
        self._database, self._credential = database, credential
        self._pump: asyncio.Task[None] | None = None
        self._alert = asyncio.Event()

    def _serve(self) -> None:
        super()._serve()
        purse = self._bites.purse
        if purse.block_until > -inf:
            self._alert.set()  # a 429 is told at once
        if self._waiting or purse.over or purse.returned or purse.places:
            self._start()

    def _set_alarm(self, now: float) -> None:
        """The pump alone wakes who waits."""

    def _start(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        """Tell and lease, as long as somebody waits or there is something to tell."""
        purse = self._bites.purse
        try:
            while True:
                if not self._waiting:
                    await self._clock.sleep(REPORT_S)
                    purse.returned, purse.places = purse.returned + purse.places, 0
                if not (self._waiting or purse.over or purse.returned):
                    return
                over, until = purse.over, purse.block_until
                step, asked = self._step(), self._clock.monotonic()
                try:
                    got = await asyncio.shield(asyncio.to_thread(step))
                except EnvironmentFailure:  # who waits goes on waiting until the database is there again
                    purse.over, purse.block_until = over + purse.over, max(until, purse.block_until)
                    await self._pause(OUT_OF_REACH_S)
                    continue
                self._take_in(got, asked)
                if got.again > 0 and self._waiting:
                    await self._pause(got.again)
        except asyncio.CancelledError:
            purse.returned, purse.places = purse.returned + purse.places, 0
            if purse.over or purse.returned:
                self._step(want=0)()  # the loop ends: what is told now, nobody has to wait for
            raise

    async def _pause(self, seconds: float) -> None:
        self._alert.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._alert.wait(), seconds)

    def _take_in(self, got: Share, asked: float) -> None:
        purse, now = self._bites.purse, self._clock.monotonic()
        if got.places:
            purse.places += got.places
            purse.good_until = asked + self._bites.per
        if got.blocked > 0:
            Window.block(self._bites, now + got.blocked)
        super()._serve()  # without starting the pump again

    def _step(self, want: int | None = None) -> Callable[[], Share]:
        """One exchange with the row, to be made in a thread: it takes with it what is to be told."""
        purse = self._bites.purse
        told, returned, until = purse.over, purse.returned, purse.block_until
        purse.over, purse.returned, purse.block_until = [], 0, -inf
        waiting = sum(cost for _, _, cost, place in self._waiting if not place.done())
        wanted = max(0, waiting - purse.places) if want is None else want

        def step() -> Share:
            def change(row: Ration, moment: float) -> tuple[Ration, Share]:
                at = self._clock.monotonic()  # the row may have been waited for
                over = tuple(Over(at - left, at - ended, cost, head) for left, ended, cost, head in told)
                news = News(over, returned, max(0.0, until - at))
                return share(row, moment, news, wanted)

            def epoch() -> float:
                return self._clock.now().timestamp()

            return budgets.change(self._database, self._credential, self._row, epoch, change)

        return step
