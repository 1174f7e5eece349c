"""Requests whose reply is lost, by the settings of the destination, against an API that closes the connection."""

import json
import sqlite3
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from support.cli.shell import Shell

PROJECT = """\
credentials:
  api: {{connector: http, base_url: "{base}"}}
sources:
  file: {{type: file, path: rows.csv}}
  table: {{type: sql, url: "sqlite:///rows.db", table: things, cursor: number}}
datasets:
  rows: {{source: {source}, key: id}}
destinations:
  it:
    dataset: rows
    credential: api
    mode: changed
    active: true
    {more}
    request: {{method: POST, url: /things, {request}}}
"""


class Things(ThreadingHTTPServer):
    """Creates a thing for each request, but one for all requests with the same `X-Once`. Refuses bodies with `bad`.

    After the first request with a body, the connection is closed without a reply if `loses`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.loses = True
        self.bodies: Counter[bytes] = Counter()
        self.created: list[str] = []
        self.once: list[str | None] = []


class Request(BaseHTTPRequestHandler):
    server: Things

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        things, once = self.server, self.headers["X-Once"]
        things.bodies[body] += 1
        repeated = once is not None and once in things.once
        things.once.append(once)
        if b"bad" in body:
            return self._reply(422)
        if not repeated:
            things.created.append(json.loads(body)["id"])
        if things.loses and things.bodies[body] == 1:
            self.close_connection = True
            return None
        return self._reply(200)

    def _reply(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def things():
    with Things() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def shell(tmp_path, things, monkeypatch, capsys):
    def make(request="", more="", source="file") -> Shell:
        base = f"http://127.0.0.1:{things.server_port}"
        text = PROJECT.format(base=base, request=request, more=more, source=source)
        (tmp_path / "penstock.yaml").write_text(text, encoding="utf-8")
        return Shell(tmp_path, monkeypatch, capsys)

    (tmp_path / "rows.csv").write_text("id,name\na,x\nb,y\nc,z\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return make


ONCE = 'idempotency: {header: X-Once, value: "{record.id}"}'


def test_after_a_lost_reply_the_same_idempotency_header_is_sent_again(shell, things):
    report = shell(ONCE).json("run it")
    assert report["records"]["delivered"] == 3
    assert sorted(things.once) == ["a", "a", "b", "b", "c", "c"]
    assert sorted(things.created) == ["a", "b", "c"]


def test_an_explicit_idempotent_false_takes_precedence_over_the_header(shell, things):
    report = shell(f"{ONCE}, idempotent: false").json("run it", code=1)
    assert report["records"]["unknown"] == 3
    assert sorted(things.once) == ["a", "b", "c"], "each is sent once, with the header"


def test_other_settings_for_settling_send_nothing_again_and_leave_the_quarantine_as_it_is(shell, things, tmp_path):
    things.loses = False
    (tmp_path / "rows.csv").write_text("id,name\na,x\nb,bad\n", encoding="utf-8")
    assert shell().json("run it", code=1)["records"]["delivered"] == 1
    settle = 'settle: {url: "/things/{record.id}", found: $.id}'
    again = shell(settle, "{on_unknown: hold, settle_after: 0}"[1:-1].replace(", ", "\n    ")).json("run it", code=1)
    assert (again["requests"], again["records"]["unchanged"], again["records"]["quarantined"]) == (0, 1, 1)
    other = shell("headers: {X-A: b}").json("run it", code=1)
    assert (other["requests"], other["records"]["quarantined"]) == (1, 1), "other settings send it again"


def test_other_settings_for_settling_do_not_count_as_other_settings_of_older_rows(shell, things, tmp_path):
    things.loses = False
    with sqlite3.connect(tmp_path / "rows.db") as db:
        db.execute("create table things (id text, number integer)")
        db.execute("insert into things values ('a', 1), ('b', 2)")
    assert shell(source="table").json("run it")["records"]["delivered"] == 2
    for request, more, expected in (
        ('settle: {url: "/things/{record.id}", found: $.id}', "settle_after: 1m", []),
        ("", "nulls: send", ["cursor"]),
    ):
        notes = shell(request, more, "table").json("run it")["notes"]
        assert [note["field"] for note in notes if note["action"] == "not read again"] == expected
