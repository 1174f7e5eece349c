"""The rate limit that processes of one credential share: none sends more, all of it is used, all stop at a 429."""

from dataclasses import replace

from penstock.delivery.limit.rate_limit import Allowance
from penstock.run.connection.shared_rate_limit import EndedRequest, UsageReport, WaitingInProcess, lease
from penstock.store import leases
from penstock.store.leases import RateLimitRow

CONFIGURED = (100, 10.0)
ROW = RateLimitRow(*CONFIGURED, CONFIGURED)


def report(user="a", **parts):
    return UsageReport(user, CONFIGURED, **parts)


def test_places_are_leased_a_few_at_a_time_and_a_new_window_opens_after_its_first_reply():
    row, given = ROW, []
    for number in range(12):
        row, got = lease(row, 1000.0, report(in_flight=10 * min(number, 10), want=50))
        given.append(got.places)
    assert given == [10] * 10 + [0, 0]
    replies = tuple(EndedRequest(0.9, 0.5, 1) for _ in range(100))
    row, got = lease(row, 1001.0, report(ended=replies, want=1))  # the first reply came at 1000.5
    assert (got.places, round(got.again, 2)) == (0, 9.52)
    assert lease(row, 1010.4, report(want=5))[1].places == 0
    assert lease(row, 1010.6, report(want=5))[1].places == 5


def test_places_that_are_left_are_leased_before_the_window_ends():
    """0.1.0 slept until the next window after a renewal that granted nothing."""
    row, _ = lease(ROW, 1000.0, report(want=10))
    ended = (EndedRequest(0.1, 0.1, 1, Allowance(100, 10)),)
    row, got = lease(row, 1000.2, report(in_flight=9, ended=ended, want=10))
    assert got.places == 1
    row, got = lease(row, 1000.2, report("b", want=10))
    assert got.places == 0
    assert got.again <= 0.1, "what the other has on its way may be counted already"
    row, _ = lease(row, 1000.3, report(ended=tuple(EndedRequest(0.1, 0.05, 1, Allowance(100, 5)) for _ in range(10))))
    assert lease(row, 1000.3, report("b", want=10))[1].places == 5


def test_a_request_for_no_places_is_not_a_refusal():
    row, _ = lease(ROW, 1000.0, report(want=10))
    row, _ = lease(row, 1000.1, report(in_flight=9, ended=(EndedRequest(0.05, 0.01, 1),), want=0))
    assert lease(row, 1000.1, report(in_flight=9, want=10))[1].places == 10


def test_places_of_a_dead_process_are_not_charged_to_the_next_window():
    row, _ = lease(ROW, 1000.0, report("dead", want=10))
    row, _ = lease(row, 1000.1, report(want=10))
    row, _ = lease(row, 1000.2, report(ended=tuple(EndedRequest(0.1, 0.05, 1) for _ in range(10))))
    row, got = lease(row, 1010.4, report(want=100))
    assert (got.places, row.used) == (10, 10)


def test_places_of_a_process_without_reports_are_leased_again():
    row, _ = lease(ROW, 1000.0, report("dead", want=10))
    for number in range(1, 10):
        row, _ = lease(row, 1000.0, report("dead", in_flight=10 * number, want=10))
    assert lease(row, 1010.5, report(want=10))[1].places == 0
    assert lease(row, 1011.1, report(want=10))[1].places == 10


def test_a_process_that_reports_again_after_a_long_pause_is_charged_for_its_requests():
    row, _ = lease(ROW, 1000.0, report("slow", want=10))
    row, _ = lease(row, 1000.0, report(want=10))
    row, _ = lease(row, 1000.1, report(ended=(EndedRequest(0.1, 0.05, 10),)))
    row, _ = lease(row, 1010.4, report(want=1))
    row, _ = lease(row, 1010.5, report("slow", in_flight=10))
    assert row.used == 11


def test_a_429_stops_every_process_until_a_new_window_opens():
    row, _ = lease(ROW, 1000.0, report(want=10))
    row, got = lease(row, 1001.0, report("b", block=5.0, want=10))
    assert (got.places, got.blocked) == (0, 5.0)
    assert lease(row, 1005.9, report(want=1))[1].places == 0
    assert lease(row, 1006.1, report(want=3))[1].places == 3


def test_returned_places_are_leased_again():
    row, _ = lease(ROW, 1000.0, report(want=10))
    row, _ = lease(row, 1000.1, report(returned=10))
    assert row.used == 0


def test_the_remaining_requests_in_reply_headers_count():
    row, _ = lease(ROW, 1000.0, report(want=2))
    ended = (EndedRequest(0.1, 0.1, 1, Allowance(100, 4)),)
    row, got = lease(row, 1000.2, report(in_flight=1, ended=ended, want=10))
    assert got.places == 3  # another one is still on its way
    assert got.quota == 100


USED_UP = replace(ROW, opened=999.0, used=100, answered=999.5, last_end=999.5)


def waiting(*lanes, cost=95, waited=1.0):
    return WaitingInProcess(lanes, waited, 1, cost)


