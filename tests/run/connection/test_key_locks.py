"""Requests for one object never overlap when several destinations of a credential write it, in any processes."""

import asyncio
import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penstock.model.errors import StateLocked, StateUnavailable
from penstock.model.record import Payload
from penstock.run.connection.key_locks import KeyLocks, identities, lock_file
from penstock.run.stop import StoppableClock, Stopped, StopSignal
from support.cli import forked_process
from support.cli.shell import Shell
from support.deadline import until
from support.kernel.virtual_time import ImpatientClock

PERSON = frozenset({"person"})


def payload(**members):
    return Payload(0, "k", json.dumps(members).encode(), 0)


class Waits(ImpatientClock):
    """A clock that does something when a run sleeps."""

    def __init__(self, does):
        super().__init__()
        self.does = does
        self.pauses = []

    def monotonic(self):
        return sum(self.pauses)

    async def sleep(self, seconds):
        self.pauses.append(seconds)
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


async def test_who_waits_for_a_minute_looks_ten_times_a_second(tmp_path):
    minute = asyncio.Event()
    second = locks(tmp_path, lambda: sum(second.clock.pauses) < 60 or minute.set())
    async with locks(tmp_path).held([payload(user_id="u1")]):
        waiting = asyncio.create_task(_hold(second, [payload(user_id="u1")]))
        await minute.wait()
    await waiting
    assert second.clock.pauses[0] < 0.01
    assert len(second.clock.pauses) < 620


async def test_a_system_that_cannot_lock_leaves_nothing_locked(tmp_path, monkeypatch):
    """Such as a network folder without locks, or the system's table of locks when it is full."""
    file = lock_file(tmp_path / "objects")
    locked, lockf = [], fcntl.lockf

    def third_fails(handle, command, length, place):
        if command != fcntl.LOCK_UN and place == 3:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        locked.append(place) if command != fcntl.LOCK_UN else locked.remove(place)
        lockf(handle, command, length, place)

    monkeypatch.setattr(fcntl, "lockf", third_fails)
    with pytest.raises(StateUnavailable) as failure:
        await file.take([1, 2, 3])
    assert failure.value.problems[0].path == str(tmp_path)
    assert "No locks available" in failure.value.problems[0].message
    assert locked == []
    monkeypatch.undo()
    assert await file.take([1, 2, 3])


HOLDER = """
import asyncio, sys
from pathlib import Path
from penstock.run.connection.key_locks import lock_file
assert asyncio.run(lock_file(Path(sys.argv[1])).take([int(place) for place in sys.argv[2:]]))
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
    assert len(waiting.clock.pauses) >= 1


def test_what_identifies_an_object():
    text = b'{"user_id": "u1", "email": "A@x.io", "id": 7, "company_id": "c", "name": "n"}'
    assert identities(text, PERSON) == [
        ("person", "user_id", "u1"),
        ("person", "email", "a@x.io"),
        ("person", "id", "7"),
    ]
    assert identities(b'{"externalId": "i-1"}', frozenset({"invoice"})) == [("invoice", "externalId", "i-1")]
    in_a_batch = b'{"jobs": [{"type": "people", "payload": {"user_id": "u1"}}, {"user_id": "u2"}]}'
    assert [value for *_, value in identities(in_a_batch, PERSON)] == ["u1", "u2"]
    assert identities(b'[{"email": "a@x.io"}]', PERSON) == [("person", "email", "a@x.io")]
    for other in (b"[1]", b'{"jobs": 1}', b"<person/>", b""):
        assert identities(other, PERSON) == []


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
def slow_api(overlaps, takes_s=0.05):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            company = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["company_id"]
            overlaps.begin(company)
            time.sleep(takes_s)
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


PROJECT = """\
credentials: {{acme: {{{account}, rate_limit: {{requests: 100000, per: 1s}}}}}}
sources: {{companies: {{type: file, path: companies.ndjson}}}}
datasets: {{companies: {{source: companies, key: company_id}}}}
destinations:
  one: {{{shape}}}
  two: {{{other}}}
