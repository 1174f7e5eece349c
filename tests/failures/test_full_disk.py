"""The disk of the state is full: a real one, of some hundred kilobytes."""

import json

import httpx

from support.environment.kernel import enlarge, small_disk, with_own_mounts
from support.environment.sending import change, sending
from support.service.service_process import ServiceProcess

WIDE = "select id, name, array_to_string(list_transform(range(160), lambda i: md5(id || i)), '') as text from source"


@with_own_mounts
def test_a_disk_that_fills_during_a_run_ends_it_and_the_next_run_continues(tmp_path, own_sandbox):
    own_sandbox.settings(latency=0)
    it = sending(own_sandbox, tmp_path, "notes", 1000, as_program=True)
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


@with_own_mounts
def test_an_upload_that_does_not_fit_is_refused_and_nothing_of_it_stays(tmp_path):
    state = tmp_path / ".penstock"
    small_disk(state, "2m")
    service = ServiceProcess(tmp_path, as_program=True)
    with service:
        service.begin_empty()

        def upload(size: int) -> httpx.Response:
            body = b"id\n" + b"r\n" * (size // 2)
            return httpx.post(f"{service.url}/api/v1/sources/upload", params={"filename": "rows.csv"}, content=body)

        refused = upload(3_000_000)
        [problem] = refused.json()["errors"]
        assert (refused.status_code, problem["code"]) == (503, "disk-full"), refused.text
        assert problem["path"].endswith("uploads")
        assert list((state / "uploads").iterdir()) == []
        enlarge(state, "100m")
        assert upload(3_000_000).status_code == 201
    assert "Traceback" not in (tmp_path / "serve.log").read_text()
