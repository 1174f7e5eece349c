"""Posted records are sent without a request; each destination has its own position."""

from dataclasses import replace

import pytest

from penstock.model.errors import InputError
from penstock.service.intake.feed import delete_read_records
from penstock.store.project import pushed
from support.deadline import until
from support.kernel.event_listener import EventListener
from support.service.applied_project import ended
from support.service.http_service import service

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "{key}", base_url: "{url}", dialect: native}}
sources:
  app: {{type: webhook, auth: none, flush: {{records: 100, after: 100ms}}, retain: 1ms}}
datasets:
  people: {{source: app, key: id}}
  log: {{source: app, key: n, sql: "select id as n, email from source where email is not null"}}
destinations:
  people:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email}}
    responses: true
  taking: {{dataset: people, credential: sandbox, template: upsert_person, fields: {{user_id: id, email: email}}, new_columns: send}}
  refusing: {{dataset: people, credential: sandbox, template: upsert_person, fields: {{user_id: id, email: email}}, new_columns: refuse}}
  audit:
    dataset: people.responses
    credential: sandbox
    request: {{method: POST, url: "/event"}}
    fields: {{name: outcome, created_at: sent_at, user_id: run}}
    attributes: none
  shaped: {{dataset: log, credential: sandbox, template: upsert_person, fields: {{user_id: n, email: email}}}}