"""
SHAPE = "dataset: companies, credential: acme, active: true"
UPSERT = f'{SHAPE}, template: upsert_company, batch: "off"'
MANUAL = f"{SHAPE}, request: {{method: POST, url: /company, batch: off}}"


def write_project(folder, url, number, other=UPSERT):
    account = f'connector: custify, dialect: native, api_key: key-of-a-test, base_url: "{url}"'
    rows = "".join(f'{{"company_id": "k{n}", "name": "c"}}\n' for n in range(number))
    folder.mkdir(exist_ok=True)
    (folder / "companies.ndjson").write_text(rows, encoding="utf-8")
    text = PROJECT.format(account=account, shape=UPSERT, other=other)
    (folder / "penstock.yaml").write_text(text, encoding="utf-8")


def test_a_lock_file_that_cannot_be_made_ends_the_command_and_not_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path, monkeypatch, capsys)
    with slow_api(Overlaps()) as url:
        write_project(tmp_path, url, 3)
        in_the_way = tmp_path / ".penstock/state.db.locks/objects"
        in_the_way.mkdir(parents=True)
        [error] = shell.json("run one", code=3)["errors"]
        assert (error["path"], error["code"]) == (str(in_the_way.parent), "cannot-write")
        in_the_way.rmdir()
        assert shell.json("run one")["records"]["delivered"] == 3


@pytest.fixture(params=["beside SQLite", "two machines on PostgreSQL"])
def machines(request, tmp_path):
    """The folders of two processes, and the options with which they have one state."""
    if request.param == "beside SQLite":
        return (tmp_path, tmp_path), ()
    return (tmp_path / "a", tmp_path / "b"), ("--database", request.getfixturevalue("postgres"))


@pytest.mark.parametrize("other", [UPSERT, MANUAL])
def test_two_runs_in_two_processes_do_not_send_one_company_at_once(machines, other):
    overlaps = Overlaps()
    folders, options = machines
    with slow_api(overlaps) as url:
        runs = []
        for folder, name in zip(folders, ("one", "two"), strict=True):
            write_project(folder, url, 60, other)
            command = ["-m", "penstock", *options, "--json", "run", name]
            runs.append(
                forked_process.Process(command, cwd=folder, env=dict(os.environ), stdout=subprocess.PIPE, text=True)
            )
        reports = [json.loads(process.communicate(timeout=100)[0]) for process in runs]
    assert [report["records"]["delivered"] for report in reports] == [60, 60]
    assert set(overlaps.most.values()) == {1}
    assert overlaps.most_total > 5, "different companies go in parallel"


def test_a_test_send_does_not_overlap_a_run_that_sends_the_same_company(machines):
    """It waits until the request of the other destination has ended."""
    overlaps = Overlaps()
    folders, options = machines
    with slow_api(overlaps, takes_s=1.5) as url:
        for folder in folders:
            write_project(folder, url, 1)
        command = ["-m", "penstock", *options, "--json"]
        setting = {"env": dict(os.environ), "stdout": subprocess.PIPE, "text": True}
        run = forked_process.Process([*command, "run", "one"], cwd=folders[0], **setting)
        until(lambda: overlaps.total == 1)
        test = forked_process.Process([*command, "test", "two"], cwd=folders[1], **setting)
        reports = [json.loads(process.communicate(timeout=100)[0]) for process in (run, test)]
    assert reports[0]["records"]["delivered"] == 1
    assert reports[1]["response"]["status"] == 200
    assert overlaps.most == {"k0": 1}


async def test_a_test_send_does_not_wait_for_ever(tmp_path):
    waiting = replace(locks(tmp_path), until=30.0)
    async with locks(tmp_path).held([payload(user_id="u1")]):
        with pytest.raises(StateLocked) as failure:
            await _hold(waiting, [payload(user_id="u1")])
    [problem] = failure.value.problems
    assert (problem.path, problem.code) == ("credentials.acme", "held")
    assert 29 < sum(waiting.clock.pauses) < 31
