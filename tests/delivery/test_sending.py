"""Batches sent to a server that misbehaves: every record has one outcome, and nothing is done twice."""

import asyncio
import json
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.delivery.retry import RetryPolicy
from penstock.delivery.sender import Sender
from penstock.model.outcome import Outcome
from penstock.model.record import Replies, Request, RetryClass
from penstock.model.spec import RateLimit
from penstock.run.stop import Stopped
from support.kernel.delivery_client import KEY, client_of, every, one_body, payloads, shape
from support.kernel.virtual_time import ImpatientClock
from support.servers.scripted_server import (
    ScriptedServer,
    cut,
    cut_in_body,
    cut_in_headers,
    endless,
    gzipped,
    never,
    raw,
    reply,
)

ONCE, IDEMPOTENT = RetryClass.ONCE, RetryClass.IDEMPOTENT


async def deliver(server, some, where, *, requests_for=None, policy=None, rate=None, **options):
    clock = ImpatientClock()
    more = {} if rate is None else {"rate": rate}
    async with client_of(server.url, clock=clock, reply_limit=200_000, **more) as client:
        sender = Sender(client, clock, policy or RetryPolicy())
        deliveries = await every(sender.deliver(some, where, requests_for or one_body(where), **options))
    assert client.requests == sum(delivery.requests for delivery in deliveries)
    return deliveries, clock


async def one(script, *, count=1, policy=None, **kind):
    """The delivery of one batch, when it is only one."""
    async with ScriptedServer(list(script)) as server:
        (delivery,), clock = await deliver(
            server, payloads(count), shape(server.url, size=count, **kind), policy=policy
        )
        return delivery, server.log, clock


def outcomes(deliveries):
    return {s.payload.key: s.outcome for delivery in deliveries for s in delivery.settled}


# ── one answer, one end ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("step", "outcome", "reason"),
    [
        (reply(200, {"id": "5f"}), Outcome.DELIVERED, "200 OK"),
        (reply(201, {}), Outcome.DELIVERED, "201 Created"),
        (raw(b"HTTP/1.1 204 No Content\r\n\r\n"), Outcome.DELIVERED, "204 No Content"),
        (reply(202, {}), Outcome.ACCEPTED, "202 Accepted"),
        (reply(200, b""), Outcome.DELIVERED, "200 OK"),
        (reply(200, b'{"id": '), Outcome.DELIVERED, "200 OK; the reply is not JSON, so its status counts"),
        (cut_in_body(200), Outcome.DELIVERED, "200 OK; the reply was cut"),
        (endless(), Outcome.DELIVERED, "200 OK; the reply was cut"),
        (gzipped(b'{"id": "5f"}'), Outcome.DELIVERED, "200 OK"),
        (
            reply(200, b"<!DOCTYPE html><title>Sign in</title>", content_type="text/html"),
            Outcome.QUARANTINED,
            "an HTML page, not an API reply (a login page?): 200: Sign in (an HTML page) (Custify)",
        ),
        (
            reply(200, b"  <html><body>Welcome"),
            Outcome.QUARANTINED,
            "an HTML page, not an API reply (a login page?): 200: an HTML page (Custify)",
        ),
        (reply(422, {"message": "email is not valid"}), Outcome.QUARANTINED, "422: email is not valid (Custify)"),
        (reply(400, {"error": {"message": "no user_id"}}), Outcome.QUARANTINED, "400: no user_id (Custify)"),
        (reply(413), Outcome.QUARANTINED, None),
        (
            reply(404, {"error": "People not found"}),
            Outcome.QUARANTINED,
            "404: People not found (Custify): send the person first (upsert_person), then this record again",
        ),
        (
            reply(302, b"", {"Location": "https://app.custify.com/login"}),
            Outcome.QUARANTINED,
            (
                "302: a redirect is not followed, because the key would travel with it; "
                "it leads to https://app.custify.com/login (Custify)"
            ),
        ),
    ],
)
@pytest.mark.parametrize("retry", [IDEMPOTENT, ONCE])
async def test_the_outcome_of_each_reply(step, outcome, reason, retry):
    delivery, log, _ = await one([step], retry=retry)
    assert delivery.outcome is outcome
    assert [settled.outcome for settled in delivery.settled] == [outcome]
    assert (delivery.attempts, delivery.requests, len(log)) == (1, 1, 1)
    if reason is not None:
        assert delivery.reason == reason
    if outcome is Outcome.QUARANTINED:
        assert delivery.settled[0].refusal.reason == delivery.reason


