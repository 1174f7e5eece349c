"""kill -9, eleven times in a case: at each kind of moment, with requests that may be sent twice and that must not."""

import pytest


@pytest.mark.parametrize(
    "name", ["kills/create_task/native/sqlite", "kills/send_batch/native/postgres", "kills/create_note/flat/sqlite"]
)
def test_runs_that_are_killed_again_and_again_deliver_every_record_once(sample, name):
    result = sample(name, size=1)
    assert result.faults == 11
    assert len(result.recover_s) > 5


@pytest.mark.parametrize(
    "name",
    ["kills/mirror-deleting-executed-upsert_company/sqlite", "kills/reconcile-fix-sending-executed-create_task/sqlite"],
)
def test_deletions_and_fixes_that_are_killed_are_completed(sample, name):
    sample(name)


def test_settle_that_is_killed_doubles_nothing(sample):
    result = sample("kills/settle-sending-again-executed-create_task/sqlite")
    assert (result.unknown_first, result.unknown_end) == (12, 0)