"""


@pytest.fixture
def opened(tmp_path, sandbox):
    with service(tmp_path, PROJECT.format(key=sandbox.api_key, url=sandbox.url)) as pair:
        yield pair


def people(sandbox):
    return {person["user_id"]: person for person in sandbox.state()["people"]}


def test_a_new_column_is_reported_once(opened):
    app, client = opened
    listener = EventListener()
    app._ctx = replace(app._ctx, events=listener)
    client.post("/hooks/app", json={"id": "1", "email": "a@x.example"}).raise_for_status()
    app.dataset("people")
    client.post("/hooks/app", json={"id": "2", "email": "b@x.example", "plan": "gold"}).raise_for_status()
    for _ in range(2):
        assert [column.name for column in app.dataset("people").schema.columns] == ["id", "email", "plan"]
    assert listener.of("intake.changed") == [{"dataset": "people", "columns": ["plan"]}]


def test_a_column_of_later_records_is_sent_with_new_columns_send(opened, sandbox):
    app, client = opened
    client.post("/hooks/app", json={"id": "u1", "email": "a@x.example"}).raise_for_status()
    for name in ("people", "taking", "refusing"):
        app.activate(name)
        assert app.run(name).status == "succeeded"
    client.post("/hooks/app", json={"id": "u2", "email": "b@x.example", "plan": "gold"}).raise_for_status()
    (note,) = [note for note in app.run("people").notes if note.field == "plan"]
    assert (note.action, note.reason[:12]) == ("not sent", "a new column")
    assert app.dataset("people").extra_columns == ("plan",)
    assert people(sandbox)["u2"]["custom_attributes"] == {}
    with pytest.raises(InputError) as caught:
        app.run("refusing")
    assert [(problem.code, problem.found) for problem in caught.value.problems] == [("new-column", "plan")]
    assert app.run("taking").records.delivered == 1
    assert people(sandbox)["u2"]["custom_attributes"] == {"plan": "gold"}
    app.dataset("people", refresh=True)
    assert [note for note in app.preview("people").notes if note.field == "plan"] == []


def test_a_destination_can_be_activated_before_the_first_record(opened):
    app, client = opened
    assert app.preview("people").requests == ()
    assert {note.field for note in app.preview("people").notes} >= {"email"}
    assert app.preview("shaped").requests == app.preview("audit").requests == ()
    for name in ("people", "shaped", "audit"):
        app.activate(name)
        report = app.run(name)
        assert (report.status, report.records["read"] if isinstance(report.records, dict) else report.records.read) == (
            "succeeded",
            0,
        )
    columns = [column.name for column in app.dataset("people.responses").schema.columns]
    assert columns[:3] == ["sent_at", "run", "delivery"]
    assert client.get("/api/v1/datasets/people.responses/schema").status_code == 200


def test_posted_records_are_sent_once_without_a_request(opened, sandbox):
    app, client = opened
    app.activate("people")
    worker = app.worker()
    worker.start()
    try:
        client.post("/hooks/app", json={"id": "u1", "email": "ada@example.com"})
        until(lambda: "u1" in people(sandbox))
        client.post("/hooks/app", json=[{"id": "u2"}, {"id": "u3", "email": "c@example.com", "plan": "gold"}])
        until(lambda: {"u2", "u3"} <= people(sandbox).keys())
        until(lambda: not worker.is_busy())
        assert people(sandbox)["u3"]["email"] == "c@example.com"
        assert "plan" not in people(sandbox)["u3"]["custom_attributes"]  # no private value is sent without being mapped
        runs = app.work.runs()["items"]
        assert {run["trigger"] for run in runs} == {"intake"}
        assert 1 <= len(runs) <= 3
        assert sum(run["records"]["read"] for run in runs) == 3
    finally:
        worker.stop()
    assert app.run("people").status == "succeeded"
    assert len(sandbox.state()["people"]) == 3


def test_records_that_come_during_a_backfill_are_sent_after_it(opened, sandbox):
    app, client = opened
    app.activate("people")
    posted = [{"id": f"u{number}", "email": f"u{number}@x.example"} for number in range(4)]
    client.post("/hooks/app", json=posted).raise_for_status()
    sandbox.settings(latency=1500)
    backfill = app.work.enqueue("people", trigger="person:ada", asked_by="ada", begins_at="start")["run"]
    worker = app.worker()
    worker.start()
    try:
        until(lambda: app.work.run(backfill)["status"] == "running" and app.work.progress(backfill)[0]["total"] == 4)
        client.post("/hooks/app", json={"id": "u1", "email": "new@x.example"}).raise_for_status()
        assert app.work.run(backfill)["finished_at"] is None
        sandbox.settings(latency=0)
        assert ended(app, backfill)["records"]["delivered"] == 4
        until(lambda: people(sandbox)["u1"]["email"] == "new@x.example")
        until(lambda: not worker.is_busy())
    finally:
        worker.stop()
    others = [run for run in app.work.runs()["items"] if run["run"] != backfill]
    assert sum(run["records"]["read"] for run in others) == sum(run["records"]["delivered"] for run in others) == 1


def test_records_wait_for_a_paused_destination_while_another_gets_them(opened, sandbox):
    app, client = opened
    for name in ("people", "shaped"):
        app.activate(name)
    app.pause("people")
    worker = app.worker()
    worker.start()
    try:
        posted = [{"id": "w1", "email": None}, {"id": "w2", "email": "w2@example.com"}]
        client.post("/hooks/app", json=posted).raise_for_status()
        until(lambda: "w2" in people(sandbox))  # by `shaped`, which selects those with an address
        assert "w1" not in people(sandbox)
        app.activate("people")
        until(lambda: "w1" in people(sandbox))
    finally:
        worker.stop()


def test_posted_records_are_stored_until_every_destination_has_read_them(opened):
    app, client = opened
    app.activate("people")
    app.activate("shaped")
    client.post("/hooks/app", json=[{"id": "u1", "email": "a@example.com"}, {"id": "u2", "email": "b@example.com"}])
    app.run("people")
    ctx = app._present()
    assert delete_read_records(ctx) == 0
    app.run("shaped")
    until(lambda: delete_read_records(ctx) == 2)
    with ctx.database.read() as conn:
        assert pushed.latest(conn, "app", 5) == []
        assert pushed.received(conn, "app").received == 2
    client.post("/hooks/app", json={"id": "u3"})
    assert app.plan("people").records == 1


def test_replies_are_sent_to_another_destination_once(opened, sandbox):
    app, client = opened
    for name in ("people", "audit"):
        app.activate(name)
    client.post("/hooks/app", json=[{"id": "u1", "email": "a@example.com"}])
    app.run("people")
    assert app.plan("audit").records >= 1
    app.run("audit")
    assert app.plan("audit").records == 0