async def test_the_remote_id_of_the_reply_is_in_the_result():
    delivery, _, _ = await one([reply(200, {"id": "64b7", "email": "a@b.c"})])
    assert delivery.settled[0].remote_id == "64b7"


async def test_the_facts_of_a_delivery():
    delivery, _, _ = await one([reply(500), reply(200, {})])
    assert (delivery.attempts, delivery.requests, delivery.status) == (2, 2, 200)
    assert delivery.duration_ms > 0
    assert delivery.sent_at.startswith("2026-01-0")
    assert delivery.sent_at.endswith("Z")


# ── again, or not ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "trouble",
    [
        reply(500),
        reply(503, b"busy"),
        reply(408),
        reply(425),
        reply(429),
        cut(),
        cut_in_headers(),
        raw(b"garbage\r\n\r\n"),
    ],
)
async def test_an_idempotent_request_is_retried(trouble):
    delivery, log, _ = await one([trouble, reply(200, {})])
    assert delivery.outcome is Outcome.DELIVERED
    assert (delivery.attempts, len(log)) == (2, 2)
    assert log[0].body == log[1].body


@pytest.mark.parametrize("trouble", [reply(425), reply(429)])
async def test_a_request_that_may_be_sent_once_is_retried_if_nothing_was_done(trouble):
    delivery, log, _ = await one([trouble, reply(200, {})], retry=ONCE)
    assert delivery.outcome is Outcome.DELIVERED
    assert len(log) == 2


@pytest.mark.parametrize(
    "trouble", [reply(500), reply(503), reply(408), cut(), cut_in_headers(), raw(b"garbage\r\n\r\n")]
)
async def test_a_request_that_may_be_sent_once_is_not_retried_if_it_may_have_been_done(trouble):
    delivery, log, _ = await one([trouble, reply(200, {})], retry=ONCE)
    assert delivery.outcome is Outcome.UNKNOWN
    assert delivery.settled[0].refusal.rule == "no answer"
    assert delivery.reason.startswith("sent, ")
    assert len(log) == 1


async def test_after_the_last_attempt_the_reason_quotes_the_api():
    delivery, log, clock = await one([reply(503, {"message": "down for repair"})] * 9)
    assert delivery.outcome is Outcome.QUARANTINED
    assert delivery.reason == "503: down for repair (Custify), after 6 attempts"
    assert (delivery.attempts, len(log)) == (6, 6)
    assert clock.slept == pytest.approx([0.1875, 0.375, 0.75, 1.5, 3.0])


async def test_records_without_a_reply_to_any_attempt_are_unknown():
    delivery, log, _ = await one([cut()] * 9)
    assert delivery.outcome is Outcome.UNKNOWN
    assert "no answer after 6 attempts" in delivery.reason
    assert len(log) == 6


async def test_records_are_unknown_if_the_api_is_too_slow():
    async with ScriptedServer([never()]) as server, client_of(server.url, patience=0.2) as client:
        where = shape(server.url, retry=ONCE)
        (delivery,) = await every(Sender(client, ImpatientClock()).deliver(payloads(1), where, one_body(where)))
    assert delivery.outcome is Outcome.UNKNOWN
    assert delivery.reason == "sent, no answer: no answer in time"


