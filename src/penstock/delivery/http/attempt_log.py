"""The attempts of a run that failed or wait, and what the run waits for. Shown while the run is in progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from penstock.clock import Clock, iso
from penstock.model.delivery import Attempt, Lost, Reply, Waiting
from penstock.model.record import Request

KEPT = 50  # attempts


class AttemptLog:
    """The last attempts of requests that needed more than one, oldest first, and every pause that goes on now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: deque[Attempt] = deque(maxlen=KEPT)
        self._pauses: dict[int, tuple[Waiting, float]] = {}  # with the moment of its end
        self._numbers = count()

    def add(self, request: Request, number: int, answer: Reply | Lost, again_in_s: float | None) -> None:
        """An attempt has ended; `again_in_s` is the pause before the next one, None when there is no next one."""
        status = answer.status if isinstance(answer, Reply) else None
        reason = None if isinstance(answer, Reply) else answer.reason
        at = iso(self._clock.now())
        self._attempts.append(Attempt(at, request.method, request.url, number, status, reason, again_in_s))

    @contextmanager
    def pause(self, waiting: Waiting) -> Iterator[None]:
        """For the time of a pause: it is among what is waited for."""
        number = next(self._numbers)
        self._pauses[number] = (waiting, self._clock.monotonic() + waiting.seconds)
        try:
            yield
        finally:
            del self._pauses[number]

    def attempts(self) -> tuple[Attempt, ...]:
        return tuple(self._attempts)

    def waiting(self) -> Waiting | None:
        """The pause that ends first, with the seconds that are left of it."""
        if not self._pauses:
            return None
        waiting, end = min(self._pauses.values(), key=lambda pause: pause[1])
        return waiting._replace(seconds=max(0.0, round(end - self._clock.monotonic(), 3)))
