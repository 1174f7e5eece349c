"""An event loop whose clock jumps to the next timer instead of waiting for it: minutes of budget in milliseconds."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any


class _Jumping:
    """A selector that never waits: it moves the loop's time instead."""

    def __init__(self, selector: Any, loop: "VirtualLoop") -> None:
        self._selector = selector
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everybody waits and nothing is scheduled: this would hang")
        self._loop.now += timeout
        return self._selector.select(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    now = 1000.0

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Jumping(self._selector, self)

    def time(self) -> float:
        return self.now


def run_virtually(main: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class LoopClock:
    """A penstock Clock on the time of a `VirtualLoop`. `dice` is always the middle.

    Any other loop is refused: real time passes between two lines of a test, so that no duration is exact.
    """

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("a LoopClock needs run_virtually")
        return loop.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def dice(self) -> float:
        return 0.5


class ImpatientClock(LoopClock):
    """For tests over real sockets: a sleep takes no time, but the clock moves on as if it had."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
