"""Cases of JSON over HTTP: accepted with every digit, or refused with the reason, never a defect."""

import gzip
import json
import re
import socket
import struct
import zlib
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from support.kernel.json_cases import OPEN, REFUSED, STRICTER, TAKEN, WHOLE
from support.service.http_service import service

PROJECT = """\
credentials:
  acme: {connector: custify, api_key: "${env:KEY}", base_url: "http://127.0.0.1:9/api"}
sources:
  cases: {type: webhook, auth: none, rate_limit: {requests: 100000, per: 1s}}
  small: {type: webhook, auth: none, max_bytes: 1000, rate_limit: {requests: 100000, per: 1s}}
datasets:
  kept: {source: cases, key: id}
destinations:
  it:
    dataset: kept
    credential: acme
    template: upsert_person
    fields: {user_id: id}
    attributes: all
"""
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with service(tmp_path_factory.mktemp("cases"), PROJECT, environ={"KEY": "k"}) as (_, made):
        yield made


def in_record(case, number=0):
    return b'{"id":"r%d","v":%b}' % (number, case)


def exact(text):
    """The value in a form in which 1, 1.0 and true differ, and every digit counts."""
    value = json.loads(text, parse_float=Decimal, parse_constant=pytest.fail)
    return repr(value)


def newest(client, source="cases"):
    text = client.get(f"/api/v1/sources/{source}/hook").text
    return text[text.index('"samples":[') :].split('"record":', 1)[1]


def refused(reply, place, status=(400,)):
    assert reply.status_code in status, (place, reply.status_code, reply.text[:300])
    problem = reply.json()["errors"][0]
    assert problem["message"], place
    assert problem["code"], place


def test_valid_json_is_stored_with_every_digit(client):
    for number, case in enumerate(TAKEN):
        for body in (in_record(case, number), b"[" + in_record(case, number) + b"]"):
            reply = client.post("/hooks/cases", content=body, headers=JSON)
            assert (reply.status_code, reply.json()) == (200, {"accepted": 1}), (case, reply.text)
        shown = newest(client).encode()
        kept = json.JSONDecoder(parse_float=Decimal).raw_decode(shown.decode())[0]
        assert repr(kept["v"]) == exact(case), case


@pytest.mark.parametrize("cases", [REFUSED, STRICTER], ids=["no JSON", "stricter"])
def test_invalid_json_over_http_is_refused_with_the_reason(client, cases):
    before = client.get("/api/v1/sources/cases/hook").json()["received"]
    for case in cases:
        for body in (in_record(case), b'[{"id":"good"},' + in_record(case) + b"]"):
            refused(client.post("/hooks/cases", content=body, headers=JSON), case[:60])
        if b"\n" not in case:
            lines = {"Content-Type": "application/x-ndjson"}
            refused(client.post("/hooks/cases", content=b'{"id":"good"}\n' + in_record(case), headers=lines), case[:60])
    assert client.get("/api/v1/sources/cases/hook").json()["received"] == before


def test_json_that_standards_do_not_define_over_http(client):
    for number, (case, taken) in enumerate(OPEN.items()):
        reply = client.post("/hooks/cases", content=in_record(case, 1000 + number), headers=JSON)
        if taken:
            assert reply.status_code == 200, (case[:60], reply.text)
            assert case.decode() in newest(client)
        else:
            refused(reply, case[:60])
    for body, taken in WHOLE.items():
        reply = client.post("/hooks/cases", content=body)
        if taken:
            assert reply.status_code == 200, (body, reply.text)
        else:
            refused(reply, body)


def test_accepted_records_can_be_read_and_previewed(client):
    for number, case in enumerate([*TAKEN, *(case for case, taken in OPEN.items() if taken)]):
        client.post("/hooks/cases", content=in_record(case, number), headers=JSON)
    for path in (
        "datasets/kept/schema",
        "datasets/kept/samples?limit=500",
        "destinations/it/preview",
        "sources/cases/hook",
    ):
        reply = client.get(f"/api/v1/{path}")
        assert reply.status_code == 200, reply.text[:500]
    draft = {
        "name": "it",
        "value": {"dataset": "kept", "credential": "acme", "template": "upsert_person", "fields": {"user_id": "id"}},
    }
    found = client.post("/api/v1/destinations/findings", json=draft)
    assert (found.status_code, found.json()["errors"]) == (200, []), found.text[:500]


def test_the_table_of_json_cases_is_complete():
    """The number of cases of the suite, without those that are equal after the list around them is removed."""
    assert (len(TAKEN), len(REFUSED), len(STRICTER), len(OPEN)) >= (90, 170, 2, 32)


# ── bombs ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 400_000,
        b'{"a":' * 150_000,
        b'{"a":[' * 100_000 + b"1" + b"]}" * 100_000,
        b'{"v":"' + b"\\u0000" * 150_000 + b'"',
        b'{"v":' + b"1" * 900_000 + b"}",
        b'{"v":1' + b"0" * 5000 + b"}",
        b'{"v":' + b"-" * 900_000 + b"}",
        b"[{}" + b",{}" * 200_000,
        b"{" + b'"a":1,' * 100_000 + b'"a":1}',
    ],
    ids=["lists", "objects", "both", "text", "digits", "integer", "signs", "unclosed", "doubled"],
)
def test_json_bombs_are_refused_at_once(client, body):
    refused(client.post("/hooks/cases", content=body, headers=JSON), body[:20], (400, 413))


