"""The budget respects the rate limit: no 429 in normal operation, and nearly all of the limit is used. In virtual time."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.shared_budget import FixedWindow, one_request, saturate
from support.kernel.virtual_time import LoopClock, run_virtually


@pytest.mark.parametrize("headers", [False, True])
@pytest.mark.parametrize("latency_ms", [0, 1, 20, 50])
@pytest.mark.parametrize("concurrency", [10, 50])
def test_nearly_the_whole_allowance_is_used_and_never_more(latency_ms, concurrency, headers):
    server = FixedWindow(100, 10.0, headers=headers)
    dice = random.Random(latency_ms)

    def latency():
        half = latency_ms / 2000
        return dice.uniform(0.5, 1.0) * half, dice.uniform(0.5, 1.0) * half

    async def main():
        budget = budget_in_memory(RateLimit(100, 10.0), LoopClock())
        await saturate(budget, server, 100.0, concurrency, latency)

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window) >= 0.98 * 100 * 10


latencies = st.one_of(st.floats(0, 0.05), st.floats(0, 2.0))


@settings(max_examples=3 * settings.default.max_examples, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(1, 40),
    concurrency=st.integers(1, 30),
    slowest=latencies,
    headers=st.booleans(),
    pauses=st.lists(st.floats(0, 25), max_size=4),
)
def test_no_pattern_of_demand_and_latency_meets_the_limit(seed, limit, concurrency, slowest, headers, pauses):
    """Steady, bursts after pauses, slow and fast replies mixed: a fixed window on the other side never refuses."""
    server = FixedWindow(limit, 5.0, headers=headers)
    dice = random.Random(seed)

    async def main():
        budget = budget_in_memory(RateLimit(limit, 5.0), LoopClock())

        async def worker():
            for pause in [0.0, *pauses]:
                await asyncio.sleep(pause * dice.random())
                for _ in range(dice.randrange(3 * limit // concurrency + 2)):
                    await one_request(budget, server, slowest * dice.random(), slowest * dice.random())
                    await asyncio.sleep(dice.choice([0.0, 0.0, 0.3 * dice.random()]))

        await asyncio.gather(*(worker() for _ in range(concurrency)))

    run_virtually(main())
    assert server.refused == 0


@pytest.mark.parametrize("latency", [0.04, 0.5])
@pytest.mark.parametrize("gap", [0.1, 0.3])
def test_after_a_slow_stream_of_requests_a_burst_can_use_the_whole_limit(gap, latency):
    """With slow replies the times of the windows are unknown; after a short pause they are known again."""
    server = FixedWindow(100, 10.0)

    async def main():
        budget = budget_in_memory(RateLimit(100, 10.0), LoopClock())
        for _ in range(400):
            await one_request(budget, server, latency / 2, latency / 2)
            await asyncio.sleep(gap)
        before = sum(server.per_window)
        await saturate(budget, server, 100.0, 10, lambda: (latency / 2, latency / 2))
        return sum(server.per_window) - before

    sent = run_virtually(main())
    assert server.refused == 0
    assert sent >= 0.9 * 1000


def test_requests_in_flight_at_the_end_of_a_window_count_in_the_next_one():
    server = FixedWindow(3, 10.0)

    async def main():
        budget = budget_in_memory(RateLimit(3, 10.0), LoopClock())
        await one_request(budget, server, 0.0, 0.0)
        await asyncio.sleep(9.9)
        slow = [asyncio.create_task(one_request(budget, server, 0.2, 2.0)) for _ in range(2)]
        await asyncio.sleep(0.3)  # they have begun the server's next window by now
        await asyncio.gather(*(one_request(budget, server, 0.0, 0.0) for _ in range(3)), *slow)

    run_virtually(main())
    assert server.refused == 0


def test_a_reply_to_a_request_of_the_last_window_does_not_open_the_next_one_early():
    server = FixedWindow(3, 10.0)

    async def main():
        budget = budget_in_memory(RateLimit(3, 10.0), LoopClock())
        await one_request(budget, server, 0.0, 0.1)
        await asyncio.sleep(9.8)
        slow = [asyncio.create_task(one_request(budget, server, 0.05, 0.3))]  # counted in the old, answered in the new
        await asyncio.sleep(0.25)
        slow.append(asyncio.create_task(one_request(budget, server, 2.0, 0.0)))  # begins the server's next window
        await asyncio.sleep(2.0)
        await one_request(budget, server, 0.0, 0.0)
        await asyncio.sleep(8.0)
        await asyncio.gather(*(one_request(budget, server, 0.0, 0.0) for _ in range(3)), *slow)

    run_virtually(main())
    assert server.refused == 0


def test_the_budget_leaves_room_for_other_clients_of_the_same_limit():
    """The headers say that somebody else spends the same allowance."""
    server = FixedWindow(100, 10.0, headers=True)

    async def main():
        budget = budget_in_memory(RateLimit(100, 10.0), LoopClock())
        for _ in range(60):
            server.answer(asyncio.get_running_loop().time())
        await saturate(budget, server, 9.0, 10, lambda: (0.02, 0.02))

    run_virtually(main())
    assert server.refused == 0
    assert server.per_window == [100]


def test_a_limit_in_the_reply_headers_replaces_the_limit_of_the_project_file():
    server = FixedWindow(300, 10.0, headers=True)

    async def main():
        budget = budget_in_memory(RateLimit(100, 10.0), LoopClock())
        await saturate(budget, server, 50.0, 10, lambda: (0.01, 0.01))
        assert budget.allowance().limit == 300

    run_virtually(main())
    assert server.refused == 0
    assert sum(server.per_window) >= 0.95 * 300 * 5


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry-after": "7"}, 7.0),
        ({}, 10.0),
        ({"retry-after": "soon"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:16:53 GMT"}, 13.0),
        ({"retry-after": "Wed, 31 Dec 2025 00:00:00 GMT"}, 0.25),
        ({"retry-after": "0"}, 0.25),
        ({"retry-after": "99999"}, 600.0),
        ({"retry-after": "nan"}, 10.0),
        ({"retry-after": "-5"}, 10.0),
    ],
)
def test_one_429_blocks_all_requests_until_the_time_in_the_reply(headers, waits):
    async def main():
        budget = budget_in_memory(RateLimit(100, 10.0), LoopClock())
        began = asyncio.get_running_loop().time()
        budget.observe(await budget.acquire("live"), 429, headers)
        await asyncio.gather(*(budget.acquire(lane) for lane in ("test", "live", "retry", "backfill")))
        return asyncio.get_running_loop().time() - began

    assert run_virtually(main()) == pytest.approx(waits, abs=0.01)


def test_after_a_429_a_whole_window_is_available():
    async def main():
        budget = budget_in_memory(RateLimit(5, 10.0), LoopClock())
        for _ in range(4):
            budget.observe(await budget.acquire("live"), 200, {})
        budget.observe(await budget.acquire("live"), 429, {"retry-after": "3"})
        await asyncio.gather(*(budget.acquire("live") for _ in range(5)))
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == pytest.approx(1003.0, abs=0.01)


def test_urgent_lanes_go_first():
    async def main():
        budget = budget_in_memory(RateLimit(1, 1.0), LoopClock())
        order = []

        async def go(lane):
            taken = await budget.acquire(lane)
            order.append(lane)
            budget.observe(taken, 200, {})

        await go("live")
        lanes = ["backfill", "retry", "live", "test", "live", "backfill"]
        await asyncio.gather(*(go(lane) for lane in lanes))
        return order[1:]

    assert run_virtually(main()) == ["test", "live", "live", "retry", "backfill", "backfill"]


def test_a_request_that_stops_waiting_uses_no_place():
    async def main():
        budget = budget_in_memory(RateLimit(1, 1.0), LoopClock())
        budget.observe(await budget.acquire("live"), 200, {})
        gone = asyncio.create_task(budget.acquire("test"))
        stays = asyncio.create_task(budget.acquire("live"))
        await asyncio.sleep(0.5)
        gone.cancel()
        await stays
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == pytest.approx(1001.0, abs=0.01)


def test_a_request_that_was_not_sent_costs_nothing():
    async def main():
        budget = budget_in_memory(RateLimit(1, 10.0), LoopClock())
        for _ in range(50):
            budget.give_back(await budget.acquire("live"))
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == 1000.0


def test_a_batch_can_cost_as_many_requests_as_it_has_jobs():
    async def main():
        budget = budget_in_memory(RateLimit(100, 10.0, "jobs"), LoopClock())
        for cost in (60, 40, 500):  # more than the whole allowance is a whole window
            budget.observe(await budget.acquire("live", cost), 200, {})
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == pytest.approx(1010.0, abs=0.1)
