"""What release 0.1.0 delivered under keys with blanks, invisible characters or an exponent is not sent again."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from penstock.run.preparation.prepare import prepare
from penstock.service.app import ServiceApp
from penstock.store.memory import Memory, key_hashes
from support.servers.sandbox import sandbox, shared_sandbox
from support.service.http_service import apply_project

__all__ = ["sandbox", "shared_sandbox"]

PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:KEY}}", base_url: "{url}", dialect: native}}
sources:
  people: {{type: file, path: people.parquet}}
datasets:
  people: {{source: people, key: id}}
destinations:
  people:
    dataset: people
    credential: acme
    template: upsert_person
    fields: {{user_id: id, name: name}}
    batch: off
    active: true
  events:
    dataset: people
    credential: acme
    template: insert_event
    fields: {{name: name, user_id: id, created_at: {{value: "2026-01-01T00:00:00Z"}}}}
    batch: off
    active: true
"""
TEXTS = {" u1 ": "u1", "u2\u200b": "u2", "u3": "u3"}
FLOATS = {1234567890123456.0: "1234567890123456", 12.0: "12", 4e15: "4000000000000000"}
AS_IN_0_1_0 = {" u1 ": " u1 ", "u2\u200b": "u2\u200b", "u3": "u3"} | {
    1234567890123456.0: "1234567890123456.0",
    12.0: "12",
    4e15: "4000000000000000.0",
}


@pytest.fixture
def opened(tmp_path, sandbox):
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(url=sandbox.url))
    _write(tmp_path, {"x": "y"})
    url = f"sqlite:///{tmp_path / 'state.db'}"
    apply_project(tmp_path, url)
    with ServiceApp.open_applied(url, environ={"KEY": sandbox.api_key}) as app:
        yield app


def _write(folder: Path, names: dict) -> None:
    pq.write_table(pa.table({"id": list(names), "name": list(names.values())}), folder / "people.parquet")


def _delivered_by_0_1_0(app: ServiceApp, destination: str) -> list[str]:
    """Fill the memory as the earlier release would have; returns the keys."""
    prepared = prepare(app._ctx, app._ctx.destination(destination))
    assert prepared.compiled.former is not None
    (chunk,) = prepared.data.dataset.read(prepared.data.schema)
    made = prepared.compiled.former.renderer.render(chunk).payloads
    with app._ctx.database.begin() as conn:
        contents = np.array([payload.content for payload in made], dtype=np.uint64)
        memory = Memory.load(conn, destination, "of 0.1.0")
        memory.remember(conn, key_hashes([payload.key for payload in made]), contents, np.zeros_like(contents))
    if destination == "people":
        assert [json.loads(payload.text)["user_id"] for payload in made] == [payload.key for payload in made]
    return [payload.key for payload in made]


@pytest.mark.parametrize("ids", [TEXTS, FLOATS], ids=["texts", "floats"])
@pytest.mark.parametrize("destination", ["people", "events"])
def test_an_upgrade_sends_nothing_again_if_a_key_is_written_in_another_form(
    opened, tmp_path, sandbox, ids, destination
):
    _write(tmp_path, dict.fromkeys(ids, "Ada"))
    opened.dataset("people", refresh=True)
    assert _delivered_by_0_1_0(opened, destination) == [AS_IN_0_1_0[id_] for id_ in ids]
    assert opened.plan(destination).creates_or_updates == 0
    for _ in range(2):
        report = opened.run(destination)
        assert (report.status, report.requests, report.records.unchanged) == ("succeeded", 0, 3)
    names = ["Ada II", *["Ada"] * (len(ids) - 1)]
    _write(tmp_path, dict(zip(ids, names, strict=True)))
    changed = opened.run(destination)
    if destination == "people":
        assert (changed.records.delivered, changed.records.unchanged) == (1, 2)
        assert [person["user_id"] for person in sandbox.state()["people"]] == [next(iter(ids.values()))]
    else:  # each key is sent once
        assert (changed.records.quarantined, changed.records.unchanged) == (1, 2)


def test_a_record_that_changed_before_the_upgrade_is_sent_under_its_present_key(opened, tmp_path, sandbox):
    _write(tmp_path, dict.fromkeys(TEXTS, "Ada"))
    opened.dataset("people", refresh=True)
    _delivered_by_0_1_0(opened, "people")
    _delivered_by_0_1_0(opened, "events")
    _write(tmp_path, dict.fromkeys(TEXTS, "Eva"))
    assert opened.run("people").records.delivered == 3
    assert {person["user_id"] for person in sandbox.state()["people"]} == {"u1", "u2", "u3"}
    assert opened.run("events").records.quarantined == 3
