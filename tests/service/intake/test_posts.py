"""Posts to webhook sources: accepted bodies, authentication, refusals."""

import base64
import gzip
import json
import socket
import time
from dataclasses import replace

import httpx
import pytest

from penstock.model.senders import HookSignature
from penstock.service.api.routes import hooks
from penstock.service.intake.senders import sign, sign_standard
from support.kernel.event_listener import EventListener
from support.service.http_service import service

PROJECT = """\
sources:
  open: {type: webhook, auth: none, max_bytes: 2000}
  keyed: {type: webhook, secret: "${env:KEY}"}
  queried: {type: webhook, auth: {type: key, query: token}, secret: "${env:KEY}"}
  basic: {type: webhook, auth: {type: key, basic: penstock}, secret: "${env:KEY}"}
  bearer: {type: webhook, auth: {type: key, header: Authorization}, secret: "${env:KEY}"}
  standard: {type: webhook, auth: {type: hmac, scheme: standard}, secret: "${env:KEY}"}
  plain: {type: webhook, auth: {type: hmac, prefix: "sha256="}, secret: "${env:KEY}"}
  timed: {type: webhook, auth: {type: hmac, timestamp_header: X-Time, encoding: base64}, secret: "${env:KEY}"}
  sealed: {type: webhook}
  roomy: {type: webhook, auth: none}
  slow: {type: webhook, auth: none, rate_limit: {requests: 2, per: 1m}}
"""
KEY = "a-secret-text"
RECORD = {"id": 1, "big": 123456789012345678901234567890, "price": 0.1}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    with service(tmp_path_factory.mktemp("hooks"), PROJECT, environ={"KEY": KEY}) as pair:
        yield pair


@pytest.fixture
def client(opened) -> httpx.Client:
    return opened[1]


def samples(client, source):
    return client.get(f"/api/v1/sources/{source}/hook").json()["samples"]


def error(reply, status):
    assert reply.status_code == status, reply.text
    assert KEY not in reply.text
    return reply.json()["errors"][0]


def test_posted_records_are_stored_with_every_digit(client):
    text = '{"id":1,"big":123456789012345678901234567890,"price":1.10,"at":"x"}'
    before = client.get("/api/v1/sources/open/hook").json()["received"]
    assert client.post("/hooks/open", content=text).json() == {"accepted": 1}
    reply = client.get("/api/v1/sources/open/hook")
    assert text in reply.text
    found = reply.json()
    assert (found["url"], found["received"], found["auth"]) == ("/hooks/open", before + 1, {"type": "none"})


@pytest.mark.parametrize("begun", [b"", b'{"id"'])
def test_a_body_that_does_not_arrive_in_time_is_answered(client, monkeypatch, begun):
    monkeypatch.setattr(hooks, "BODY_S", 0.2)
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=30) as sender:
        sender.sendall(b"POST /hooks/open HTTP/1.1\r\nHost: penstock\r\nContent-Length: 8\r\n\r\n" + begun)
        assert sender.recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("body", "kind", "count"),
    [
        ('{"a":1}', "application/json", 1),
        ('[{"a":1},{"a":2}]', "application/json; charset=utf-8", 2),
        ("[]", "application/json", 0),
        ('{"a":1}\n\n{"a":2}\r\n', "application/x-ndjson", 2),
        ('{"a":1}\n{"a":2}\n', "", 2),
        ('{\n"a":\n1}', "application/x-www-form-urlencoded", 1),
        ("<records><record><id>1</id></record><record><id>2</id></record></records>", "application/xml", 2),
        ('<person id="7"><name>Ada</name><tag>x</tag><tag>y</tag></person>', "", 1),
    ],
)
def test_objects_lists_lines_and_xml_are_accepted(client, body, kind, count):
    reply = client.post("/hooks/open", content=body.encode(), headers={"Content-Type": kind} if kind else {})
    assert reply.json() == {"accepted": count}, reply.text