async def test_the_pause_is_at_least_retry_after():
    _, _, clock = await one([reply(503, b"", {"Retry-After": "7"}), reply(200, {})])
    assert clock.slept == [7.0]


async def test_a_retry_after_longer_than_the_patience_ends_the_request():
    delivery, log, clock = await one([reply(503, b"", {"Retry-After": "3600"})])
    assert delivery.outcome is Outcome.QUARANTINED
    assert (clock.slept, len(log)) == ([], 1)


async def test_a_429_does_not_count_as_an_attempt():
    limited = [reply(429, b"", {"Retry-After": "10"})] * 20
    delivery, _, clock = await one([*limited, reply(200, {})])
    assert delivery.outcome is Outcome.DELIVERED
    assert delivery.attempts == 21
    assert sum(clock.slept) == pytest.approx(200, rel=0.1)


async def test_429_for_ten_minutes_stops_the_run_and_the_records_are_unsent():
    delivery, _, clock = await one([reply(429, {"message": "slow down"}, {"Retry-After": "60"})] * 20)
    assert delivery.outcome is Outcome.UNSENT
    assert delivery.stop.kind == "unreachable"
    assert "slow down" in delivery.stop.reason
    assert sum(clock.slept) < 700


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_credential_stops_the_run_and_the_records_are_unsent(status):
    delivery, log, _ = await one([reply(status, {"message": "invalid API-KEY"})], count=3)
    assert delivery.stop.kind == "credential"
    assert delivery.stop.reason == f"the credential was refused: {status}: invalid API-KEY (Custify)"
    assert [settled.outcome for settled in delivery.settled] == [Outcome.UNSENT] * 3
    assert len(log) == 1


@pytest.mark.parametrize("retry", [IDEMPOTENT, ONCE])
async def test_without_a_connection_the_run_stops_and_the_records_are_unsent(retry):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        where = shape(url, retry=retry)
        async with client_of(url) as client:
            (delivery,) = await every(Sender(client, ImpatientClock()).deliver(payloads(1), where, one_body(where)))
    assert (delivery.stop.kind, delivery.outcome) == ("unreachable", Outcome.UNSENT)
    assert (delivery.attempts, delivery.requests) == (6, 0)
    assert "nothing listens at 127.0.0.1" in delivery.stop.reason


async def test_the_intent_is_written_before_the_first_byte_of_each_attempt():
    moments = []
    async with ScriptedServer([reply(429), reply(425), reply(200, {})]) as server:

        async def before():
            moments.append(len(server.log))

        where = shape(server.url, retry=ONCE)
        await deliver(server, payloads(1), where, before=before)
        assert len(server.log) == 3
    assert moments == [0, 1, 2]


async def test_new_records_go_before_retries():
    async with ScriptedServer([reply(500)]) as server:
        clock = ImpatientClock()
        async with client_of(server.url, clock=clock, rate=RateLimit(1, 0.2)) as client:
            where = shape(server.url)
            sender = Sender(client, clock)
            await asyncio.gather(*(every(sender.deliver([one], where, one_body(where))) for one in payloads(3)))
        assert [json.loads(seen.body)["n"] for seen in server.log] == [0, 1, 2, 0]


class StoppedClock(ImpatientClock):
    """The run stops at the first pause."""

    async def sleep(self, seconds):
        raise Stopped


async def test_a_run_that_stops_during_a_pause_sends_and_settles_nothing_more():
    async with ScriptedServer([reply(422), reply(200, {}), reply(500)]) as server:
        where = shape(server.url, size=4)
        settled = []
        async with client_of(server.url) as client:
            with pytest.raises(Stopped):
                async for delivery in Sender(client, StoppedClock()).deliver(payloads(4), where, one_body(where)):
                    settled += [s.payload.key for s in delivery.settled]
        assert len(server.log) == 3
    assert settled == ["k0", "k1"]


# ── batches ──────────────────────────────────────────────────────────────────


