"""Unsaved destinations, and the export of a preview, over HTTP."""

import gc
import json
import socket

import pytest

from penstock.model.errors import InputError, Problem
from penstock.model.record import RefusedRecord
from penstock.model.reports import PreviewedRequest, as_json
from penstock.service.app import ServiceApp

MANY = 13_000  # records: more than three chunks of them
ROWS = [{"id": "1", "email": "ada@x.example", "size": "3"}, {"id": "2", "email": "no-mail", "size": "big"}]
FIELDS = {"user_id": "id", "email": "email"}


@pytest.fixture
def draft(service):
    service.dataset("drafted", ROWS)
    return {"dataset": "drafted", "credential": "acme", "template": "upsert_person", "fields": FIELDS}


def refused_place(place):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}/{place}"


def test_a_preview_follows_every_change_and_saves_none(service, draft):
    before = service.ask("GET /project")["version"]
    body = {"name": "new", "value": draft}
    shown = service.ask("POST /destinations/preview", body)
    assert json.loads(shown["requests"][0]["body"]) == {"user_id": "1", "email": "ada@x.example", "size": "3"}
    assert (shown["refused"][0]["key"], shown["refused"][0]["field"]) == ("2", "email")
    without = service.ask("POST /destinations/preview", {**body, "value": {**draft, "exclude": ["size"]}})
    assert "size" not in without["requests"][0]["body"]
    assert len(service.ask("POST /destinations/preview", {**body, "limit": 1})["requests"]) == 1
    assert service.ask("GET /project")["version"] == before
    assert service.sandbox.requests() == []


def test_invalid_settings_return_errors_and_no_requests(service, draft):
    wrong = {**draft, "fields": {"user_id": "nowhere"}, "templat": 1}
    shown = service.ask("POST /destinations/preview", {"name": "new", "value": wrong})
    assert shown["requests"] == []
    assert {error["path"] for error in shown["errors"]} == {"destinations.new.templat"}
    del wrong["templat"]
    errors = service.ask("POST /destinations/preview", {"name": "new", "value": wrong})["errors"]
    assert ("destinations.new.fields.user_id", "nowhere") in {(each["path"], each["found"]) for each in errors}
    found = service.ask("POST /destinations/findings", {"name": "new", "value": wrong})
    assert (found["checked"], found["errors"]) == (0, errors)
    service.refused("POST /destinations/preview", {"name": "new", "value": [], "limit": 1000})


def test_findings_count_what_would_be_refused_of_the_whole_dataset(service, draft):
    people = [{"id": n, "email": f"p{n}@x.example" if n % 3 else "x", "size": n} for n in range(3000)]
    service.dataset("counted", people)
    found = service.ask("POST /destinations/findings", {"name": "new", "value": {**draft, "dataset": "counted"}})
    assert (found["records"], found["checked"], found["errors"]) == (3000, 3000, [])
    (email,) = found["refused"]
    assert (email["field"], email["count"]) == ("email", 1000)
    assert email["examples"][0] == {"key": "0", "value": "x"}


def test_unsaved_settings_send_one_test_as_it_is_or_edited(service, draft):
    body = {"name": "new", "value": draft, "sample": 1}
    sent = service.ask("POST /destinations/test", body)
    assert (sent["response"]["status"], sent["error"]) == (200, None)
    assert service.arrived()["1"]["email"] == "ada@x.example"
    edited = service.ask("POST /destinations/test", {**body, "body": '{"user_id": "edited"}'})
    assert edited["request"]["body"] == '{"user_id": "edited"}'
    assert "edited" in service.arrived()
    refused = service.ask("POST /destinations/test", {**body, "body": "{}"})
    assert refused["response"]["status"] == 400
    assert service.sandbox.api_key not in json.dumps([sent, edited, refused])
    assert service.refused("POST /destinations/test", {**body, "sample": 99})["message"]


