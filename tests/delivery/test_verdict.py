"""What the last reply or loss of a request means for each of its records."""

import json
from dataclasses import replace

import pytest

from penstock.delivery.replies import ErrorQuoter
from penstock.delivery.verdict import (
    JOB_RULE,
    Bisect,
    Halt,
    Judged,
    PerRecord,
    Poll,
    SameForAll,
    SentRequest,
    Unmatched,
    judge,
    judge_job,
    shared_outcome,
    worst,
)
from penstock.model.delivery import Lost, Reply, Stop
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Grouping, Replies, RetryClass, Shape

ONCE, IDEMPOTENT = RetryClass.ONCE, RetryClass.IDEMPOTENT
DELIVERED, ACCEPTED, QUARANTINED = Outcome.DELIVERED, Outcome.ACCEPTED, Outcome.QUARANTINED
UNKNOWN, UNSENT = Outcome.UNKNOWN, Outcome.UNSENT
HTML = {"content-type": "text/html"}


def reply(status, document=None, headers=None, *, truncated=False):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, headers or {}, body, 1.0, truncated=truncated)


def lost(kind, *, nothing_sent):
    return Lost(kind, nothing_sent, f"it was {kind}", 1.0)


def verdict(answer, *, records=1, attempts=1, retry=IDEMPOTENT, replies=Replies.STATUS, algorithm="array", xml=False):
    shape = Shape(
        "POST",
        "https://x.invalid",
        retry=retry,
        replies=replies,
        grouping=Grouping(algorithm),
        content_format="xml" if xml else "json",
    )
    return judge(answer, SentRequest(shape, records, ErrorQuoter(), attempts))


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (reply(200, {"id": "5f"}), DELIVERED, "200 OK"),
        (reply(202, {}), ACCEPTED, "202 Accepted"),
        (reply(200, b"{"), DELIVERED, "200 OK; the reply is not JSON, so its status counts"),
        (reply(200, b"{}", truncated=True), DELIVERED, "200 OK; the reply was cut"),
        (reply(299, b""), DELIVERED, "299"),
        (
            reply(200, b"<html>", HTML),
            QUARANTINED,
            "an HTML page, not an API reply (a login page?): 200: an HTML page (Custify)",
        ),
        (reply(404, {"message": "no"}), QUARANTINED, "404: no (Custify)"),
        (
            reply(404, {"error": "People not found"}),
            QUARANTINED,
            "404: People not found (Custify): send the person first (upsert_person), then this record again",
        ),
        (
            reply(302, b"", {"location": "https://y.invalid"}),
            QUARANTINED,
            (
                "302: a redirect is not followed, because the key would travel with it; it leads to "
                "https://y.invalid (Custify)"
            ),
        ),
        (lost("cut", nothing_sent=False), UNKNOWN, "sent, no answer: it was cut"),
    ],
)
def test_one_record_has_the_outcome_of_its_reply(answer, outcome, reason):
    found = verdict(answer)
    assert isinstance(found, SameForAll)
    assert (found.judged.outcome, found.reason) == (outcome, reason)
    assert (found.judged.refusal is None) == (outcome in {DELIVERED, ACCEPTED})


@pytest.mark.parametrize(
    ("document", "remote_id"),
    [({"id": "5f"}, "5f"), ({"_id": "5f"}, "5f"), ({"id": ""}, None), ({"id": 5}, None), ([], None)],
)
def test_the_remote_id_of_the_reply_is_in_the_result(document, remote_id):
    assert verdict(reply(200, document)).judged.remote_id == remote_id


def test_what_is_to_be_absent_is_delivered_if_it_was_not_there():
    shape = Shape(
        "DELETE",
        "https://x.invalid",
        retry=IDEMPOTENT,
        replies=Replies.STATUS,
        grouping=Grouping("none"),
        absent_is_done=True,
    )
    sent = SentRequest(shape, 1, ErrorQuoter(), 1)
    found = judge(reply(404, {"message": "no"}), sent)
    assert (found.judged.outcome, found.reason) == (DELIVERED, "404 Not Found: it was not there")
    assert judge(reply(404, b"<html>", HTML), sent).judged.outcome is QUARANTINED
    required = SentRequest(replace(shape, absent_is_done=False), 1, ErrorQuoter(), 1)
    assert judge(reply(404, {"message": "no"}), required).judged.outcome is QUARANTINED