def test_a_more_urgent_lane_of_another_process_goes_first():
    row, _ = lease(USED_UP, 1000.0, report("live", waiting=waiting(1), want=95))
    row = replace(row, used=88)
    _, got = lease(row, 1000.1, report("backfill", waiting=waiting(3, waited=5.0), want=95))
    assert got.places == 0
    _, got = lease(row, 1000.1, report("test", waiting=waiting(0, waited=0.0), want=95))
    assert got.places == 10


def test_who_has_waited_longer_in_the_same_lane_goes_first():
    row, _ = lease(USED_UP, 1000.0, report("first", waiting=waiting(1, cost=10), want=10))
    _, got = lease(replace(row, used=88), 1000.1, report("second", waiting=waiting(1, waited=0.5), want=95))
    assert got.places == 2


def test_a_lane_that_gets_all_it_needs_leaves_the_rest_to_the_lower_lanes():
    row, _ = lease(ROW, 1000.0, report("live", waiting=waiting(1, cost=1), want=64))
    assert lease(row, 1000.1, report("backfill", waiting=waiting(3), want=95))[1].places == 10


def test_after_nine_requests_of_others_it_is_the_turn_of_a_lower_lane_that_waits():
    row, _ = lease(USED_UP, 1000.0, report("live", waiting=waiting(1), want=95))
    row, _ = lease(row, 1000.0, report("backfill", waiting=waiting(3), want=95))
    row, got = lease(replace(row, used=50), 1000.1, report("live", waiting=waiting(1), want=95, sent=(0, 27, 0, 0)))
    assert (got.places, got.passed) == (10, (0, 0, 0, 27))
    row, got = lease(row, 1000.2, report("backfill", waiting=waiting(3), want=95))
    assert got.places == 3
    _, again = lease(row, 1000.2, report("another backfill", waiting=waiting(3), want=95))
    assert again.places == 0, "the turns of a lane are not multiplied by its processes"
    row, got = lease(row, 1000.3, report("backfill", waiting=waiting(3), want=95, sent=(0, 0, 0, 3)))
    assert (got.places, got.passed[3]) == (0, 0)


def test_the_turn_of_a_lower_lane_is_left_to_it_at_the_end_of_a_window():
    row, _ = lease(USED_UP, 1000.0, report("backfill", waiting=waiting(3), want=95))
    row = replace(row, used=92)
    _, got = lease(row, 1000.1, report("live", waiting=waiting(1), want=95, sent=(0, 30, 0, 0)))
    assert got.places == 5


def test_a_request_that_may_count_in_two_windows_is_charged_to_both():
    row, _ = lease(ROW, 1000.0, report(want=10))
    row, _ = lease(row, 1001.0, report(in_flight=3, ended=(EndedRequest(1.0, 0.5, 7),)))
    row, _ = lease(row, 1010.3, report(ended=(EndedRequest(10.3, 0.1, 3),)))
    row, got = lease(row, 1010.6, report(want=10))
    assert (got.places, row.used) == (10, 13)


def test_an_edited_rate_limit_is_used_at_once():
    row, _ = lease(ROW, 1000.0, report(want=10))
    _, got = lease(row, 1000.1, UsageReport("a", (15, 1.0), unused=10, want=10))
    assert (got.places, got.quota) == (2, 15)


def test_a_clock_that_was_put_back_does_not_close_the_window_for_long():
    row, _ = lease(ROW, 5000.0, report(want=10))
    row, _ = lease(row, 5000.1, report(ended=tuple(EndedRequest(0.1, 0.05, 1) for _ in range(10))))
    row, _ = lease(row, 1000.0, report(want=10))
    assert lease(row, 1010.3, report(ended=(EndedRequest(10.2, 10.1, 10),), want=10))[1].places == 10


def test_a_reply_that_seems_to_be_about_the_window_before_opens_no_window_early():
    """The clock was set back between the lease and the report: the request seems to have left before the lease."""
    row, _ = lease(ROW, 1000.0, report(want=10))
    row, got = lease(replace(row, used=100), 1003.5, report(ended=(EndedRequest(3.51, 0.0, 10),), want=1))
    assert (got.places, row.answered) == (0, None)
    assert lease(row, 1013.5, report(want=1))[1].places == 0
    assert lease(row, 1013.6, report(want=1))[1].places == 1


def test_a_row_that_is_stored_and_read_is_the_same(database):
    ended = (EndedRequest(0.2, 0.1, 1, Allowance(90, 7)),)
    row, _ = lease(ROW, 1000.0, report(want=3))
    row, _ = lease(row, 1000.3, report("b", want=3, ended=ended, waiting=WaitingInProcess((1,), 0.5, 1, 3)))
    leases.change_rate_limit(database, "acme", ROW, lambda: 0.0, lambda _row, _now: (row, None))
    assert leases.change_rate_limit(database, "acme", ROW, lambda: 0.0, lambda stored, _now: (stored, stored)) == row
