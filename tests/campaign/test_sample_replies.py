"""One case of each fault of replies, and of batch jobs."""

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "replies/lost/create_task/native/postgres",
        "replies/lost/insert_event/flat/sqlite",
        "replies/cut/upsert_invoice/native/postgres",
        "replies/order/upsert_company/flat/sqlite",
        "throttling/429-date/upsert_person/flat/sqlite",
        "throttling/503-for-minutes/create_task/native/postgres",
        "notes/html/sqlite",
        "batch-jobs/fail-in-part/sqlite",
        "batch-jobs/expire/postgres",
        "batch-jobs/answer-nonsense/sqlite",
    ],
)
def test_every_record_is_delivered_once(sample, name):
    sample(name)
