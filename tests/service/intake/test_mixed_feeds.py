"""Flows with posted and other records, and the report when posted records cannot be sent."""

from dataclasses import replace

import pytest

from penstock.clock import SystemClock
from penstock.model.errors import InputError, Problem
from penstock.service.intake.feed import Feed
from support.deadline import until
from support.kernel.event_listener import EventListener
from support.service.applied_project import ended
from support.service.http_service import service

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "{key}", base_url: "{url}", dialect: native}}
sources:
  app: {{type: webhook, auth: none, flush: {{records: 100, after: 100ms}}}}
  crm: {{type: file, path: companies.csv}}
datasets:
  people: {{source: app, key: id}}
  companies: {{source: crm, key: id}}
destinations:
  companies: {{dataset: companies, credential: sandbox, template: upsert_company, fields: {{company_id: id, name: name}}, active: true}}
  people: {{dataset: people, credential: sandbox, template: upsert_person, fields: {{user_id: id, email: email}}, active: true}}
flows:
  both: {{schedule: on new data, destinations: [people, companies]}}
"""


@pytest.fixture
def opened(tmp_path, sandbox):
    (tmp_path / "companies.csv").write_text("id,name\nc1,Acme\nc2,Initech\n")
    with service(tmp_path, PROJECT.format(key=sandbox.api_key, url=sandbox.url)) as (app, client):
        yield app, client


def post(client, *ids):
    client.post("/hooks/app", json=[{"id": each, "email": f"{each}@x.example"} for each in ids]).raise_for_status()


def test_a_flow_of_posted_and_of_read_records_sends_each_once(opened, sandbox, tmp_path):
    """Posted records are sent at once and alone, the file when it is new, and the whole flow on request."""
    app, client = opened

    def arrived(kind, key):
        return {each[key] for each in sandbox.state()[kind]}

    worker = app.worker()
    worker.start()
    try:
        first = until(lambda: [run for run in app.work.runs()["items"] if run["trigger"] == "new-data"])[0]
        assert ended(app, first["run"])["status"] == "succeeded"
        assert arrived("companies", "company_id") == {"c1", "c2"}
        post(client, "u1", "u2")
        until(lambda: arrived("people", "user_id") == {"u1", "u2"})
        alone = until(lambda: [run for run in app.work.runs()["items"] if run["trigger"] == "intake"])[0]
        assert (alone["kind"], alone["destination"]) == ("destination", "people")
        assert ended(app, alone["run"])["records"]["read"] == 2
        (tmp_path / "companies.csv").write_text("id,name\nc1,Acme\nc2,Initech\nc3,Hooli\n")
        until(lambda: "c3" in arrived("companies", "company_id"))
        until(lambda: not worker.is_busy())
        post(client, "u3")
        whole = ended(app, client.post("/api/v1/runs", json={"target": "both"}).json()["run"])
        assert {part["destination"] for part in whole["destinations"]} == {"people", "companies"}
        until(lambda: arrived("people", "user_id") == {"u1", "u2", "u3"} and not worker.is_busy())
    finally:
        worker.stop()
    runs = app.work.runs(limit=500)["items"]
    assert {run["status"] for run in runs} == {"succeeded"}
    parts = [part for run in runs for part in run.get("destinations", [run])]
    sent = {
        name: sum(part["records"]["delivered"] for part in parts if part["destination"] == name)
        for name in ("people", "companies")
    }
    assert sent == {"people": 3, "companies": 3}, "each once, whoever sent it"


class Ahead(SystemClock):
    """A clock that a test moves forward."""

    ahead = 0.0

    def monotonic(self):
        return super().monotonic() + Ahead.ahead


class Refusing:
    """A queue that refuses all runs, or some."""

    def __init__(self):
        self.reason = "it has no API key"
        self.asked = 0

    def enqueue(self, target, **_):
        self.asked += 1
        if self.reason is not None:
            raise InputError(Problem(f"destinations.{target}", self.reason, "no-key"))


def test_a_paused_feed_is_reported_once(opened):
    app, client = opened
    listener, queue = EventListener(), Refusing()
    ctx = replace(app._present(), events=listener, clock=Ahead())
    feed = Feed(lambda: ctx, queue)

    def batches(number):
        for n in range(number):
            post(client, f"u{n}")
            assert feed() is False  # it is seen,
            Ahead.ahead += 1.0  # and has waited long enough
            feed()

    batches(5)
    assert queue.asked >= 5
    assert [event["target"] for event in listener.of("intake.not-run")] == ["people"]
    assert "it has no API key" in listener.of("intake.not-run")[0]["reason"]
    queue.reason = "it was paused"
    batches(3)
    assert len(listener.of("intake.not-run")) == 2, "another reason is reported"
    queue.reason = None
    batches(1)
    queue.reason = "it was paused"
    batches(3)
    assert len(listener.of("intake.not-run")) == 3, "the same again, after it went well"
