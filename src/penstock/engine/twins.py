"""Rows that are the same as what is on its way: they share its fate, which nobody knows yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from penstock.model.record import Payload
from penstock.stores.memory import Memory

KeyHash = tuple[int, int]


class Twin(NamedTuple):
    """A row that waits; `hash` is its key's."""

    payload: Payload
    hash: KeyHash


class Twins:
    """Those that wait, by the key's hash."""

    def __init__(self) -> None:
        self._waiting: dict[KeyHash, list[Twin]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, twin: Twin) -> None:
        self._waiting.setdefault(twin.hash, []).append(twin)

    def take(self, hash_: KeyHash, content: int) -> list[Twin]:
        """The twins of a payload that did not get through: they wait no longer."""
        found = self._waiting.pop(hash_, [])
        others = [twin for twin in found if twin.payload.content != content]
        if others:
            self._waiting[hash_] = others
        return [twin for twin in found if twin.payload.content == content]

    def take_sent(self, memory: Memory) -> Iterator[Twin]:
        """The twins of what is not on its way any more: it got through, for who did not was taken before."""
        keys = list(self._waiting)
        flying = memory.on_its_way(np.array(keys, dtype=np.uint64).reshape(-1, 2))
        for key, still in zip(keys, flying.tolist(), strict=True):
            if not still:
                yield from self._waiting.pop(key)

    def take_all(self) -> Iterator[Twin]:
        found, self._waiting = self._waiting, {}
        for twins in found.values():
            yield from twins