def test_xml_is_not_taken_for_an_html_page_if_xml_is_expected():
    assert verdict(reply(200, b"<ok/>"), xml=True).judged.outcome is DELIVERED
    assert verdict(reply(200, b"<ok/>")).judged.outcome is QUARANTINED


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (reply(401, {"message": "bad key"}), "credential", "the credential was refused: 401: bad key (Custify)"),
        (reply(403), "credential", "the credential was refused: 403 Forbidden"),
        (reply(429), "unreachable", "the API takes no requests: 429 Too Many Requests"),
        (lost("refused", nothing_sent=True), "unreachable", "it was refused"),
    ],
)
@pytest.mark.parametrize("records", [1, 3])
def test_which_replies_stop_the_run(answer, kind, reason, records):
    found = verdict(answer, records=records)
    assert isinstance(found, Halt)
    assert (found.stop.kind, found.stop.reason) == (kind, reason)


@pytest.mark.parametrize("status", [408, 500, 503])
def test_after_a_server_error_records_that_may_be_sent_once_are_unknown(status):
    found = verdict(reply(status, {"message": "busy"}), retry=ONCE)
    assert (found.judged.outcome, found.reason) == (UNKNOWN, f"sent, but {status}: busy (Custify)")
    again = verdict(reply(status, {"message": "busy"}), attempts=6)
    assert (again.judged.outcome, again.reason) == (QUARANTINED, f"{status}: busy (Custify), after 6 attempts")


def test_the_reason_without_a_reply_has_the_number_of_attempts():
    assert verdict(lost("cut", nothing_sent=False), attempts=6).reason == "sent, no answer after 6 attempts: it was cut"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_refused_as_a_whole(status):
    assert isinstance(verdict(reply(status), records=2), Bisect)
    assert isinstance(verdict(reply(status), records=1), SameForAll)
    assert isinstance(verdict(reply(status), records=2, retry=ONCE), SameForAll)
    assert isinstance(verdict(reply(status), records=2, algorithm="code"), SameForAll)


def test_a_refused_batch_with_results_is_not_halved():
    document = {"results": [{"status": "ok"}, {"error": "no name"}]}
    found = verdict(reply(422, document), records=2, replies=Replies.ITEMS)
    assert [judged.outcome for judged in found.records] == [DELIVERED, QUARANTINED]
    assert isinstance(verdict(reply(422, {"results": [{}, {}]}), records=2, replies=Replies.ITEMS), Bisect)


def test_the_status_counts_for_all_records_if_results_are_not_read():
    found = verdict(reply(200, {"results": [{"error": "no"}, {}]}), records=2)
    assert (found.judged, found.reason) == (Judged(DELIVERED), "200 OK")


def test_results_per_record():
    document = {
        "results": [
            {"index": 0, "status": "success", "id": "aa"},
            {"index": 1, "statusCode": 422, "error": "no name"},
            {"index": 2},
            {"index": 3, "status": "failed"},
            {"index": 9, "status": "ok"},
        ]
    }
    found = verdict(reply(200, document), records=4, replies=Replies.ITEMS)
    assert isinstance(found, PerRecord)
    assert found.records == (
        Judged(DELIVERED, None, "aa"),
        Judged(QUARANTINED, Refusal("422", "422: no name (Custify)")),
        Judged(ACCEPTED),
        Judged(QUARANTINED, Refusal("api", "refused without a reason (Custify)")),
    )
    assert found.outcome is QUARANTINED
    assert found.reason == (
        "200 OK: 1 delivered, 2 quarantined, 1 accepted; first: 422: no name (Custify); 1 unconfirmed: the reply does "
        "not say what became of it; 1 results belong to no record and were ignored"
    )


def test_records_without_a_result_have_no_outcome_yet():
    document = {"results": [{"index": 1, "status": "ok"}, {"error": "no name"}]}
    found = verdict(reply(200, document), records=3, replies=Replies.ITEMS)
    assert isinstance(found, Unmatched)
    assert found.records == (None, Judged(DELIVERED), None)
    assert found.refusal == Refusal(
        JOB_RULE,
        "2 results for 3 records, and the reply does not say which result is whose; 1 failed: no name (Custify)",
    )
    document = {"results": [{"index": 1, "status": "ok"}, {"status": "ok"}]}
    assert verdict(reply(200, document), records=3, replies=Replies.ITEMS).refusal.reason.endswith(" whose")


