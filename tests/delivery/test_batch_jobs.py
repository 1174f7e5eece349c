"""Batch jobs are polled until they end, and not more often than needed."""

import pytest

from penstock.model.outcome import Outcome
from support.kernel.delivery_client import client_of, payloads, poll, polling_of
from support.kernel.virtual_time import ImpatientClock
from support.servers.scripted_server import ScriptedServer, cut, reply

PENDING = reply(200, {"id": "j/1", "status": "pending"})
DONE = reply(
    200,
    {
        "id": "j/1",
        "status": "completed",
        "results": [
            {"index": 0, "type": "people", "status": "success", "statusCode": 200, "id": "aa"},
            {"index": 1, "type": "people", "status": "error", "statusCode": 400, "error": "email is not valid"},
        ],
    },
)


async def polled(*script, **settings):
    clock = ImpatientClock()
    async with ScriptedServer(list(script)) as server, client_of(server.url, clock=clock) as client:
        delivery = await poll(client, clock, polling_of(client, **settings), "j/1", payloads(2))
        return delivery, server.log, clock


async def test_a_job_is_polled_until_it_has_ended():
    delivery, log, _ = await polled(PENDING, PENDING, DONE)
    assert [(seen.method, seen.target) for seen in log] == [("GET", "/batch/j%2F1")] * 3
    assert [s.outcome for s in delivery.settled] == [Outcome.DELIVERED, Outcome.QUARANTINED]
    assert delivery.settled[0].remote_id == "aa"
    assert delivery.settled[1].refusal.reason == "400: email is not valid (Custify)"
    assert delivery.requests == 3


@pytest.mark.parametrize("trouble", [reply(500), reply(429), cut(), reply(404)])
async def test_an_error_reply_to_a_poll_does_not_end_the_job(trouble):
    delivery, _, _ = await polled(trouble, DONE)
    assert delivery.outcome is Outcome.QUARANTINED


async def test_pauses_between_polls_grow_until_the_timeout():
    delivery, log, clock = await polled(*[PENDING] * 500, timeout=600.0)
    assert delivery is None
    assert 550 < sum(clock.slept) < 650
    assert max(clock.slept) == 5.0
    assert len(log) < 140


async def test_the_first_poll_of_a_job_comes_after_the_usual_time_of_earlier_jobs():
    clock = ImpatientClock()
    async with ScriptedServer([PENDING] * 4 + [DONE] * 20) as server, client_of(server.url, clock=clock) as client:
        polling = polling_of(client)
        await poll(client, clock, polling, "j/1", payloads(2))
        took = sum(clock.slept)
        seen = len(server.log)
        await poll(client, clock, polling, "j/1", payloads(2))
        assert len(server.log) == seen + 1
        assert clock.slept[-1] > took / 3


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (reply(200, {"status": "failed", "message": "no such type"}), Outcome.QUARANTINED),
        (reply(200, {"status": "completed"}), Outcome.ACCEPTED),
        (reply(200, {"results": [{"status": "ok"}, {"status": "ok"}]}), Outcome.DELIVERED),
    ],
)
async def test_the_outcome_of_jobs_whose_last_reply_has_no_results(step, outcome):
    delivery, _, _ = await polled(step)
    assert delivery.outcome is outcome
    assert len(delivery.settled) + len(delivery.missing) == 2


@pytest.mark.parametrize(
    ("document", "settled", "missing"),
    [
        ({"status": "failed", "message": "no such type"}, [], ["k0", "k1"]),
        ({"status": "canceled", "results": [{"index": 0, "status": "ok"}]}, ["k0"], ["k1"]),
        ({"status": "failed", "results": [{"index": 1}, {"index": 0, "error": "no"}]}, ["k0"], ["k1"]),
        ({"status": "completed", "results": [{"index": 1, "status": "ok"}]}, ["k1"], ["k0"]),
        ({"status": "completed", "results": [{"key": "k1", "status": "ok"}]}, ["k1"], ["k0"]),
        ({"status": "completed", "results": [{"status": "ok"}]}, [], ["k0", "k1"]),
        ({"status": "completed", "results": [{"status": "ok"}] * 3}, [], ["k0", "k1"]),
    ],
)
async def test_a_record_without_a_result_is_not_delivered(document, settled, missing):
    delivery, _, _ = await polled(reply(200, document))
    assert [s.payload.key for s in delivery.settled] == settled
    assert [payload.key for payload in delivery.missing] == missing


async def test_the_records_of_a_job_that_the_api_no_longer_knows_are_unknown():
    delivery, log, _ = await polled(*[reply(404, {"message": "no such job"})] * 9)
    assert {s.outcome for s in delivery.settled} == {Outcome.UNKNOWN}
    assert "no such job" in delivery.reason
    assert len(log) == 3


async def test_a_refused_credential_stops_the_run_and_settles_no_record_of_the_job():
    delivery, _, _ = await polled(reply(401, {"message": "invalid API-KEY"}))
    assert delivery.stop.kind == "credential"
    assert delivery.settled == ()