def test_xml_becomes_members_and_its_text_stays_text(client):
    client.post("/hooks/open", content='<p id="7"><name>Ada</name><zip>007</zip><t>x</t><t/></p>')
    assert samples(client, "open")[0]["record"] == {"@id": "7", "name": "Ada", "zip": "007", "t": ["x", ""]}


def test_a_post_with_invalid_lines_is_refused_whole_and_lists_them(client):
    before = client.get("/api/v1/sources/open/hook").json()["received"]
    body = '{"a":1}\n{"a":}\n[1]\n{"a":1,"a":2}\n{"a":NaN}\n{"a":"\\ud800"}\n'
    reply = client.post("/hooks/open", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status_code == 400
    assert [each["line"] for each in reply.json()["errors"]] == [2, 3, 4, 5, 6]
    assert all(each["code"] == "bad-body" and each["message"] and each["hint"] for each in reply.json()["errors"])
    assert client.get("/api/v1/sources/open/hook").json()["received"] == before


def test_bodies_that_are_too_large_are_refused_also_if_compressed(client):
    assert error(client.post("/hooks/open", content=b" " * 2001), 413)["code"] == "too-large"
    assert error(client.post("/hooks/open", content=iter([b" " * 1000] * 3)), 413)["code"] == "too-large"
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(b'{"a":"' + b"x" * 10_000_000 + b'"}')
    assert error(client.post("/hooks/open", content=bomb[:1999], headers=packed), 413)["code"] == "too-large"
    assert client.post("/hooks/open", content=gzip.compress(b'{"a":1}'), headers=packed).json() == {"accepted": 1}
    assert error(client.post("/hooks/open", content=b"no gzip", headers=packed), 400)["code"] == "bad-body"


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        b"<a><b></a>",
        b"\xff\xfe{}",
        b"{" + b'"a":{' * 300,
        b'{"a":' * 201 + b"1" + b"}" * 201,
        b"\x00",
        b"",
        b'"text"',
        b"null",
    ],
)
def test_a_body_without_records_is_refused_with_the_reason(client, body):
    assert error(client.post("/hooks/open", content=body), 400)["message"]


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        ("keyed", {"X-API-Key": KEY}, {"X-API-Key": KEY + "x"}),
        ("bearer", {"Authorization": f"Bearer {KEY}"}, {"Authorization": "Bearer no"}),
        (
            "basic",
            {"Authorization": "Basic " + base64.b64encode(f"penstock:{KEY}".encode()).decode()},
            {"Authorization": "Basic " + base64.b64encode(f"other:{KEY}".encode()).decode()},
        ),
    ],
)
def test_only_the_key_of_the_source_is_accepted(client, source, right, wrong):
    assert client.post(f"/hooks/{source}", json=RECORD, headers=right).json() == {"accepted": 1}
    for headers in (wrong, {}, {"X-API-Key": "\xff".encode("latin-1")}):
        assert error(client.post(f"/hooks/{source}", json=RECORD, headers=headers), 401)["hint"]


def test_a_key_in_the_query(client):
    assert client.post("/hooks/queried", params={"token": KEY}, json=RECORD).json() == {"accepted": 1}
    assert error(client.post("/hooks/queried", params={"token": "no"}, json=RECORD), 401)


def standard(identity, moment, body):
    return {
        "webhook-id": identity,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,AAAA {sign_standard(KEY, identity, moment, body)}",
    }


def test_a_repeated_signed_post_is_stored_once(client):
    body, now = b'[{"id":1},{"id":2}]', str(int(time.time()))
    headers = standard("msg_1", now, body)
    assert client.post("/hooks/standard", content=body, headers=headers).json() == {"accepted": 2}
    assert client.post("/hooks/standard", content=body, headers=headers).json() == {"accepted": 0, "repeated": True}
    assert client.get("/api/v1/sources/standard/hook").json()["received"] == 2
    assert error(client.post("/hooks/standard", content=body + b" ", headers=headers), 401)
    old = str(int(time.time()) - 301)
    late = error(client.post("/hooks/standard", content=body, headers=standard("msg_2", old, body)), 401)
    assert "timestamp" in late["message"]


