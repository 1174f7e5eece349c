"""A part of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of what follows; None at the end."""

    items: list[dict[str, Any]]
    next: str | None = None
