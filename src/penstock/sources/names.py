"""Names of columns in messages: the nearest one, the one that stands twice, the one that is missing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest(name: str, names: Sequence[str]) -> str:
    """A hint that names the nearest of `names`, or lists them."""
    folded = {candidate.casefold(): candidate for candidate in names}
    found = difflib.get_close_matches(name.casefold(), folded, n=1)
    if found:
        return f"did you mean {folded[found[0]]}?"
    return f"the columns are {listed(names)}" if names else "there are no columns"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a row, the rest counted."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def doubled(names: Sequence[str]) -> str | None:
    """The first name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
