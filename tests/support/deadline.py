"""Waits for a condition in another thread or process."""

import time
from collections.abc import Callable
from typing import Any

LONGEST_S = 60.0


def until(what: Callable[[], Any], within_s: float = LONGEST_S) -> Any:
    """The first true result; fails if there is none in time."""
    end = time.monotonic() + within_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, f"waited {within_s} s in vain"
        time.sleep(0.05)
