"""The deadline of an interactive read of data, and what is stopped when it has passed.

The caller (a request of the API) sets a `Deadline` for a block; the reader checks it. Without one, as in a run, a read
takes as long as it needs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from penstock.model.errors import InputError, Problem

LOOK_S = 10.0  # for a query in an interactive read
FIRST_ROWS_S = 3.0  # for the rows of an interactive read, after its first row


class Abandoned(InputError):  # noqa: N818 - it says what happened
    """The client has disconnected, or the service stops: the work ends."""

    def __init__(self) -> None:
        super().__init__(Problem("request", "the client has disconnected", "abandoned", "send the request again"))


class Deadline:
    """The time that is left, and whether the client still waits. Used by several threads."""

    def __init__(self, seconds: float | None = None) -> None:
        """`seconds` is the time for all queries together; None: as long as the client waits."""
        self._turn = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self._abandoned = False
        self.end: float | None = None
        self.limit_s = seconds
        if seconds is not None:
            self.limit(seconds)

    def limit(self, seconds: float) -> None:
        """Set the time for queries to `seconds` from now."""
        self.limit_s = seconds
        self.end = time.monotonic() + seconds

    def abandon(self) -> None:
        """The client has disconnected: stop what is under way."""
        with self._turn:
            self._abandoned = True
            stops = list(self._stops)
        for stop in stops:
            stop()

    @property
    def is_over(self) -> bool:
        """Whether a query has to stop."""
        return self._abandoned or (self.end is not None and time.monotonic() >= self.end)

    def left_s(self) -> float | None:
        """The seconds that are left to queries; None: any number."""
        return None if self.end is None else max(self.end - time.monotonic(), 0.001)

    def check(self) -> None:
        """Raise Abandoned once the client has disconnected."""
        if self._abandoned:
            raise Abandoned

    def too_slow(self, path: str, what: str) -> InputError:
        """The error of a query that was stopped."""
        if self._abandoned:
            return Abandoned()
        message = f"{what} takes longer than {self.limit_s:g} s, the limit for a preview"
        return InputError(Problem(path, message, "too-slow", "read less data; runs have no time limit"))

    @contextmanager
    def stopped_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """During the block `stop` is called, by another thread, at the deadline or when the client disconnects."""
        left = self.left_s()
        timer = None if left is None else threading.Timer(left, stop)
        if timer is not None:
            timer.daemon = True
            timer.start()
        with self._turn:
            self._stops.append(stop)
            over = self._abandoned
        if over:
            stop()
        try:
            yield
        finally:
            with self._turn:
                self._stops.remove(stop)
            if timer is not None:
                timer.cancel()
                timer.join()  # it must not stop what comes after the block


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline | None:
    """The deadline of this thread's work; None without one."""
    return _current.get()


@contextmanager
def use_deadline(given: Deadline) -> Iterator[Deadline]:
    """During the block, `current_deadline()` is this one."""
    token = _current.set(given)
    try:
        yield given
    finally:
        _current.reset(token)


def check_deadline() -> None:
    """Raise Abandoned if the client has disconnected. Cheap enough to be called for each piece of data."""
    given = _current.get()
    if given is not None:
        given.check()
