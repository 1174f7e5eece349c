"""Rows of a query in a look: few at a time when they are long, and none once nobody waits any longer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from penstock.bounds import bounds
from penstock.sources.exact_json import Unfit
from penstock.sources.patience import Patience

WIDEST_ROW = 4  # times the bound of a cell: the most that one row may take


def careful(
    rows: Iterable[Sequence[object]], most: int, waiting: Patience, path: str
) -> Iterator[list[Sequence[object]]]:
    """The rows in lists of at most `most`, each of little more bytes than the bound of a cell.

    Raises InputError `too-slow` once the time is over; `path` is the place of the query.
    """
    kept: list[Sequence[object]] = []
    size, heavy = 0, bounds().cell
    for row in rows:
        if waiting.is_over:
            raise waiting.too_slow(path, "the query")
        kept.append(row)
        size += sum(map(_bytes, row))
        if len(kept) == most or size > heavy:
            yield kept
            kept, size = [], 0
    if kept:
        yield kept


def longest_value(columns: int) -> int:
    """The bytes that a value may have so that a row of so many columns is within its bound."""
    most = bounds().cell
    return min(most, max(most * WIDEST_ROW // max(columns, 1), 1000))


def _bytes(value: object) -> int:
    if isinstance(value, (str, bytes, memoryview)):
        return len(value)
    return len(value.text) if isinstance(value, Unfit) else 8
