"""The disk of the state is full: a real one, of some hundred kilobytes."""

import json

import pytest

from support.environment.kernel import enlarge, small_disk, with_own_mounts
from support.environment.sending import change, sending

WIDE = "select id, name, array_to_string(list_transform(range(160), lambda i: md5(id || i)), '') as text from source"


@pytest.mark.parametrize("kind", ["people", "notes"])
@with_own_mounts
def test_a_disk_that_fills_during_a_run_ends_it_and_the_next_run_continues(tmp_path, own_sandbox, kind):
    own_sandbox.settings(latency=0)
    it = sending(own_sandbox, tmp_path, kind, 1000, as_program=True)
    small_disk(it.state, "700k")
    it.failed_clearly(it.run(), "state.db", "disk-full")
    assert it.received() > 0, "the disk was full before the run began"
    it.failed_clearly(it.run(), ".penstock", "disk-full")
    enlarge(it.state, "100m")
    it.completed(it.run())


@with_own_mounts
def test_a_disk_without_room_for_the_frozen_input_ends_the_run_before_it_sends(tmp_path, own_sandbox):
    own_sandbox.settings(latency=0)
    it = sending(own_sandbox, tmp_path, "people", 600, as_program=True)
    change(it.project, "key: id}", f"key: id, sql: {json.dumps(WIDE)}}}")
    small_disk(it.state, "1100k")
    it.failed_clearly(it.run(), "frozen", "disk-full")
    assert it.received() == 0
    assert list((it.state / "frozen").iterdir()) == [], "what was written of it is removed"
    enlarge(it.state, "100m")
    it.completed(it.run())
