"""Requests for one object never overlap when several destinations of a credential write it, in any processes."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penstock.model.record import Payload
from penstock.run.connection.key_locks import KeyLocks, identities, lock_file
from penstock.run.stop import StoppableClock, Stopped, StopSignal
from support.cli import forked_process
from support.kernel.virtual_time import ImpatientClock

PERSON = frozenset({"person"})


def payload(**members):
    return Payload(0, "k", json.dumps(members).encode(), 0)


class Waits(ImpatientClock):
    """A clock that does something when a run sleeps."""

    def __init__(self, does):
        super().__init__()
        self.does = does
        self.slept = 0

    async def sleep(self, seconds):
        self.slept += 1
        self.does()
        await asyncio.sleep(0)


def locks(tmp_path, does=lambda: None, *, credential="acme", objects=PERSON):
    return KeyLocks(lock_file(tmp_path / "objects"), credential, objects, Waits(does))


@pytest.mark.parametrize(
    ("one", "other", "waits"),
    [
        ({"user_id": "u1"}, {"user_id": "u1", "email": "a@x.io"}, True),
        ({"email": "a@x.io"}, {"user_id": "u1", "email": "A@x.io"}, True),
        ({"type": "people", "payload": {"user_id": "u1"}}, {"user_id": "u1"}, True),
        ({"user_id": "u1"}, {"user_id": "u2"}, False),
        ({"user_id": "u1"}, {"email": "u1"}, False),
        ({"name": "x"}, {"name": "x"}, False),
    ],
)
async def test_a_request_waits_for_another_one_for_the_same_object(tmp_path, one, other, waits):
    first = locks(tmp_path)
    async with first.held([payload(**one)]):
        done = asyncio.Event()

        async def second():
            async with locks(tmp_path).held([payload(**other)]):
                done.set()

        task = asyncio.create_task(second())
        for _ in range(5):
            await asyncio.sleep(0)
        assert done.is_set() is not waits
    await task


async def test_other_credentials_and_other_objects_do_not_wait(tmp_path):
    async with locks(tmp_path).held([payload(user_id="u1")]):
        async with locks(tmp_path, credential="other").held([payload(user_id="u1")]):
            pass
        async with locks(tmp_path, objects=frozenset({"company"})).held([payload(user_id="u1")]):
            pass


async def test_a_batch_takes_all_its_objects_or_none(tmp_path):
    first, second = locks(tmp_path), locks(tmp_path)
    async with first.held([payload(user_id="u2")]):
        waiting = asyncio.create_task(_hold(second, [payload(user_id="u1"), payload(user_id="u2")]))
        await asyncio.sleep(0)
        async with locks(tmp_path).held([payload(user_id="u1")]):
            pass
    await waiting


async def _hold(some, payloads):
    async with some.held(payloads):
        pass


async def test_a_run_that_stops_does_not_wait(tmp_path):
    signal = StopSignal()
    run = KeyLocks(lock_file(tmp_path / "objects"), "acme", PERSON, StoppableClock(Waits(lambda: None), signal))
    async with locks(tmp_path).held([payload(user_id="u1")]):
        signal.stop("cancelled", "stopped by a person")
        with pytest.raises(Stopped):
            await _hold(run, [payload(user_id="u1")])


HOLDER = """
import sys
from pathlib import Path
from penstock.run.connection.key_locks import lock_file
assert lock_file(Path(sys.argv[1])).take([int(place) for place in sys.argv[2:]])
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_request_of_another_process_is_waited_for_until_that_process_dies(tmp_path):
    places = [str(place) for place in locks(tmp_path)._places([payload(user_id="u1")])]
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "objects"), *places]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"

        def dies():
            other.kill()
            other.wait()

        waiting = locks(tmp_path, dies)
        asyncio.run(_hold(waiting, [payload(user_id="u1")]))
    assert waiting.clock.slept >= 1


def test_what_identifies_an_object():
    text = b'{"user_id": "u1", "email": "A@x.io", "id": 7, "company_id": "c", "name": "n"}'
    assert identities(text, PERSON) == [
        ("person", "user_id", "u1"),
        ("person", "email", "a@x.io"),
        ("person", "id", "7"),
    ]
    assert identities(b'{"externalId": "i-1"}', frozenset({"invoice"})) == [("invoice", "externalId", "i-1")]
    assert identities(b"[1]", PERSON) == []


class Overlaps:
    """How many requests for each company were under way at once, at most."""

    def __init__(self):
        self.guard, self.now, self.most, self.total, self.most_total = threading.Lock(), Counter(), Counter(), 0, 0

    def begin(self, company):
        with self.guard:
            self.now[company] += 1
            self.total += 1
            self.most[company] = max(self.most[company], self.now[company])
            self.most_total = max(self.most_total, self.total)

    def end(self, company):
        with self.guard:
            self.now[company] -= 1
            self.total -= 1


@contextmanager
def slow_api(overlaps):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            company = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["company_id"]
            overlaps.begin(company)
            time.sleep(0.05)
            overlaps.end(company)
            body = b'{"id": "5f5b3c1d2e4a6b7c8d9e0f1a"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_two_runs_in_two_processes_do_not_send_one_company_at_once(tmp_path):
    overlaps = Overlaps()
    shape = 'dataset: companies, credential: acme, active: true, template: upsert_company, batch: "off"'
    rows = "".join(f'{{"company_id": "k{n}", "name": "c"}}\n' for n in range(100))
    (tmp_path / "companies.ndjson").write_text(rows, encoding="utf-8")
    with slow_api(overlaps) as url:
        account = f'connector: custify, dialect: native, api_key: key-of-a-test, base_url: "{url}"'
        (tmp_path / "penstock.yaml").write_text(
            f"""\
credentials: {{acme: {{{account}, rate_limit: {{requests: 100000, per: 1s}}}}}}
sources: {{companies: {{type: file, path: companies.ndjson}}}}
datasets: {{companies: {{source: companies, key: company_id}}}}
destinations:
  one: {{{shape}}}
  two: {{{shape}}}
""",
            encoding="utf-8",
        )
        command = ["-m", "penstock", "--json", "run"]
        runs = [
            forked_process.Process(
                [*command, name], cwd=tmp_path, env=dict(os.environ), stdout=subprocess.PIPE, text=True
            )
            for name in ("one", "two")
        ]
        reports = [json.loads(process.communicate(timeout=100)[0]) for process in runs]
    assert [report["records"]["delivered"] for report in reports] == [100, 100]
    assert set(overlaps.most.values()) == {1}
    assert overlaps.most_total > 5, "different companies go in parallel"
