"""One case of each fault of what processes run on."""

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "environment/postgresql-restarts/0",
        "environment/clock-jumps/sqlite/0",
        "environment/disk-full/0",
    ],
)
def test_every_record_is_delivered_once(sample, name):
    sample(name)