def gzip_of(size):
    """A small body that decompresses to `size` bytes."""
    packer = zlib.compressobj(6, wbits=31)
    return (
        packer.compress(b'{"a":"')
        + b"".join(packer.compress(b"x" * 1_000_000) for _ in range(size // 1_000_000))
        + packer.flush()
    )


def test_gzip_bombs_are_refused_without_decompression(client):
    packed = {"Content-Encoding": "gzip", **JSON}
    refused(client.post("/hooks/cases", content=gzip_of(60_000_000), headers=packed), "one", (413,))
    many = gzip.compress(b" " * 200_000) * 20
    refused(client.post("/hooks/cases", content=many, headers=packed), "many members", (413,))
    twice = gzip.compress(gzip.compress(b'{"a":1}'))
    refused(client.post("/hooks/cases", content=twice, headers=packed), "twice")
    whole = gzip.compress(b'{"a":1}')
    broken = {
        "cut": whole[:-4], "check": whole[:-8] + b"\0" * 8, "trailing": whole + b"x", "empty": b"", "header": b"\x1f\x8b", "zlib": zlib.compress(b"{}"),
        "size": whole[:-4] + struct.pack("<I", 2**31),
    }  # fmt: skip
    for name, body in broken.items():
        refused(client.post("/hooks/cases", content=body, headers=packed), name)
    for coding in ("br", "deflate", "zstd", "gzip, gzip", "compress", "x" * 500, "gzip;q=1", "\xff".encode("latin-1")):
        refused(client.post("/hooks/cases", content=whole, headers={"Content-Encoding": coding}), coding)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
XML_BOMBS = {
    "laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
    "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"x" * 100_000}">]><a>{"&x;" * 1000}</a>',
    "file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "host": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "parameter": '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>',
    "depth": "<a>" * 50_000 + "</a>" * 50_000,
    "unclosed": "<a>" * 100_000,
    "unknown entity": "<a>&nbsp;</a>",
    "attributes": "<a " + " ".join(f'a{n}="1"' for n in range(20_000)) + "><b/></a",
    "encoding": '<?xml version="1.0" encoding="no-such"?><a/>',
    "utf-7": '<?xml version="1.0" encoding="utf-7"?><a>+ADw-</a>',
    "control": "<a>\x00</a>",
    "two": "<a/><b/>",
    "cdata": "<a><![CDATA[x</a>",
}


@pytest.mark.parametrize("name", XML_BOMBS)
def test_xml_bombs_are_refused(client, name):
    for kind in ("application/xml", "text/xml; charset=utf-8", ""):
        headers = {"Content-Type": kind} if kind else {}
        reply = client.post("/hooks/cases", content=XML_BOMBS[name].encode(), headers=headers)
        refused(reply, name)
        assert "root:" not in reply.text


# ── HTTP itself ──────────────────────────────────────────────────────────────


def raw(client, head, body, statuses):
    """The status of the reply to bytes that no client would send; 0 if the connection was closed."""
    parts = urlsplit(str(client.base_url))
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(head.replace(b"\n", b"\r\n") + body)
        if 0 in statuses:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return 0 if found is None else int(found[1])


START = b"POST /hooks/small HTTP/1.1\nHost: 127.0.0.1\nConnection: close\n"


@pytest.mark.parametrize(
    ("head", "body", "statuses"),
    [
        (b"Content-Length: 99999999\n\n", b"{}", {413}),
        (b"Content-Length: 99999999999999999999999999\n\n", b"{}", {400, 413}),
        (b"Content-Length: -1\n\n", b"{}", {400}),
        (b"Content-Length: 2x\n\n", b"{}", {400}),
        (b"Content-Length: \xb2\n\n", b"{}", {400}),
        (b"Content-Length: 2\nContent-Length: 3\n\n", b"{} ", {400}),
        (b"Content-Length: 2\nTransfer-Encoding: chunked\n\n", b"2\r\n{}\r\n0\r\n\r\n", {200, 400}),
        (b"Transfer-Encoding: chunked\n\n", b"2\r\n{}\r\n0\r\n\r\n", {200}),
        (b"Transfer-Encoding: chunked\n\n", b"zz\r\n{}\r\n", {400}),
        (b"Transfer-Encoding: chunked\n\n", b"7d0\r\n" + b" " * 2000 + b"\r\n0\r\n\r\n", {413}),
        (b"Transfer-Encoding: rot13\n\n", b"{}", {400, 501}),
        (b"Content-Length: 10\n\n", b"{}", {0}),
        (b"\n", b"", {400}),
        (b"Content-Length: 2\nContent-Type: \xff\xfe\n\n", b"{}", {200, 400}),
        (b"Content-Length: 2\nContent-Type: application/json; charset=utf-16\n\n", b"{}", {400}),
        (b"Content-Length: 2\nX: " + b"y" * 100_000 + b"\n\n", b"{}", {0, 200, 400, 431}),
    ],
)
def test_malformed_requests_are_answered_or_dropped(client, head, body, statuses):
    assert raw(client, START + head, body, statuses) in statuses
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["%00", "a%00b", "%ff", "..%2f..", "small%2f", "%F0%9F%9A%80", "x" * 5000, "", "small/more", "small?%ff=%00"],
)
def test_any_name_of_a_source(client, path):
    assert client.post(f"/hooks/{path}", content=b"{}").status_code in (200, 307, 404, 405)
