"""The most urgent lane goes first, and each lower lane that waits gets one request in ten."""

from hypothesis import example, given
from hypothesis import strategies as st

from penstock.delivery.limit.lanes import NONE, next_lane, of_lane, passed_over, turns

waiting_lanes = st.sets(st.integers(0, 3), min_size=1).map(sorted)


def test_the_most_urgent_lane_goes_first_nine_times_in_ten():
    assert sequence([[1, 3]] * 22) == [*[1] * 9, 3, *[1] * 9, 3, 1, 1]


def test_three_lower_lanes_get_a_tenth_each():
    sent = sequence([[0, 1, 2, 3]] * 100)
    assert [sent.count(rank) for rank in range(4)] == [70, 10, 10, 10]


def sequence(waiting):
    """The lanes that send, one request each time, when these lanes wait."""
    passed, sent = NONE, []
    for lanes in waiting:
        rank = next_lane(lanes, passed)
        passed = passed_over(passed, lanes, of_lane(rank, 1))
        sent.append(rank)
    return sent


@given(st.lists(waiting_lanes, min_size=1, max_size=120))
@example([[1, 2, 3]] * 40)
def test_a_lane_that_waits_is_never_passed_over_more_than_nine_times(waiting):
    since = dict.fromkeys(range(4), 0)
    for lanes, rank in zip(waiting, sequence(waiting), strict=True):
        assert rank in lanes
        since = {lane: since[lane] + 1 if lane in lanes and lane != rank else 0 for lane in since}
        assert max(since[lane] for lane in range(1, 4)) <= 9
        if rank != lanes[0]:
            assert sum(since[lane] for lane in lanes) > 0


@given(st.lists(waiting_lanes, min_size=1, max_size=120))
def test_a_lower_lane_goes_before_a_more_urgent_one_only_when_its_turn_is_near(waiting):
    passed = NONE
    for lanes in waiting:
        rank = next_lane(lanes, passed)
        others = len(lanes) - 2
        assert rank == lanes[0] or passed[rank] >= 9 - others
        passed = passed_over(passed, lanes, of_lane(rank, 1))


def test_requests_of_other_processes_count_and_what_is_due_is_sent_one_after_the_other():
    passed = passed_over(NONE, {3}, (0, 30, 0, 1))
    assert (passed, turns(passed[3])) == ((0, 0, 0, 21), 2)
    assert next_lane([1, 3], passed) == 3
    passed = passed_over(passed, [1, 3], of_lane(3, 1))
    assert passed == (0, 1, 0, 12)
    assert next_lane([1, 3], passed) == 3