def test_generic_signatures_of_body_and_timestamp(client):
    body = b'{"id":1}'
    plain = sign(HookSignature(prefix="sha256="), KEY, body)
    assert client.post("/hooks/plain", content=body, headers={"X-Signature": plain}).json() == {"accepted": 1}
    assert error(client.post("/hooks/plain", content=body, headers={"X-Signature": plain[:-1] + "z"}), 401)
    now = str(int(time.time()))
    made = sign(HookSignature(encoding="base64"), KEY, now.encode() + b"." + body)
    headers = {"X-Signature": made, "X-Time": now}
    assert client.post("/hooks/timed", content=body, headers=headers).json() == {"accepted": 1}
    assert client.post("/hooks/timed", content=body, headers=headers).json()["accepted"] == 0
    assert error(client.post("/hooks/timed", content=body, headers={"X-Signature": made, "X-Time": "1"}), 401)


def test_a_new_key_is_returned_once_and_replaces_the_old_one(client):
    assert error(client.post("/hooks/sealed", json=RECORD), 503)["code"] == "no-secret"
    first = client.post("/api/v1/sources/sealed/hook/key").json()["key"]
    assert client.post("/hooks/sealed", json=RECORD, headers={"X-API-Key": first}).json() == {"accepted": 1}
    second = client.post("/api/v1/sources/sealed/hook/key").json()["key"]
    assert error(client.post("/hooks/sealed", json=RECORD, headers={"X-API-Key": first}), 401)
    assert client.post("/hooks/sealed", json=RECORD, headers={"X-API-Key": second}).json() == {"accepted": 1}
    shown = client.get("/api/v1/sources/sealed/hook")
    assert first not in shown.text
    assert second not in shown.text
    assert shown.json()["auth"] == {"type": "key", "header": "X-API-Key", "has_secret": True}
    assert client.post("/api/v1/sources/keyed/hook/key").status_code in (400, 409)


def test_too_many_posts_get_retry_after(client):
    replies = [client.post("/hooks/slow", json=RECORD) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60


def test_errors_of_other_methods_and_names_have_the_same_form(client):
    assert error(client.get("/hooks/open"), 405)["code"] == "wrong-method"
    assert error(client.post("/hooks/nobody", json={}), 404)["code"] == "unknown-source"
    assert client.get("/api/v1/sources/nobody/hook").status_code == 404


def test_the_response_to_a_post_is_json(client):
    reply = client.post("/hooks/open", content=json.dumps(RECORD))
    assert reply.headers["content-type"] == "application/json"


def test_refused_posts_are_logged_once_a_second_and_measured(opened):
    app, client = opened
    app._ctx = replace(app._ctx, events=(listener := EventListener()))
    before, posted = refused_posts(client), 0
    while len(listener.of("intake.refused")) < 2:
        assert client.post("/hooks/queried", json=RECORD).status_code == 401
        posted += 1
        assert posted < 20_000, "it is logged again after a second"
    logged = listener.of("intake.refused")
    assert {(one["source"], one["status"]) for one in logged} == {("queried", 401)}
    assert logged[1]["posts"] > 1, "it counts the posts in between"
    assert refused_posts(client) == before + posted


def refused_posts(client):
    """The number of posts with the reply 401, from `/metrics`."""
    lines = client.get("/metrics").text.splitlines()
    found = [line for line in lines if "_count{" in line and "/hooks/" in line and 'status="401"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def test_the_newest_records_are_shortened(opened):
    _, client = opened
    long_text = {"id": "long", "text": "x" * 200_000, "list": list(range(50_000)), "exact": 1.0}
    wide = {f"n{number}": "y" * 30 for number in range(1_900)}
    client.post("/hooks/roomy", json=[long_text, wide]).raise_for_status()
    newest, older = samples(client, "roomy")[:2]
    assert older["record"]["id"] == "long"
    assert older["record"]["text"] == "x" * 999 + "…"
    assert older["record"]["list"].startswith("[0,1,2")
    assert len(older["record"]["list"]) == 1000
    assert len(newest["record"]) == 20_000
    assert newest["record"].startswith('{"n0":"yyy')
