"""`GroupWriter`: one thread that writes for many requests. Posts that arrive during a commit are in the next one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from penstock.service.model import Overrun
from penstock.store.project.pushed import Post

LINGER_S = 0.002  # to wait for further posts before a commit
MOST_WAITING = 64 << 20  # characters of records that wait to be written
MOST_AT_ONCE = 8 << 20  # characters of records in one commit
Commit = Callable[[Sequence[Post]], Sequence[int]]
Waiting = tuple[Post, "asyncio.Future[int]", asyncio.AbstractEventLoop]


@dataclass(slots=True)
class GroupWriter:
    """`commit` writes posts durably and returns how many records of each were stored."""

    commit: Commit
    linger_s: float = LINGER_S
    _waiting: list[Waiting] = field(default_factory=list)
    _size: int = 0
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _closing: threading.Event = field(default_factory=threading.Event)

    async def write(self, post: Post) -> int:
        """Returns the number of stored records when the post is durable. Raises the error of the commit, or Overrun."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        with self._wake:
            if self._closing.is_set() or self._size > MOST_WAITING:
                raise Overrun
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="penstock-intake")
                self._thread.start()
            self._waiting.append((post, future, loop))
            self._size += sum(map(len, post.records))
            if len(self._waiting) == 1:
                self._wake.notify()
        return await future

    def close(self) -> None:
        """Write the waiting posts, and end the thread."""
        with self._wake:
            self._closing.set()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing.is_set())
                if not self._waiting:
                    return
            self._closing.wait(self.linger_s)
            part = self._part()
            try:
                taken = self.commit([post for post, _, _ in part])
            except Exception as error:  # noqa: BLE001 - `write` raises it for each post
                _settle(part, error)
            else:
                _settle(part, taken)

    def _part(self) -> list[Waiting]:
        with self._wake:
            size = count = 0
            for post, _, _ in self._waiting:
                size += sum(map(len, post.records))
                count += 1
                if size > MOST_AT_ONCE:
                    break
            part, self._waiting = self._waiting[:count], self._waiting[count:]
            self._size -= size
        return part


def _settle(part: Sequence[Waiting], result: Sequence[int] | Exception) -> None:
    """Set the results of a commit, with one call per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[int], int | Exception]]] = {}
    for number, (_, future, loop) in enumerate(part):
        by_loop.setdefault(loop, []).append((future, result if isinstance(result, Exception) else result[number]))
    for loop, answers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Sequence[tuple[asyncio.Future[int], int | Exception]]) -> None:
    for future, answer in answers:
        if future.done():  # the caller has left
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
