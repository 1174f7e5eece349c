"""Bodies that are too large, compressed, too deep or not JSON are refused before they reach a route."""

import gzip
import socket

import pytest

from support.service.security_service import code_of

PATH = "/api/v1/flows/all"


@pytest.fixture
def editor(service):
    return service.signed_in("editor")


def test_a_large_body_is_refused_unread(service):
    """By its Content-Length, before it is sent."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" % PATH.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_large_body_that_does_not_say_so_is_refused(editor):
    def endless():
        for _ in range(300):
            yield b" " * 10_000

    reply = editor.put(PATH, content=endless(), headers={"Content-Type": "application/json"})
    assert (reply.status_code, code_of(reply)) == (413, "too-large")


def test_compressed_bodies_are_refused(editor):
    bomb = gzip.compress(b'{"a": "' + b"x" * 10_000_000 + b'"}')
    for coding in ("gzip", "deflate", "br", "gzip, gzip"):
        reply = editor.put(PATH, content=bomb, headers={"Content-Encoding": coding, "Content-Type": "application/json"})
        assert (reply.status_code, code_of(reply)) == (400, "packed")


@pytest.mark.parametrize(
    "body", ["[" * 65, '{"a":' * 70 + "1" + "}" * 70, "[" * 1_000_000, '{"a":"\\"[[[["' + ",[" * 99]
)
def test_deep_json_is_refused(editor, body):
    reply = editor.put(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, code_of(reply)) == (400, "too-deep")


def test_brackets_in_text_are_not_depth(editor):
    body = '{"destinations": ["it"], "timezone": "' + "[{" * 200 + '\\"[["}'
    reply = editor.put(PATH, content=body, headers={"Content-Type": "application/json"})
    assert reply.json()["errors"][0]["path"] == "flows.all.timezone"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"{",
        b'{"a": 1,}',
        b"\xff\xfe",
        b'"text"',
        b"[]",
        b"null",
        b"1e999",
        b'{"a": NaN}',
        b"\x00" * 100,
    ],
)
def test_malformed_bodies_are_wrong_input(editor, body):
    reply = editor.put(PATH, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400, reply.text
    assert set(reply.json()) == {"errors"}
