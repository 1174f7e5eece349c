"""Which lane's request is sent next when several wait for the rate limit. Pure.

The most urgent lane goes first. Each lower lane that waits gets at least one request in ten of those sent: the number
of requests that were sent before its own is counted, and at nine it is its turn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import get_args

from penstock.model.delivery import Lane

RANKS: Mapping[Lane, int] = {lane: rank for rank, lane in enumerate(get_args(Lane))}
BEFORE_A_TURN = 9  # requests of other lanes between two of a lower lane that waits

LaneCounts = tuple[int, int, int, int]  # a number for each lane, by rank
NONE: LaneCounts = (0, 0, 0, 0)


def next_lane(waiting: Sequence[int], passed: LaneCounts) -> int:
    """The rank of the lane whose request is sent next.

    `waiting` are the ranks of the lanes that wait, in order; `passed` is how many requests of others were sent while
    each of them waited. Several lower lanes can be near their turns: the first goes as soon as the last would be late.
    """
    most_urgent, *lower = waiting
    lower.sort(key=lambda rank: -passed[rank])
    late = any(BEFORE_A_TURN - passed[rank] < place for place, rank in enumerate(lower, 1))
    return lower[0] if late else most_urgent


def passed_over(passed: LaneCounts, waiting: Collection[int], sent: LaneCounts) -> LaneCounts:
    """`passed` after `sent` requests of each lane were sent. Of a lane that did not wait nothing is counted."""
    total = sum(sent)
    first, second, third, fourth = (
        max(0, passed[rank] + total - sent[rank] - BEFORE_A_TURN * sent[rank]) if rank in waiting else 0
        for rank in range(len(NONE))
    )
    return first, second, third, fourth


def of_lane(rank: int, number: int) -> LaneCounts:
    """`number` for the lane of this rank, 0 for the others."""
    return (number * (rank == 0), number * (rank == 1), number * (rank == 2), number * (rank == 3))


def turns(passed: int) -> int:
    """How many requests a lane that was passed over so often may send at once."""
    return passed // BEFORE_A_TURN
