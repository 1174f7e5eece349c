"""One case of each fault of processes."""

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "processes/four-one-killed/sqlite",
        "processes/stopped/0",
        "processes/backfill/create_note/sqlite",
        "processes/killed-and-waited-for/0",
    ],
)
def test_every_record_is_delivered_once(sample, name):
    sample(name)