def test_an_api_key_can_be_stored_but_not_read(service):
    base = {"connector": "custify", "base_url": service.sandbox.flat_url}
    assert service.ask("POST /credentials", {"name": "keyed", "value": base}, 201)["state"]["has_key"] is False
    service.ask("PUT /credentials/keyed/secret", {"secret": service.sandbox.api_key}, 204)
    shown = service.ask("GET /credentials/keyed")
    assert shown["state"]["has_key"] is True
    everything = [service.ask(f"GET /{path}") for path in ("credentials", "project", "versions", "credentials/keyed")]
    assert service.sandbox.api_key not in json.dumps(everything)
    for wrong in ({}, {"secret": ""}, {"secret": 7}, {"secret": "x", "more": "y"}):
        assert service.refused("PUT /credentials/keyed/secret", wrong)["found"] != "x"
    service.refused("PUT /credentials/nobody/secret", {"secret": "x"}, 404)
    service.ask("PUT /credentials/filed", {**base, "api_key": "${env:KEY}"})
    assert service.refused("PUT /credentials/filed/secret", {"secret": "x"})["code"] == "key-in-file"


def test_a_check_returns_the_base_url_that_responded_and_is_stored(service):
    service.ask("PUT /credentials/checked", {"connector": "custify", "base_url": service.sandbox.flat_url})
    service.ask("PUT /credentials/checked/secret", {"secret": "not-the-key"}, 204)
    found = service.ask("POST /credentials/checked/check", {})
    assert (found["ok"], bool(found["reason"])) == (False, True)
    service.ask("PUT /credentials/checked/secret", {"secret": service.sandbox.api_key}, 204)
    found = service.ask("POST /credentials/checked/check", {"refresh": True})
    assert (found["credential"], found["ok"], found["dialect"]) == ("checked", True, "flat")
    assert service.ask("GET /credentials/checked")["state"]["check"]["ok"] is True
    service.ask("PUT /credentials/away", {"connector": "custify", "base_url": refused_place("api"), "api_key": "x"})
    away = service.client.post("/api/v1/credentials/away/check", json={})
    assert away.status_code in (200, 503)
    assert away.json().get("ok", False) is False
    service.refused("POST /credentials/nobody/check", {}, 404)
    service.refused("POST /credentials/checked/check", {"refresh": "maybe"})


def test_columns_are_detected_once_and_again_on_refresh(service):
    service.dataset("read", [{"id": "1", "size": "3"}])
    columns = {each["name"]: each["type"] for each in service.ask("GET /datasets/read/schema")["schema"]["columns"]}
    assert columns == {"id": "integer", "size": "integer"}
    service.rows("read", [{"id": "1", "size": "large", "more": "x"}, {"id": "2", "size": "3", "more": ""}])
    again = service.ask("GET /datasets/read/schema")["schema"]["columns"]
    assert [each["name"] for each in again] == ["id", "size"]
    fresh = service.ask("POST /datasets/read/refresh")["schema"]["columns"]
    assert {each["name"]: each["type"] for each in fresh} == {"id": "integer", "size": "text", "more": "text"}
    samples = service.ask("GET /datasets/read/samples?limit=1")
    assert samples["rows"] == [{"id": 1, "size": "large", "more": "x"}]
    assert [each["name"] for each in samples["columns"]] == ["id", "size", "more"]
    service.refused("GET /datasets/nothing/samples", status=404)
    service.refused("GET /datasets/read/samples?limit=501")


def test_a_dataset_without_its_file_is_refused_with_the_reason(service):
    service.ask("PUT /sources/gone", {"type": "file", "path": "gone.csv"})
    service.ask("PUT /datasets/gone", {"source": "gone", "key": "id"})
    for line in ("GET /datasets/gone/schema", "GET /datasets/gone/samples", "POST /datasets/gone/refresh"):
        problem = service.refused(line)
        assert (problem["path"], problem["code"], problem["found"]) == ("sources.gone", "missing-file", "gone.csv")


def lines_of(reply):
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in reply.text.splitlines()]


def test_the_export_has_the_requests_that_a_run_sends(service, sandbox):
    rows = [{"id": str(n), "email": "wrong" if n == 150 else f"p{n}@x.example"} for n in range(300)]
    service.people("shown", rows)
    *shown, last = lines_of(service.client.get("/api/v1/destinations/shown/preview/export"))
    requests = [line for line in shown if "refused" not in line]
    [refused_line] = [line["refused"] for line in shown if "refused" in line]
    assert (len(requests), refused_line["key"], refused_line["field"]) == (299, "150", "email")
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
