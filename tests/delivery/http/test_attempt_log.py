"""The log of attempts: what a run in progress shows of failed attempts and pauses."""

from penstock.delivery.http.client import ATTEMPTS_SHOWN, AttemptLog
from penstock.model.delivery import Lost, Reply, Waiting
from penstock.model.record import Request
from penstock.model.spec import RateLimit
from penstock.run.recording.progress import time_left
from support.kernel.virtual_time import LoopClock, run_virtually

POST = Request("POST", "https://api.custify.com/people", (), b"{}")


def test_the_pause_that_ends_first_is_shown_with_what_is_left_of_it():
    async def main():
        clock = LoopClock()
        log = AttemptLog(clock)
        assert log.waiting() is None
        with log.pause(Waiting("batch job", 9.0, job="j1")):
            with log.pause(Waiting("retry", 4.0, 2, 503)):
                assert log.waiting() == Waiting("retry", 4.0, 2, 503)
                await clock.sleep(1.5)
                assert log.waiting() == Waiting("retry", 2.5, 2, 503)
            assert log.waiting() == Waiting("batch job", 7.5, job="j1")
        assert log.waiting() is None

    run_virtually(main())


def test_the_last_attempts_are_listed_in_order():
    async def main():
        log = AttemptLog(LoopClock())
        log.add(POST, 1, Lost("cut", False, "the connection broke", 5.0), 0.5)
        for number in range(ATTEMPTS_SHOWN):
            log.add(POST, number + 2, Reply(503, {}, b"", 5.0), 1.0)
        log.add(POST, 99, Reply(200, {}, b"", 5.0), None)
        attempts = log.attempts()
        assert len(attempts) == ATTEMPTS_SHOWN
        assert [attempts[0].attempt, attempts[-1].attempt] == [3, 99]
        assert (attempts[-1].status, attempts[-1].again_in_s) == (200, None)

    run_virtually(main())


def test_the_estimate_of_the_remaining_time_respects_the_rate_limit():
    limit = RateLimit(100, 10.0)
    # 100 of 1,000 single requests were sent in the first second: nine windows follow
    assert time_left(100, 1000, 100, 1.0, limit) == 90.0
    # unchanged records cost no request: the pace alone counts
    assert time_left(500, 1000, 0, 2.0, limit) == 2.0
    assert time_left(0, 1000, 0, 5.0, limit) is None
    assert time_left(10, None, 10, 5.0, limit) is None
