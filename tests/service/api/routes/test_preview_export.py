"""The export of a preview over HTTP: one line per request of the whole dataset."""

import gc
import json

from penstock.model.errors import InputError, Problem
from penstock.model.record import RefusedRecord
from penstock.model.reports import PreviewedRequest, as_json
from penstock.service.app import ServiceApp

MANY = 13_000  # records: more than three chunks of them


def lines_of(reply):
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in reply.text.splitlines()]


def test_the_export_has_the_requests_that_a_run_sends(service, sandbox):
    rows = [{"id": str(n), "email": "wrong" if n == 150 else f"p{n}@x.example"} for n in range(300)]
    service.people("shown", rows)
    *shown, last = lines_of(service.client.get("/api/v1/destinations/shown/preview/export"))
    requests = [line for line in shown if "refused" not in line]
    [held] = [line["refused"] for line in shown if "refused" in line]
    assert (len(requests), held["key"], held["field"]) == (299, "150", "email")
    assert (last["requests"], last["refused"]) == (299, 1)
    assert set(last) == {"requests", "refused", "notes"}
    whole = service.app.preview("shown", everything=True)
    assert requests == as_json(whole.requests), "what the command shows"
    assert last["notes"] == as_json(whole.notes)
    assert sandbox.requests() == []
    service.run("shown")
    sent = [request["body"] for request in sandbox.requests() if request["method"] != "GET"]
    assert sorted(sent) == sorted(request["body"] for request in requests)


def test_the_export_is_streamed_in_bounded_memory(service):
    service.people(
        "long", [{"id": str(n), "email": f"p{n}@x.example" if n < MANY / 2 else "wrong"} for n in range(MANY)]
    )
    found, seen, most = service.app.preview_all("long"), 0, 0
    for _ in found:
        seen += 1
        if seen % 1_000 == 0:
            alive = sum(isinstance(each, PreviewedRequest | RefusedRecord) for each in gc.get_objects())
            most = max(most, alive)
    assert seen >= MANY
    assert most < MANY / 2.5, "one chunk at most"


def test_an_export_that_cannot_start_is_refused_before_its_first_line(service):
    service.refused("GET /destinations/nobody/preview/export", status=404)
    service.people("gone", [{"id": "1", "email": "a@x.example"}])
    (service.folder / "gone.csv").unlink()
    assert service.client.get("/api/v1/destinations/gone/preview/export").status_code in {400, 503}


def test_data_that_cannot_be_read_to_the_end_is_an_error_in_the_last_line(service, monkeypatch):
    service.people("broken", [{"id": "1", "email": "a@x.example"}])
    whole = ServiceApp.preview_all

    def torn(self, name):
        yield from whole(self, name)
        raise InputError(Problem(f"sources.{name}", "the file has changed meanwhile", "torn-file"))

    monkeypatch.setattr(ServiceApp, "preview_all", torn)
    request, last = lines_of(service.client.get("/api/v1/destinations/broken/preview/export"))
    assert request["records"] == ["1"]
    assert [problem["code"] for problem in last["errors"]] == ["torn-file"]
    assert set(last) == {"errors"}
