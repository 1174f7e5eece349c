"""Caches the overview as JSON, and makes it again after a commit to the state or after a minute."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import orjson

from penstock.engine.overview import Document
from penstock.engine.surroundings import Surroundings
from penstock.stores.changes import CommitWatch

OLDEST_S = 60.0  # what depends on the time alone, such as when a flow runs next, is at most so old


class MadeOverview(NamedTuple):
    """JSON, and its digest."""

    text: bytes
    digest: str


class OverviewCache:
    """The last overview of this process. Browsers ask for it every few seconds, and large projects have a large one."""

    def __init__(self, around: Callable[[], Surroundings], make: Callable[[], Document]) -> None:
        self._around, self._make = around, make
        self._commits = CommitWatch(around().database)
        self._lock = threading.Lock()
        self._known: tuple[str, float, MadeOverview] | None = None

    def get(self) -> MadeOverview:
        """Returns the cached overview, or a new one if the state has changed or the cached one is over a minute old."""
        with self._lock:
            mark, now = self._commits.mark(), self._around().clock.monotonic()  # before it is made: it is never older
            if self._known is None or self._known[0] != mark or now - self._known[1] > OLDEST_S:
                text = orjson.dumps(self._make())
                self._known = (mark, now, MadeOverview(text, sha256(text).hexdigest()[:16]))
            return self._known[2]

    def close(self) -> None:
        self._commits.close()
