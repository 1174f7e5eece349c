"""`DeletionTurns`: in a flow, mirrors delete after all sends, in the reverse order: children before parents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self

Gate = Callable[[], Awaitable[bool]]  # waits for its turn; whether it may delete then


class _Turn:
    """One destination of the flow that has sent everything, and waits."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.may_delete: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def wait(self) -> bool:
        self.reached.set()
        return await self.may_delete


class DeletionTurns:
    """The destinations of one flow's run. Leaving the context releases those that still wait."""

    def __init__(self) -> None:
        self._waiting: list[tuple[asyncio.Task[bool], _Turn]] = []
        self._behind_failed = 0  # how many of those that wait are before one that failed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.release()

    async def send(self, work: Callable[[Gate], Coroutine[Any, Any, bool]]) -> None:
        """Run one destination until it has ended, or waits for its turn to delete. Raises what it raises.

        `work` returns whether those before it, its parents, may delete.
        """
        turn = _Turn()
        task = asyncio.get_running_loop().create_task(work(turn.wait))
        reached = asyncio.get_running_loop().create_task(turn.reached.wait())
        try:
            await asyncio.wait({task, reached}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reached.cancel()
        if task.done():
            if not task.result():
                self._behind_failed = len(self._waiting)
        else:
            self._waiting.append((task, turn))

    async def delete(self, may_delete: Callable[[], bool]) -> None:
        """Let those that wait go on one after the other, the last one first, and wait for their ends."""
        while self._waiting:
            task, turn = self._waiting.pop()
            turn.may_delete.set_result(may_delete() and len(self._waiting) >= self._behind_failed)
            if not await task:
                self._behind_failed = len(self._waiting)

    async def release(self) -> None:
        """Let those that wait end without deletions, whatever they raise: another error ends the flow."""
        waiting, self._waiting = self._waiting, []
        for _, turn in waiting:
            turn.may_delete.set_result(False)
        await asyncio.gather(*(task for task, _ in waiting), return_exceptions=True)
