"""What the classifier looks up about a key: whether it was delivered, is in quarantine, waits or is superseded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Payload
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.decision import Decision
from penstock.store.quarantine import QuarantinedVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY_MAY_BE_SENT = "key may be sent"  # the rule of a refusal


class Remembered(Protocol):
    """What was last delivered, per key."""

    def same_input(self, hashes: NDArray[np.uint64], prints: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """True where the key was sent and its input fingerprint is the same."""
        ...

    def contents(self, hashes: NDArray[np.uint64]) -> list[int | None]:
        """The content hash last sent (or in flight) for each key; None if it never was."""
        ...

    def is_in_flight(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """True where that content is in flight: it is not known yet whether it will be accepted."""
        ...


class Quarantined(Protocol):
    """The quarantined and discarded versions of this destination, by key hash."""

    def find(self, key_hash: tuple[int, int], record: int) -> QuarantinedVersion | None: ...

    def discarded(self, key_hash: tuple[int, int], record: int) -> bool: ...

    def rows_of_interest(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Indices of the key hashes that are quarantined or discarded in any version."""
        ...


class Unknown(Protocol):
    """The versions of keys that are sent once of which it is not known whether they arrived."""

    def decide(self, chunk: OpenChunk, payloads: Sequence[Payload]) -> tuple[Sequence[Payload], list[Decision]]:
        """The payloads that may be sent, and what is decided about the others."""
        ...


class Superseding(Protocol):
    """The keys of which another run has had a newer version since this run's input was read."""

    def exist(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]: ...


class Parents(Protocol):
    """Which records wait for a parent that is not there yet."""

    def missing(self, chunk: Chunk, row: int) -> Refusal | None: ...