def test_a_reply_without_any_result():
    assert verdict(reply(200, {}), records=2, replies=Replies.ITEMS).judged.outcome is DELIVERED
    cut = verdict(reply(200, b"", truncated=True), records=2, replies=Replies.ITEMS)
    assert cut.judged.outcome is ACCEPTED
    empty = verdict(reply(200, {"results": []}), records=2, replies=Replies.ITEMS)
    assert [judged.outcome for judged in empty.records] == [ACCEPTED, ACCEPTED]


def test_a_batch_that_became_a_job():
    assert verdict(reply(202, {"id": "j1"}), records=2, replies=Replies.JOBS) == Poll(
        "j1", "202 Accepted: became batch job j1"
    )
    assert verdict(reply(202, {}), records=2, replies=Replies.JOBS).judged.outcome is ACCEPTED
    done = reply(200, {"id": "j1", "results": [{"status": "ok"}]})
    assert isinstance(verdict(done, replies=Replies.JOBS), PerRecord)


# ── jobs ─────────────────────────────────────────────────────────────────────


def of_job(document, records=2):
    return judge_job(reply(200, document), records, ErrorQuoter())


@pytest.mark.parametrize("document", [{"status": "pending"}, {}, {"status": "queued", "results": [{}, {}]}])
def test_a_job_that_has_not_ended(document):
    assert of_job(document) is None


def test_a_job_that_ended_without_results_confirms_nothing():
    assert of_job({"status": "completed"}).judged.outcome is ACCEPTED


def test_a_job_with_all_results_has_ended_whatever_its_state():
    found = of_job({"results": [{"status": "ok"}, {"error": "no"}]})
    assert [judged.outcome for judged in found.records] == [DELIVERED, QUARANTINED]


@pytest.mark.parametrize(
    ("document", "records", "reason"),
    [
        ({"status": "failed", "message": "no such type"}, (None, None), "the batch job failed: no such type (Custify)"),
        ({"status": "failed"}, (None, None), "the batch job failed: refused without a reason (Custify)"),
        (
            {"status": "failed", "results": [{"index": 0, "status": "ok"}, {"error": "no name"}]},
            (Judged(DELIVERED), None),
            "the batch job failed: no name (Custify)",
        ),
    ],
)
def test_a_failed_job_leaves_records_without_a_clear_result(document, records, reason):
    assert of_job(document) == Unmatched(records, Refusal(JOB_RULE, reason))


def test_the_results_of_a_failed_job_count_if_each_record_has_one():
    found = of_job({"status": "failed", "results": [{"status": "ok"}, {"error": "no"}]})
    assert [judged.outcome for judged in found.records] == [DELIVERED, QUARANTINED]


# ── one outcome for many ─────────────────────────────────────────────────────


def test_the_outcome_of_a_delivery_is_the_worst_of_its_records():
    assert worst([DELIVERED, ACCEPTED, UNKNOWN, QUARANTINED]) is QUARANTINED
    assert worst([DELIVERED, ACCEPTED, UNKNOWN]) is UNKNOWN
    assert worst([DELIVERED, ACCEPTED]) is ACCEPTED
    assert worst([]) is DELIVERED


REFUSAL = Refusal("422", "no name")
STOP = Stop("credential", "the credential was refused")


@pytest.mark.parametrize(
    ("found", "retry", "done", "accepted", "outcome"),
    [
        (SameForAll(Judged(DELIVERED), ""), IDEMPOTENT, 0, False, DELIVERED),
        (SameForAll(Judged(DELIVERED), ""), IDEMPOTENT, 1, True, ACCEPTED),
        (SameForAll(Judged(QUARANTINED, REFUSAL), ""), IDEMPOTENT, 1, True, QUARANTINED),
        (Bisect(REFUSAL), IDEMPOTENT, 1, False, QUARANTINED),
        (Halt(STOP), IDEMPOTENT, 1, False, UNSENT),
        (Halt(STOP), ONCE, 0, False, UNSENT),
        (Halt(STOP), ONCE, 1, False, UNKNOWN),
        (Poll("j", ""), IDEMPOTENT, 0, False, ACCEPTED),
    ],
)
def test_the_outcome_that_the_records_of_several_requests_share(found, retry, done, accepted, outcome):
    assert shared_outcome(found, retry, done=done, accepted=accepted).outcome is outcome
