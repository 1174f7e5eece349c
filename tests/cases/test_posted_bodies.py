"""Case 100 and similar ones: a post with an unsupported content type is refused with that type and what to do."""

from pathlib import Path

import pytest

from support.service.http_service import service

FORM = (Path(__file__).parent / "100" / "post.txt").read_bytes().strip()
PROJECT = "sources:\n  open: {type: webhook, auth: none}\n"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="payload"\r\n\r\n{"id":1}\r\n--x--\r\n'


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with service(tmp_path_factory.mktemp("open"), PROJECT) as (_, made):
        yield made


@pytest.mark.parametrize(
    ("kind", "body", "way"),
    [
        ("application/x-www-form-urlencoded", FORM, "GitHub: set the webhook's content type to application/json"),
        ("multipart/form-data; boundary=x", MULTIPART, "files and forms are not taken"),
        ("text/plain;charset=utf-8", b"hello", "application/json"),
        ("text/csv", b"id,name\n1,Ada\n", "a source of type file"),
        ("application/yaml", b"id: 1\n", "application/json"),
        ("text/html", b"<p>It works<p>", "application/json"),
        ("application/octet-stream", b"\x01\x02", "application/json"),
    ],
)
def test_an_unsupported_content_type_is_named_with_what_to_do(client, kind, body, way):
    reply = client.post("/hooks/open", content=body, headers={"Content-Type": kind})
    problem = reply.json()["errors"][0]
    assert (reply.status_code, problem["code"]) == (400, "bad-body")
    assert f"the content type {kind.partition(';')[0]} is not taken" in problem["message"]
    assert "send JSON" in problem["hint"]
    assert way in problem["hint"]


def test_json_and_xml_are_accepted_with_any_content_type(client):
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream"):
        for body in (b'{"id":1}', b'{"id":1}\n{"id":2}', b"<row><id>1</id></row>"):
            reply = client.post("/hooks/open", content=body, headers={"Content-Type": kind})
            assert reply.status_code == 200, (kind, body, reply.text)


@pytest.mark.parametrize(("kind", "word"), [("application/xml", "XML"), ("application/json", "JSON")])
def test_a_body_that_does_not_match_its_content_type_is_refused_with_that_type(client, kind, word):
    reply = client.post("/hooks/open", content=FORM, headers={"Content-Type": kind})
    assert reply.status_code == 400
    assert word in reply.json()["errors"][0]["message"]
