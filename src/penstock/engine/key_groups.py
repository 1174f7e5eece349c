"""The rows of a chunk that share their key with another of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows: TypeAlias = "NDArray[np.int64]"


def key_groups(hashes: NDArray[np.uint64], rows: Rows) -> list[Rows]:
    """The rows of each key that has several of them, in their order; rows without a key (hash 0) share none.

    `hashes` are the (rows, 2) key hashes of the whole chunk, `rows` the indices to look at, ascending.
    """
    keys = hashes[rows, 0] ^ hashes[rows, 1]
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    again = in_order[1:] == in_order[:-1]
    again &= in_order[1:] != 0
    if not again.any():
        return []
    borders = np.flatnonzero(np.diff(np.concatenate(([False], again, [False])).astype(np.int8)))
    return [rows[np.sort(order[start : stop + 1])] for start, stop in borders.reshape(-1, 2).tolist()]


def fold_prints(prints: NDArray[np.uint64], groups: list[Rows], misfits: frozenset[int]) -> None:
    """Give the last row of each group the fingerprint of the whole group, and the others none.

    Memory keeps one fingerprint a key: it may say *the same input* only of all versions together, in their order. With
    a misfit among them (whose cell is empty) it says nothing.
    """
    for group in groups:
        folded = np.uint64(0)
        with np.errstate(over="ignore"):
            for print_ in prints[group]:
                folded = (folded ^ print_) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(len(group))
        prints[group] = 0
        if misfits.isdisjoint(group.tolist()):
            prints[group[-1]] = folded