def picky(bad: set[int], status=422):
    """Refuses every batch that holds one of the bad records."""

    def answer(seen):
        sent = json.loads(seen.body)
        numbers = [each["n"] for each in (sent if isinstance(sent, list) else [sent])]
        refused = sorted(bad.intersection(numbers))
        return reply(status, {"message": f"{refused[0]} is bad"}) if refused else reply(200, {})

    return answer


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_batch_is_halved_until_the_bad_records_are_alone(status):
    async with ScriptedServer(answer=picky({3, 77}, status)) as server:
        where = shape(server.url, size=100)
        deliveries, _ = await deliver(server, payloads(100), where)
        assert len(server.log) < 30
    found = outcomes(deliveries)
    assert len(found) == sum(len(delivery.settled) for delivery in deliveries) == 100
    assert {key for key, outcome in found.items() if outcome is Outcome.QUARANTINED} == {"k3", "k77"}
    reasons = [s.refusal.reason for delivery in deliveries for s in delivery.settled if s.refusal]
    assert reasons == [f"{status}: 3 is bad (Custify)", f"{status}: 77 is bad (Custify)"]


async def test_a_refused_batch_that_may_be_sent_once_is_not_halved():
    async with ScriptedServer(answer=picky({3})) as server:
        (delivery,), _ = await deliver(server, payloads(5), shape(server.url, size=5, retry=ONCE))
        assert len(server.log) == 1
    assert set(outcomes([delivery]).values()) == {Outcome.QUARANTINED}


async def test_a_batch_that_grouping_code_made_is_not_halved():
    async with ScriptedServer(answer=picky({3})) as server:
        where = shape(server.url, size=5, algorithm="code")
        (delivery,), _ = await deliver(server, payloads(5), where)
        assert len(server.log) == 1
    assert set(outcomes([delivery]).values()) == {Outcome.QUARANTINED}


async def test_a_credential_refused_between_the_halves_leaves_the_rest_unsent():
    async with ScriptedServer([reply(422), reply(200, {}), reply(401)]) as server:
        deliveries, _ = await deliver(server, payloads(4), shape(server.url, size=4))
    assert outcomes(deliveries) == {
        "k0": Outcome.DELIVERED,
        "k1": Outcome.DELIVERED,
        "k2": Outcome.UNSENT,
        "k3": Outcome.UNSENT,
    }
    assert deliveries[-1].stop.kind == "credential"


async def test_after_a_refused_credential_no_half_is_sent():
    async with ScriptedServer([reply(422), reply(401)]) as server:
        deliveries, _ = await deliver(server, payloads(4), shape(server.url, size=4))
        assert len(server.log) == 2
    assert set(outcomes(deliveries).values()) == {Outcome.UNSENT}


async def test_results_per_item_find_their_records():
    results = [
        {"index": 2, "status": "error", "statusCode": 422, "error": "email is not valid"},
        {"index": 0, "status": "success", "statusCode": 200, "id": "aa"},
        {"index": 1, "status": "success", "statusCode": 200, "id": "bb"},
        {"index": 9, "status": "success"},
    ]
    delivery, _, _ = await one([reply(200, {"results": results})], count=3, replies=Replies.ITEMS)
    assert [s.outcome for s in delivery.settled] == [Outcome.DELIVERED, Outcome.DELIVERED, Outcome.QUARANTINED]
    assert [s.remote_id for s in delivery.settled] == ["aa", "bb", None]
    assert delivery.settled[2].refusal.reason == "422: email is not valid (Custify)"
    assert delivery.outcome is Outcome.QUARANTINED
    assert delivery.reason == (
        "200 OK: 2 delivered, 1 quarantined; first: 422: email is not valid (Custify); "
        "1 results belong to no record and were ignored"
    )


