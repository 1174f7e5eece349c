"""Processes that share the rate limit of a credential respect it together and use it up. In virtual time."""

import asyncio
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.delivery.limit.budget import Budget
from penstock.model.errors import Problem, StateLocked
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import LeasedWindow
from support.kernel.shared_budget import FixedWindow, SharedRow, one_request, saturate
from support.kernel.virtual_time import LoopClock, run_virtually


def even(latency):
    return lambda: (latency / 2, latency / 2)


@pytest.mark.parametrize("headers", [False, True])
@pytest.mark.parametrize("latency", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_nearly_the_whole_allowance_is_used_and_never_more(processes, latency, headers):
    server = FixedWindow(100, 10.0, headers=headers)

    async def main():
        row = SharedRow(100, 10.0)
        sending = (saturate(row.budget(), server, 60.5 + 7 * latency, 10, even(latency)) for _ in range(processes))
        await asyncio.gather(*sending)

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window[:6]) >= (0.98 if processes == 1 else 0.97) * 600
    assert len(server.per_window) == 7, "no window begins late"


latencies = st.one_of(st.floats(0, 0.05), st.floats(0, 2.0))


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(1, 40),
    crowd=st.tuples(st.integers(1, 4), st.integers(1, 10)),
    slowest=latencies,
    took=st.floats(0, 0.1),
    pauses=st.lists(st.floats(0, 25), max_size=4),
)
def test_no_pattern_of_demand_and_latency_meets_the_limit(seed, limit, crowd, slowest, took, pauses):
    """Processes that send in any lanes, steadily or in bursts, get fast and slow replies, and begin and end at any time."""
    processes, concurrency = crowd
    server = FixedWindow(limit, 5.0, headers=seed % 2 == 0)
    dice = random.Random(seed)

    async def main():
        row = SharedRow(limit, 5.0, took)

        async def worker(budget):
            for pause in [0.0, *pauses]:
                await asyncio.sleep(pause * dice.random())
                for _ in range(dice.randrange(3 * limit // (concurrency * processes) + 2)):
                    lane = dice.choice(["test", "live", "retry", "backfill"])
                    await one_request(budget, server, slowest * dice.random(), slowest * dice.random(), lane)
                    await asyncio.sleep(dice.choice([0.0, 0.0, 0.3 * dice.random()]))

        budgets = [row.budget() for _ in range(processes)]
        await asyncio.gather(*(worker(budget) for budget in budgets for _ in range(concurrency)))

    run_virtually(main())
    assert server.refused == 0


@pytest.mark.parametrize("latency", [0.02, 0.1])
def test_without_a_binding_limit_one_process_sends_as_much_as_it_can(latency):
    server = FixedWindow(1_000_000, 1.0, headers=True)

    async def main():
        row = SharedRow(1_000_000, 1.0)
        await saturate(row.budget(), server, 10.0, 50, even(latency))
        return row.exchanges

    exchanges = run_virtually(main())
    assert sum(server.per_window) >= 0.98 * 50 * 10.0 / latency
    assert exchanges <= 100, "no transaction for each request"


@dataclass
class Dying:
    """The exchanges of a process with the row, which end when it dies."""

    row: SharedRow
    is_dead: bool = False

    async def __call__(self, step):
        if self.is_dead:
            await asyncio.sleep(1_000_000)
        return await self.row(step)


@pytest.mark.parametrize("headers", [False, True])
def test_places_of_a_dead_process_are_free_again_after_the_window(headers):
    server = FixedWindow(100, 10.0, headers=headers)

    async def main():
        row = SharedRow(100, 10.0)
        dying = Dying(row)
        budget = Budget(LoopClock(), LeasedWindow(row.rate, LoopClock(), dying))
        for _ in range(30):  # on their way when it dies
            await budget.acquire("live")
            server.answer(asyncio.get_running_loop().time())
        dying.is_dead = True
        await saturate(row.budget(), server, 31.0, 10, even(0.02))

    run_virtually(main())
    assert server.refused == 0
    assert server.per_window[0] >= 65
    assert server.per_window[1:3] == [100, 100]


def test_urgent_lanes_of_all_processes_go_first():
    async def main():
        row = SharedRow(1, 1.0)
        budgets = [row.budget() for _ in range(6)]
        order = []

        async def go(budget, lane):
            taken = await budget.acquire(lane)
            order.append(lane)
            budget.observe(taken, 200, {})

        await go(budgets[0], "live")
        lanes = ["backfill", "retry", "live", "test", "live", "backfill"]
        going = [asyncio.create_task(go(budget, lane)) for budget, lane in zip(budgets, lanes, strict=True)]
        await asyncio.gather(*going)
        return order[1:]

    assert run_virtually(main()) == ["test", "live", "live", "retry", "backfill", "backfill"]


def test_a_request_that_costs_a_whole_window_is_sent_although_small_ones_wait():
    server = FixedWindow(100, 10.0)

    async def main():
        row = SharedRow(100, 10.0)
        small = asyncio.create_task(saturate(row.budget(), server, 40.0, 10, even(0.02)))
        await asyncio.sleep(5.0)
        large = row.budget()
        began = asyncio.get_running_loop().time()
        large.give_back(await large.acquire("live", 100))
        took = asyncio.get_running_loop().time() - began
        await small
        return took

    assert run_virtually(main()) <= 21.0
    assert server.refused == 0


def test_a_429_to_one_process_blocks_all_until_the_time_in_the_reply():
    async def main():
        row = SharedRow(1000, 1.0)
        one, other = row.budget(), row.budget()
        for _ in range(5):
            other.observe(await other.acquire("live"), 200, {})
        one.observe(await one.acquire("live"), 429, {"retry-after": "7"})
        await asyncio.sleep(1.5)  # unused places may be used for a second
        began = asyncio.get_running_loop().time()
        await asyncio.gather(one.acquire("live"), other.acquire("test"))
        return asyncio.get_running_loop().time() - began

    assert run_virtually(main()) == pytest.approx(5.5, abs=0.1)


def test_a_limit_in_the_reply_headers_replaces_the_configured_limit_in_all_processes():
    server = FixedWindow(30, 10.0, headers=True)

    async def main():
        row = SharedRow(100, 10.0)
        row.budget()
        await one_request(row.budget(), server, 0.01, 0.01)
        await asyncio.sleep(0.5)
        await asyncio.gather(*(saturate(row.budget(), server, 40.0, 5, even(0.02)) for _ in range(3)))

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window[:4]) >= 0.97 * 30 * 4


def test_a_limit_alone_in_a_reply_is_used_by_all_processes():
    async def main():
        row = SharedRow(100, 10.0)
        first = row.budget()
        first.observe(await first.acquire("live"), 200, {"x-ratelimit-limit": "30"})
        await asyncio.sleep(1.0)
        second = row.budget()
        places = [asyncio.create_task(second.acquire("live")) for _ in range(60)]
        await asyncio.sleep(2.0)
        sent = sum(place.done() for place in places)
        for place in places:
            place.cancel()
        return sent

    assert run_virtually(main()) == 29


def test_an_edited_rate_limit_is_used_at_once():
    async def main():
        row = SharedRow(100, 10.0)
        server = FixedWindow(100, 10.0)
        await one_request(row.budget(), server, 0.01, 0.01)
        row.rate, server.limit, server.per = RateLimit(2, 1.0), 2, 1.0
        began = asyncio.get_running_loop().time()
        budget = row.budget()
        await asyncio.gather(*(one_request(budget, server, 0.0, 0.0) for _ in range(6)))
        return asyncio.get_running_loop().time() - began, server.refused

    took, refused = run_virtually(main())
    assert refused == 0
    assert 1.9 <= took <= 4.0


def test_while_the_database_is_unreachable_requests_wait_and_no_report_is_lost():
    server = FixedWindow(10, 1.0)

    class Unreliable(SharedRow):
        async def __call__(self, step):
            if 1001.0 < asyncio.get_running_loop().time() < 1005.0:
                raise StateLocked(Problem("state", "another process writes", "busy"))
            return await super().__call__(step)

    async def main():
        await saturate(Unreliable(10, 1.0).budget(), server, 12.0, 4, even(0.02))

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window) >= 10 * 6


