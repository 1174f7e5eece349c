"""`Policy`: how a destination treats keys that it has sent before, and several records of one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Versions = Literal["newest", "merge", "each"]
"""What becomes of several records of one key in a chunk: the newest goes, they go as one, or each goes in order."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a destination treats a key it has seen: see promise 9 (`changed`, `new`, `all`)."""

    versions: Versions
    repeats: bool  # whether one request may hold several payloads of a key
    compares: bool  # changed and new: compare with memory
    once_per_key: bool  # new
    ignore_changed: bool  # on_changed: ignore
    settings: str