async def test_a_record_that_the_reply_does_not_mention_is_not_delivered():
    results = [{"index": 0, "status": "success"}]
    script = [reply(200, {"results": results}), *[reply(200, {"results": [{"status": "ok"}] * 2})] * 9]
    async with ScriptedServer(script) as server:
        where = shape(server.url, size=2, replies=Replies.ITEMS)
        deliveries, _ = await deliver(server, payloads(2), where)
    assert outcomes(deliveries) == {"k0": Outcome.DELIVERED, "k1": Outcome.QUARANTINED}
    assert [len(delivery.settled) for delivery in deliveries] == [1, 0, 0, 0, 0, 1]
    assert "after 6 attempts" in deliveries[-1].reason
    assert [seen.body for seen in server.log] == [b'[{"n":0},{"n":1}]', *[b'[{"n":1}]'] * 5]


async def test_a_refused_batch_whose_reply_has_results_is_not_halved():
    results = [{"status": "ok"}, {"status": "failed", "message": "no e-mail"}]
    delivery, log, _ = await one([reply(400, {"results": results})], count=2, replies=Replies.ITEMS)
    assert [s.outcome for s in delivery.settled] == [Outcome.DELIVERED, Outcome.QUARANTINED]
    assert len(log) == 1


async def test_a_cut_reply_with_results_confirms_nothing():
    delivery, _, _ = await one([cut_in_body(200)], count=2, replies=Replies.ITEMS)
    assert {s.outcome for s in delivery.settled} == {Outcome.ACCEPTED}


@pytest.mark.parametrize("name", ["id", "_id", "jobId", "job_id", "batchId"])
@pytest.mark.parametrize("nested", [False, True])
async def test_a_batch_that_became_a_job(name, nested):
    body = {"batch": {name: "j-1"}} if nested else {name: "j-1", "status": "pending"}
    delivery, _, _ = await one([reply(202, body)], count=2, replies=Replies.JOBS)
    assert delivery.job == "j-1"
    assert [s.outcome for s in delivery.settled] == [Outcome.ACCEPTED] * 2


async def test_an_id_in_a_reply_is_no_job_for_endpoints_without_jobs():
    delivery, _, _ = await one([reply(200, {"id": "b-1", "status": "completed"})], count=2, replies=Replies.ITEMS)
    assert (delivery.job, delivery.outcome) == (None, Outcome.DELIVERED)


async def test_a_202_without_a_job_is_accepted():
    delivery, _, _ = await one([reply(202, {})], count=2, replies=Replies.JOBS)
    assert (delivery.job, delivery.outcome) == (None, Outcome.ACCEPTED)


# ── grouping code that makes several requests of one batch ───────────────────


async def several(script, retry=IDEMPOTENT):
    async with ScriptedServer(list(script)) as server:
        where = shape(server.url, size=4, retry=retry, algorithm="code")

        def three_bodies(some):
            return [Request("POST", where.url, (), body) for body in (b"[0]", b"[1]", b"[2]")]

        deliveries, _ = await deliver(server, payloads(4), where, requests_for=three_bodies)
        return deliveries, len(server.log)


@pytest.mark.parametrize(
    ("script", "retry", "outcome", "sent"),
    [
        ([reply(200, {})] * 3, IDEMPOTENT, Outcome.DELIVERED, 3),
        ([reply(200, {}), reply(202, {}), reply(200, {})], IDEMPOTENT, Outcome.ACCEPTED, 3),
        ([reply(200, {}), reply(422, {})], IDEMPOTENT, Outcome.QUARANTINED, 2),
        ([reply(200, {}), reply(401, {})], IDEMPOTENT, Outcome.UNSENT, 2),
        ([reply(200, {}), reply(401, {})], ONCE, Outcome.UNKNOWN, 2),
        ([reply(401, {})], ONCE, Outcome.UNSENT, 1),
        ([reply(200, {}), cut()], ONCE, Outcome.UNKNOWN, 2),
    ],
)
async def test_the_records_of_several_requests_of_one_batch_share_one_outcome(script, retry, outcome, sent):
    deliveries, seen = await several(script, retry)
    assert outcomes(deliveries) == {f"k{n}": outcome for n in range(4)}
    assert sum(len(delivery.settled) for delivery in deliveries) == 4
    assert seen == sent