def sent_by_lane(processes, seconds=120.5):
    """How many requests each lane sends that always has more to send. `processes`: the lanes of each."""
    server = FixedWindow(100, 10.0)
    counts = {lane: 0 for lanes in processes for lane in lanes}

    async def main():
        row = SharedRow(100, 10.0)

        async def send(budget, lane):
            while True:
                await one_request(budget, server, 0.01, 0.01, lane)
                counts[lane] += 1

        budgets = [(row.budget(), lanes) for lanes in processes]
        sending = [
            asyncio.create_task(send(budget, lane)) for budget, lanes in budgets for lane in lanes for _ in range(10)
        ]
        await asyncio.sleep(seconds)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window[:12]) >= 0.97 * 1200
    return counts


@pytest.mark.parametrize(
    "lanes",
    [
        ("live", "backfill"),
        ("live", "retry", "backfill"),
        ("test", "live", "retry", "backfill"),
        ("live", "live", "backfill", "backfill", "backfill"),
    ],
)
def test_each_lower_lane_gets_its_tenth_and_the_most_urgent_one_the_rest(lanes):
    counts = sent_by_lane([[lane] for lane in lanes])
    total, lower = sum(counts.values()), list(counts)[1:]
    assert all(0.095 * total <= counts[lane] <= 0.15 * total for lane in lower), counts


def test_the_lower_lane_sends_what_a_more_urgent_one_leaves():
    server = FixedWindow(100, 10.0)
    waits = []

    async def main():
        row = SharedRow(100, 10.0)
        backfill = asyncio.create_task(saturate(row.budget(), server, 60.5, 10, even(0.02), "backfill"))
        hooks = row.budget()
        for _ in range(50):
            began = asyncio.get_running_loop().time()
            taken = await hooks.acquire("live")
            waits.append(asyncio.get_running_loop().time() - began)
            hooks.observe(taken, *server.answer(asyncio.get_running_loop().time()))
            await asyncio.sleep(max(0.0, began + 1.2 - asyncio.get_running_loop().time()))
        await backfill

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window[:6]) >= 0.98 * 600
    assert max(waits) <= 10.0


@pytest.mark.parametrize("lower", ["retry", "backfill"])
def test_a_lower_lane_of_a_process_with_both_gets_its_tenth_of_what_all_send(lower):
    """A live run has requests to send again, while a second run is live."""
    counts = sent_by_lane([["live", lower], ["live"]])
    assert 0.095 <= counts[lower] / sum(counts.values()) <= 0.3
