"""A server with fixed windows, requests under a budget, and the row that budgets share, all in virtual time."""

import asyncio
from dataclasses import dataclass, field

from penstock.delivery.limit.budget import Budget
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import LeasedWindow
from penstock.store.leases import RateLimitRow
from support.kernel.virtual_time import LoopClock


@dataclass
class FixedWindow:
    """Custify's limiter as its OpenAPI describes it: the window starts with its first request."""

    limit: int
    per: float
    headers: bool = False
    began: float = float("-inf")
    count: int = 0
    refused: int = 0
    per_window: list[int] = field(default_factory=list)

    def answer(self, now: float) -> tuple[int, dict[str, str]]:
        if now >= self.began + self.per:
            self.began, self.count = now, 0
            self.per_window.append(0)
        if self.count >= self.limit:
            self.refused += 1
            return 429, {"retry-after": f"{self.began + self.per - now:.3f}"}
        self.count += 1
        self.per_window[-1] += 1
        if not self.headers:
            return 200, {}
        return 200, {"x-ratelimit-limit": str(self.limit), "x-ratelimit-remaining": str(self.limit - self.count)}


async def one_request(budget, server, up, down, lane="live"):
    taken = await budget.acquire(lane)
    loop = asyncio.get_running_loop()
    await asyncio.sleep(up)
    status, headers = server.answer(loop.time())
    await asyncio.sleep(down)
    budget.observe(taken, status, headers)
    return status


async def saturate(budget, server, seconds, concurrency, latency, lane="live"):
    """Send as fast as the budget allows."""
    until = asyncio.get_running_loop().time() + seconds

    async def worker():
        while asyncio.get_running_loop().time() < until:
            up, down = latency()
            await one_request(budget, server, up, down, lane)

    workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
    await asyncio.sleep(seconds)
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


class SharedRow:
    """The row of a credential for one process at a time; each exchange takes a few milliseconds."""

    def __init__(self, limit, per, took=0.004):
        self.rate = RateLimit(limit, per)
        self.row = RateLimitRow(limit, per, (limit, per))
        self.took = took
        self.exchanges = 0
        self._turn = asyncio.Lock()

    async def __call__(self, step):
        async with self._turn:
            self.exchanges += 1
            await asyncio.sleep(self.took / 2)
            self.row, grant = step(self.row, LoopClock().now().timestamp())
            await asyncio.sleep(self.took / 2)
            return grant

    def budget(self):
        """The budget of one more process."""
        return Budget(LoopClock(), LeasedWindow(self.rate, LoopClock(), self))
