"""While a run goes, Python looks for garbage in cycles less often.

A run makes some hundred short-lived objects a request, hardly ever in cycles, beside a chunk of records that stays:
looking through them every 700 objects took a quarter of the time of small requests.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 20_000  # new containers before Python looks; some megabytes
_lock = threading.Lock()
_before: list[tuple[int, int, int]] = []  # what stood before each of the runs that go now


@contextmanager
def calm() -> Iterator[None]:
    """For the block; the last of several blocks puts back what was there before the first."""
    with _lock:
        _before.append(gc.get_threshold() if not _before else _before[0])
        first, *others = _before[0]
        if first > 0:  # 0: whoever runs us has turned it off
            gc.set_threshold(max(first, OBJECTS), *others)
    try:
        yield
    finally:
        with _lock:
            before = _before.pop()
            if not _before:
                gc.set_threshold(*before)
