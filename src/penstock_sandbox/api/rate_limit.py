"""The rate limit: fixed windows, each of which begins with its first request (Custify's OpenAPI 1.5.7)."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

from penstock_sandbox.account.settings import Rate

WINDOWS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a request is within the limit. `headers` are added to its reply in any case."""

    admitted: bool
    headers: dict[str, str]


@dataclass(slots=True)
class RateWindow:
    start: float
    used: int = 0
    refused: int = 0


class RateLimit:
    """One limit for the whole account. Whether Custify counts by key or by account is not published."""

    def __init__(self) -> None:
        self.windows: deque[RateWindow] = deque(maxlen=WINDOWS_KEPT)
        self.refused = 0
        self.most = 0
        # Replies repeat the same few headers: they are made once for each remaining count.
        self._headers: dict[tuple[int, int], dict[str, str]] = {}

    def take(self, rate: Rate | None, now: float, cost: int = 1) -> Admission:
        """Use `cost` of the window at `now`, if enough is left; a refused request uses nothing."""
        if rate is None:
            return Admission(admitted=True, headers={})
        window = self._window(rate, now)
        # A batch that costs more than a window passes alone: otherwise it could never be sent.
        if window.used + cost <= rate.requests or window.used == 0:
            window.used += cost
            self.most = max(self.most, window.used)
            return Admission(admitted=True, headers=self._spent(rate, window))
        window.refused += 1
        self.refused += 1
        # A window counts from its first request, so waiting for its length is always enough.
        wait = {"Retry-After": str(math.ceil(rate.per))}
        return Admission(admitted=False, headers=self._spent(rate, window) | wait)

    def as_json(self) -> list[dict[str, Any]]:
        return [{"start": w.start, "used": w.used, "refused": w.refused} for w in self.windows]

    def _window(self, rate: Rate, now: float) -> RateWindow:
        if not self.windows or not 0 <= now - self.windows[-1].start < rate.per:
            self.windows.append(RateWindow(start=now))
        return self.windows[-1]

    def _spent(self, rate: Rate, window: RateWindow) -> dict[str, str]:
        key = (rate.requests, max(0, rate.requests - window.used))
        if key not in self._headers:
            self._headers[key] = {"X-RateLimit-Limit": str(key[0]), "X-RateLimit-Remaining": str(key[1])}
        return self._headers[key]
