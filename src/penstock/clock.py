"""Time and random numbers. Only this module reads the clock or draws random numbers; tests can replace both."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The time and the random numbers that Penstock uses."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never decrease, for measuring durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    def dice(self) -> float:
        """A random number in [0, 1)."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The time and random numbers of the system."""

    roll: Callable[[], float] = random.random

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def dice(self) -> float:
        return self.roll()


def iso(moment: datetime) -> str:
    """A moment as `2026-01-31T12:00:00.000Z`, the form used in every report."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
