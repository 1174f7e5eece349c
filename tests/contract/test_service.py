"""The OpenAPI document, the metrics and the log of a running service."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: {api_key}, base_url: "{flat_url}"}}
sources:
  file: {{type: file, path: people.csv}}
  app: {{type: webhook, auth: none}}
datasets:
  people: {{source: file, key: id}}
  right: {{source: file, key: id, sql: "select * from source where id = 1"}}
  posted: {{source: app, key: id}}
destinations:
  it: {{dataset: people, credential: sandbox, template: upsert_person, fields: {{user_id: id, email: email}}, active: true}}
  good: {{dataset: right, credential: sandbox, template: upsert_person, fields: {{user_id: id, email: email}}, active: true}}
"""
IN_EVERY_LINE = {"event", "level", "at"}


@dataclass
class Surface:
    openapi: dict[str, Any]
    metrics: str
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def service(shared_penstock, shared_sandbox) -> Surface:
    folder = shared_penstock.folder
    (folder / "people.csv").write_text("id,email\n1,ada@example.com\n2,nobody\n")
    address = {"api_key": shared_sandbox.api_key, "flat_url": shared_sandbox.flat_url}
    (folder / "penstock.yaml").write_text(PROJECT.format(**address))
    assert shared_penstock("apply").code == 0
    assert (shared_penstock("run", "it").code, shared_penstock("run", "good").code) == (1, 0)
    environ = {"PENSTOCK_METRICS_PUBLIC": "true", "PENSTOCK_LOG_FORMAT": "json", "PENSTOCK_LOG_LEVEL": "debug"}
    log = folder / "log"
    options = ("--port", "0", "--no-worker", "--without-sign-in")
    with shared_penstock.running("serve", *options, log=log, **environ) as ready:

        def ask(path: str, body: object = None) -> str:
            data = None if body is None else json.dumps(body).encode()
            wanted = urllib.request.Request(ready["url"] + path, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(wanted, timeout=30) as reply:
                return str(reply.read().decode())

        ask("/hooks/app", {"id": 1})
        ask("/api/v1/runs", {"target": "it"})
        openapi, metrics = json.loads(ask("/api/v1/openapi.json")), ask("/metrics")
    return Surface(openapi, metrics, [json.loads(line) for line in log.read_text().splitlines()])


def test_the_description_of_the_api(service, without_names, golden):
    document = without_names(service.openapi)
    del document["info"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    every = {name: operations[0]["responses"][name] for name in ("4XX", "5XX")}
    for operation in operations:
        assert {name: operation["responses"].pop(name) for name in every} == every
    document["paths"] = dict(sorted(document["paths"].items()))
    golden("openapi", {"every operation": every, **document})


def test_names_types_and_labels_of_metrics(service, golden):
    found = {
        family.name: {
            "type": family.type,
            "samples": {
                name: sorted({label for sample in family.samples if sample.name == name for label in sample.labels})
                for name in sorted({sample.name for sample in family.samples})
            },
        }
        for family in text_string_to_metric_families(service.metrics)
    }
    golden("metrics", dict(sorted(found.items())))


def test_the_log_has_only_known_events_with_their_fields(service, known):
    events = known("events")
    logged = {line["event"] for line in service.log}
    assert {"service.started", "service.stopped", "http.request", "run.queued", "intake.received"} <= logged
    for line in service.log:
        if not line["event"].startswith("log."):  # a line of a library
            event = events[line["event"]]
            assert line["level"] == event["level"], line
            assert line.keys() - IN_EVERY_LINE <= set(event["fields"]), line
