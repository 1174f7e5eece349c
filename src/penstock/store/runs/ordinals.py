"""The ordinals of a batch's records as one field of one row, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

Ordinals: TypeAlias = "NDArray[np.int64]"
Words: TypeAlias = "NDArray[np.uint64]"


def pack_ordinals(ordinals: Sequence[int] | Ordinals) -> str:
    """Ordinals in the order given, as JSON `[[first, count, item], …]`: `count` numbers in a row from `first`.

    `item` is the index of `first` among the ordinals given, so that SQL can find the ordinal of an item.
    """
    if len(ordinals) == 0:
        return "[]"
    if len(ordinals) == 1:
        return f"[[{int(ordinals[0])},1,0]]"
    numbers = np.asarray(ordinals, dtype=np.int64)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(numbers) != 1) + 1))
    counts = np.diff(np.append(starts, numbers.size))
    ranges = np.column_stack((numbers[starts], counts, starts))
    return orjson.dumps(np.ascontiguousarray(ranges), option=orjson.OPT_SERIALIZE_NUMPY).decode()


def unpack_ordinals(text: str) -> Ordinals:
    """The ordinals that `pack_ordinals` packed, in their order."""
    ranges = np.array(orjson.loads(text), dtype=np.int64).reshape(-1, 3)
    total = int(ranges[:, 1].sum())
    return np.repeat(ranges[:, 0] - ranges[:, 2], ranges[:, 1]) + np.arange(total, dtype=np.int64)
