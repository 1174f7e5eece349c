"""What a batch counts as is learned from three replies that agree."""

import asyncio

import pytest

from penstock.delivery.limit.batch_cost import CountedBatch, is_evidence, learned
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.shared_budget import SharedRow
from support.kernel.virtual_time import LoopClock, run_virtually


@pytest.mark.parametrize(
    ("batches", "cost", "reason"),
    [
        ([(5, 90, 89), (7, 89, 88), (3, 88, 87)], "1", "one request: 5 jobs took 1, 7 jobs took 1, 3 jobs took 1"),
        (
            [(5, 90, 85), (7, 85, 78), (3, 78, 75)],
            "jobs",
            "as it has jobs: 5 jobs took 5, 7 jobs took 7, 3 jobs took 3",
        ),
        ([(5, 90, 85), (7, 85, 78)], None, "2 of 3"),
        ([], None, "0 of 3"),
        ([(5, 90, 85), (7, 85, 84), (3, 84, 83)], None, "do not agree"),
        ([(5, 90, 85), (7, 85, 77), (3, 77, 74)], None, "do not agree: 5 jobs took 5, 7 jobs took 8"),
        ([(5, 90, 80), (5, 80, 75), (7, 75, 68), (3, 68, 65)], "jobs", "as it has jobs: 5 jobs took 5"),
    ],
)
def test_three_replies_that_agree_decide(batches, cost, reason):
    found = learned([CountedBatch(*batch) for batch in batches])
    assert found.cost == cost
    assert reason in found.reason


@pytest.mark.parametrize(
    ("batch", "shows"),
    [((5, 90, 85), True), ((1, 90, 89), False), ((5, 3, 99), False), ((5, 90, 90), False)],
)
def test_a_single_request_and_a_reply_in_a_new_window_show_nothing(batch, shows):
    assert is_evidence(CountedBatch(*batch)) is shows


class Api:
    """Counts a batch as its jobs, and says so in the headers of each reply."""

    def __init__(self):
        self.remaining = 1000

    def reply(self, cost):
        self.remaining -= cost
        return 200, {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": str(self.remaining)}


async def send(budget, api, jobs, *, meanwhile=0):
    taken = await budget.acquire("live", jobs)
    api.remaining -= meanwhile
    budget.observe(taken, *api.reply(jobs))
    return taken.cost


def costs(sizes, written=None, **how):
    """What each of these batches was taken to cost, and the notes of the budget."""

    async def main():
        budget, api = budget_in_memory(RateLimit(1000, 100.0, written), LoopClock()), Api()
        return [await send(budget, api, jobs, **how) for jobs in sizes], budget.notes()

    return run_virtually(main())


def test_after_three_batches_each_costs_its_jobs():
    found, notes = costs([1, 5, 7, 3, 8, 1])
    assert found == [1, 1, 1, 1, 8, 1]
    [note] = notes
    assert note.reason == (
        "batch_cost: jobs; a batch counts as many requests as it has jobs: 5 jobs took 5, 7 jobs took 7, 3 jobs took 3"
    )


@pytest.mark.parametrize(("written", "cost"), [("1", 1), ("jobs", 8)])
def test_a_written_batch_cost_is_used_and_nothing_is_learned(written, cost):
    found, notes = costs([1, 5, 7, 3, 8], written)
    assert (found[-1], notes) == (cost, ())


def test_another_client_of_the_key_prevents_that_anything_is_learned():
    assert costs([1, 5, 7, 3, 8], meanwhile=2) == ([1, 1, 1, 1, 1], ())


def test_batches_beside_other_requests_show_nothing():
    async def main():
        budget, api = budget_in_memory(RateLimit(1000, 100.0), LoopClock()), Api()
        await send(budget, api, 1)
        other = await budget.acquire("live")
        found = [await send(budget, api, 5) for _ in range(5)]
        budget.lost(other)
        return found, budget.notes()

    assert run_virtually(main()) == ([1] * 5, ())


def test_batches_of_one_process_show_nothing_while_another_uses_the_credential():
    async def main():
        row, api = SharedRow(1000, 100.0), Api()
        other = row.budget()
        flying = await other.acquire("live")
        budget = row.budget()
        found = [await send(budget, api, 5) for _ in range(5)]
        other.lost(flying)
        return found, budget.notes()

    assert run_virtually(main()) == ([1] * 5, ())


def test_what_was_learned_is_known_to_later_processes():
    async def main():
        row, api = SharedRow(1000, 100.0), Api()
        budget = row.budget()
        for jobs in (1, 5, 7, 3):
            await send(budget, api, jobs)
        await asyncio.sleep(5.0)
        later = row.budget()
        return await send(later, api, 6), later.notes()

    assert run_virtually(main()) == (6, ())
