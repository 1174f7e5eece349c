"""Whether the API counts a batch as one request or as its jobs, learned from replies to batches. Pure.

What a batch took is known when nothing else of ours was under way between two replies, of which both say how many
requests remain. Other clients may use the key meanwhile, so three replies must agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.model.spec import BatchCost

AGREEING = 3


class CountedBatch(NamedTuple):
    """A batch that was alone under way: its jobs, and the remaining requests in the replies before it and to it."""

    jobs: int
    before: int
    after: int


class LearnedCost(NamedTuple):
    """What a batch costs, and why; `cost` is None while it is not known."""

    cost: BatchCost | None
    reason: str


def learned(batches: Sequence[CountedBatch]) -> LearnedCost:
    """What the latest replies to batches show."""
    last = batches[-AGREEING:]
    if len(last) < AGREEING:
        return LearnedCost(None, f"{len(last)} of {AGREEING} replies to batches are known")
    shown = {_shown(batch) for batch in last}
    took = ", ".join(f"{batch.jobs} jobs took {batch.before - batch.after}" for batch in last)
    if shown == {"1"}:
        return LearnedCost("1", f"a batch counts as one request: {took}")
    if shown == {"jobs"}:
        return LearnedCost("jobs", f"a batch counts as many requests as it has jobs: {took}")
    return LearnedCost(None, f"the replies do not agree: {took}")


def is_evidence(batch: CountedBatch) -> bool:
    """Whether the batch can show anything: it has several jobs, and no new window began meanwhile."""
    return batch.jobs > 1 and batch.after < batch.before


def _shown(batch: CountedBatch) -> BatchCost | None:
    dropped = batch.before - batch.after
    if dropped == 1:
        return "1"
    return "jobs" if dropped == batch.jobs else None
