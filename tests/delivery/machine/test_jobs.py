"""The machine of a batch job: polled to its end; every record is settled once or stays accepted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.machine.jobs import JobEnd, Polling, SentJob, end_of_job, poll_job
from penstock.delivery.machine.protocol import Send, SettleRecords, Wait
from penstock.delivery.replies import ErrorQuoter
from penstock.model.delivery import Waiting
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Refused, Rendered, Replies, RetryClass
from support.kernel.delivery_client import payloads, shape
from support.kernel.machine_simulator import URL, Simulator, lost, reply, rules_of

ROUTE = f"{URL}/batch/{{job}}"


def ended(*results, state="completed"):
    return reply(200, json.dumps({"status": state, "results": results}).encode())


GOOD = {"status": "ok"}
ANSWERS = {
    "pending": reply(200, b'{"status": "pending"}'),
    "all good": ended(GOOD, GOOD, GOOD),
    "first only": ended({"index": 0, **GOOD}),
    "second failed": ended({"index": 1, "error": "not valid"}),
    "failed": reply(200, b'{"status": "failed", "message": "no such type"}'),
    "another job": reply(202, b'{"id": "j2"}'),
    "200": reply(200),
    "401": reply(401),
    "404": reply(404),
    "422": reply(422),
    "429": reply(429, retry_after="1"),
    "500": reply(500),
    "cut": lost("cut"),
    "refused": lost("refused", nothing_sent=True),
}


def polling(timeout=600.0):
    return Polling(ROUTE, ErrorQuoter(), timeout)


def end_of(script, *, retry=RetryClass.IDEMPOTENT, algorithm="array", render=None, timeout=600.0):
    where = shape(URL, retry=retry, size=100, replies=Replies.JOBS, algorithm=algorithm)
    simulator = Simulator(tuple(ANSWERS[name] for name in script))
    job = SentJob("j/1", payloads(3), rules_of(where), render)
    return simulator.run(end_of_job(job, polling(timeout))), simulator


def outcomes(end):
    return {settled.payload.ordinal: settled.outcome for settled in end.delivery.settled}


@given(
    script=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=40),
    retry=st.sampled_from(RetryClass),
    algorithm=st.sampled_from(["array", "code"]),
)
def test_a_job_settles_every_record_once_or_none(script, retry, algorithm):
    end, simulator = end_of(script, retry=retry, algorithm=algorithm, timeout=30.0)
    assert simulator.of(SettleRecords) == [], "the records of a job are settled by its result, together"
    if isinstance(end, JobEnd) and end.delivery.stop is None:
        assert sorted(settled.payload.ordinal for settled in end.delivery.settled) == [0, 1, 2]
        assert end.delivery.missing == ()
    elif end is not None:
        assert end.delivery.settled == ()


@given(script=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=20))
def test_the_records_of_a_job_that_must_not_be_sent_twice_are_only_polled(script):
    _, simulator = end_of(script, retry=RetryClass.ONCE, timeout=30.0)
    assert {send.request.method for send in simulator.of(Send)} == {"GET"}


def test_a_job_is_polled_below_the_base_url_and_shown_during_the_wait():
    _, simulator = end_of(["pending", "all good"])
    assert {send.request.url for send in simulator.of(Send)} == {f"{URL}/batch/j%2F1"}
    assert [wait.shown for wait in simulator.of(Wait)] == [
        Waiting("batch job", 0.25, job="j/1"),
        Waiting("batch job", 0.25, job="j/1"),
    ]


def test_a_job_that_does_not_end_in_time_has_no_end():
    end, simulator = end_of(["pending"] * 500, timeout=60.0)
    assert end is None
    assert 60 <= simulator.now - 1000 < 70


def test_records_without_a_result_are_sent_again_and_the_new_job_is_polled():
    end, simulator = end_of(["first only", "another job", "pending", "all good"])
    # of the second job with two records, three results come: it is polled to no result, and both go out again
    assert simulator.of(Send)[1].request.body == b'[{"n":1},{"n":2}]'
    assert outcomes(end)[0] is Outcome.DELIVERED
    assert sorted(outcomes(end)) == [0, 1, 2]


def test_a_new_job_with_all_results_ends_the_first():
    two = ended({"index": 0, **GOOD}, {"index": 1, "error": "not valid"})
    where = shape(URL, size=100, replies=Replies.JOBS)
    simulator = Simulator((ANSWERS["first only"], ANSWERS["another job"], two))
    end = simulator.run(end_of_job(SentJob("j/1", payloads(3), rules_of(where)), polling()))
    assert list(outcomes(end).values()) == [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.QUARANTINED]
    assert (end.repeats, end.delivery.requests) == (1, 3)


def test_a_record_without_a_result_is_quarantined_with_the_error_text_of_the_api():
    end, simulator = end_of(["failed"] + ["another job", "failed"] * 10)
    assert set(outcomes(end).values()) == {Outcome.QUARANTINED}
    reason = end.delivery.settled[0].refusal.reason
    assert reason == "the batch job failed: no such type (Custify), after 6 attempts"
    assert len([send for send in simulator.of(Send) if send.request.method == "POST"]) == 5


def test_records_of_an_earlier_process_are_rendered_again_or_refused():
    refusal = Refusal("required", "there is no name")

    def render(missing):
        return Rendered([missing[0]._replace(ordinal=0, text=b'{"n":"new"}')], [Refused(1, "k2", refusal)])

    end, simulator = end_of(["first only", "200"], render=render)
    assert simulator.of(Send)[1].request.body == b'[{"n":"new"}]'
    assert outcomes(end) == {0: Outcome.DELIVERED, 1: Outcome.DELIVERED, 2: Outcome.QUARANTINED}


def test_nothing_is_sent_if_no_record_can_be_rendered_again():
    refusal = Refusal("required", "there is no name")

    def render(missing):
        return Rendered([], [Refused(row, payload.key, refusal) for row, payload in enumerate(missing)])

    end, simulator = end_of(["first only"], render=render)
    assert len(simulator.of(Send)) == 1
    assert outcomes(end) == {0: Outcome.DELIVERED, 1: Outcome.QUARANTINED, 2: Outcome.QUARANTINED}


def test_some_records_of_a_batch_with_grouping_code_are_not_sent_again():
    end, simulator = end_of(["first only"], algorithm="code")
    assert len(simulator.of(Send)) == 1
    assert outcomes(end)[2] is Outcome.QUARANTINED


def test_a_stop_while_records_are_sent_again_settles_nothing():
    end, _ = end_of(["first only", "401"])
    assert (end.delivery.stop.kind, end.delivery.settled) == ("credential", ())


def test_if_the_new_job_does_not_end_in_time_the_first_job_has_no_end():
    end, _ = end_of(["first only", "another job"] + ["pending"] * 200, timeout=60.0)
    assert end is None


def test_the_usual_time_of_jobs_is_learned():
    jobs = polling()
    simulator = Simulator((*[ANSWERS["pending"]] * 4, ANSWERS["all good"]))
    simulator.run(poll_job("j", payloads(3), jobs))
    took = simulator.now - 1000
    assert 0.25 < jobs.first_pause <= took
    before = jobs.first_pause
    Simulator((ANSWERS["all good"],)).run(poll_job("j", payloads(3), jobs))
    assert jobs.first_pause < before, "it ended earlier, perhaps"


@pytest.mark.parametrize("trouble", ["500", "429", "cut", "refused"])
def test_error_replies_to_polls_do_not_end_a_job(trouble):
    end, simulator = end_of([trouble] * 400, timeout=900.0)
    assert end is None
    assert simulator.now - 1000 >= 900


def test_a_job_that_the_api_does_not_know_is_unknown():
    end, simulator = end_of(["404"] * 9)
    assert set(outcomes(end).values()) == {Outcome.UNKNOWN}
    assert len(simulator.of(Send)) == 3
