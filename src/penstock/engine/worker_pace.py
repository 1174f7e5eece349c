"""How soon DBOS looks at its queue again: often while there is something to do, seldom at rest, at once when asked."""

from __future__ import annotations

import threading
import time

RESTLESS_S = 2.0  # after the last sign of work
IDLE_S = 5.0  # at rest: nothing is known to wait


class Pace(threading.Event):
    """The event that ends DBOS's loop, which spends its pauses in `wait`: so they can be cut short."""

    def __init__(self) -> None:
        super().__init__()
        self._until = 0.0
        self._now = threading.Event()

    def quicken(self, *, at_once: bool = False) -> None:
        """There may be something to do, soon. A long pause ends; `at_once` ends a short one, too."""
        is_idle = time.monotonic() >= self._until
        self._until = time.monotonic() + RESTLESS_S
        if is_idle or at_once:
            self._now.set()

    def set(self) -> None:
        """End the loop."""
        super().set()
        self._now.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Pause for `timeout`, or for longer at rest; answers whether the loop shall end."""
        pause = timeout if timeout is None or time.monotonic() < self._until else max(timeout, IDLE_S)
        self._now.wait(pause)
        self._now.clear()
        return self.is_set()