async def test_grouping_code_without_requests_quarantines_the_batch():
    async with ScriptedServer() as server:
        where = shape(server.url, size=2, algorithm="code")
        (delivery,), _ = await deliver(server, payloads(2), where, requests_for=lambda _: [])
    assert set(outcomes([delivery]).values()) == {Outcome.QUARANTINED}


# ── laws ─────────────────────────────────────────────────────────────────────

HOLDS_THE_KEY = {"message": f"Bearer {KEY} is not allowed\x00\x1b[31m", "id": "x"}
STEPS = {
    "200": reply(200, {"id": "a"}),
    "200 items": reply(200, {"results": [{"index": 0, "status": "success"}, {"index": 1, "error": KEY}]}),
    "200 html": reply(200, f"<html><title>{KEY}</title>".encode(), content_type="text/html"),
    "200 broken": reply(200, b'{"id'),
    "202 job": reply(202, {"id": "j"}),
    "204": raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False),
    "302": reply(302, b"", {"Location": f"https://example.com/?{KEY}"}),
    "400": reply(400, HOLDS_THE_KEY),
    "401": reply(401, HOLDS_THE_KEY),
    "404": reply(404, KEY.encode(), content_type="text/plain"),
    "408": reply(408),
    "413": reply(413, [{"error": KEY}]),
    "422": reply(422, {"error": {"message": f"{KEY} " * 200}}),
    "425": reply(425),
    "429": reply(429, HOLDS_THE_KEY, {"Retry-After": "2"}),
    "429 bare": reply(429),
    "500": reply(500, HOLDS_THE_KEY),
    "503": reply(503, b"", {"Retry-After": "Thu, 01 Jan 2026 00:00:03 GMT"}),
    "cut": cut(),
    "cut in headers": cut_in_headers(),
    "cut in body": cut_in_body(),
    "garbage": raw(f"{KEY}\r\n\r\n".encode()),
    "huge": endless(),
    "gzip": gzipped(json.dumps(HOLDS_THE_KEY).encode(), 422),
}
NOTHING_DONE = {"425", "429", "429 bare"}


@settings(max_examples=settings.default.max_examples, deadline=None)
@given(
    script=st.lists(st.sampled_from(sorted(STEPS)), max_size=12),
    count=st.integers(1, 9),
    retry=st.sampled_from(RetryClass),
    replies=st.sampled_from(Replies),
)
def test_under_any_faults_every_record_has_one_outcome_and_nothing_is_doubled(script, count, retry, replies):
    async def main():
        async with ScriptedServer([STEPS[name] for name in script]) as server:
            where = shape(server.url, size=count, retry=retry, replies=replies)
            deliveries, _ = await deliver(server, payloads(count), where)
            return deliveries, server.log

    deliveries, log = asyncio.run(main())
    settled = [s for delivery in deliveries for s in delivery.settled]
    assert sorted(s.payload.ordinal for s in settled) == list(range(count))
    assert sum(delivery.requests for delivery in deliveries) == len(log)
    for s in settled:
        needs_a_reason = s.outcome in {Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.UNSENT}
        assert (s.refusal is not None) == needs_a_reason
    said = repr([(d.reason, d.stop, d.job, [(s.outcome, s.refusal) for s in d.settled]) for d in deliveries])
    assert KEY not in said
    assert "\\x" not in said
    if retry is ONCE:
        for position in range(len(log) - 1):
            assert script[position] in NOTHING_DONE, "sent again although it may have been done"
    delivered = {s.payload.ordinal for s in settled if s.outcome is Outcome.DELIVERED}
    if delivered and retry is IDEMPOTENT:
        assert any((script + ["200"] * len(log))[n].startswith(("20", "cut in body", "huge")) for n in range(len(log)))
