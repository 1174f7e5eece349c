"""Attacks by webhook posts on `penstock serve`: memory is bounded, responses are in time, runs continue."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from support.cli.forked_process import Process
from support.deadline import until

PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "{key}", base_url: "{url}", dialect: native}}
sources:
  app: {{type: webhook, auth: none, flush: {{records: 10000, after: 100ms}}, rate_limit: {{requests: 10000, per: 1s}}}}
datasets:
  people: {{source: app, key: id}}
destinations:
  people:
    dataset: people
    credential: acme
    template: upsert_person
    fields: {{user_id: id, email: email}}
    attributes: none
    active: true
flows:
  all: {{destinations: [people]}}
"""
MORE_MB = 300  # memory above the idle value that an attack may use
ANSWER_S = 10.0
LOADED_MB = 100  # the memory that the first run of a service loads, at least
NAMES_AND_EMPTIES = b'[{"id":"wide",%b}%b]' % (
    b",".join(b'"n%d":1' % number for number in range(40_000)),
    b",{}" * 187_033,
)


class Serving:
    """`penstock serve` on a folder, as a process whose memory is measured."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        command = ["-m", "penstock", "serve", "--port", "0", "--json", "--without-sign-in"]
        with (folder / "serve.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **environ},
            )
        assert self.process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, (folder / "serve.log").read_text()
            text += line
        self.client = httpx.Client(base_url=json.loads(text)["url"], timeout=ANSWER_S)
        until(lambda: self.client.get("/readyz").status_code == 200)
        self.rest = self.memory("VmRSS")

    def settle(self, sandbox) -> None:
        """Send a first record: the memory after the first run is the idle value."""
        self.post(b'{"id":"first","email":"first@x.example"}').raise_for_status()
        until(lambda: sandbox.state()["people"], 60)
        self.rest = self.memory("VmRSS")

    def memory(self, field: str) -> int:
        """In MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) // 1000 for line in status.splitlines() if line.startswith(field))

    def post(self, body: bytes) -> httpx.Response:
        return self.client.post("/hooks/app", content=body, headers={"Content-Type": "application/json"})

    def held(self) -> list[dict]:
        return self.client.get("/api/v1/quarantine?limit=500").json()["items"]

    def totals(self) -> dict[str, int]:
        """The outcomes of the records of all ended runs."""
        runs = self.client.get("/api/v1/runs").json()["items"]
        found = {name: sum(run["records"][name] for run in runs if run["finished_at"]) for name in runs[0]["records"]}
        return {name: number for name, number in found.items() if number}

    def works(self, sandbox, who: str) -> None:
        """Assert that a record posted now arrives, and that the memory stayed within its bound."""
        self.post(b'{"id":"%b","email":"%b@x.example"}' % (who.encode(), who.encode())).raise_for_status()
        until(lambda: who in {person.get("user_id") for person in sandbox.state()["people"]}, 120)
        assert self.client.get("/readyz").status_code == 200
        more = self.memory("VmHWM") - self.rest
        assert more <= MORE_MB, f"{more} MB more than at rest"

    def stop(self) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture
def folder(tmp_path, sandbox):
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(key=sandbox.api_key, url=sandbox.url))
    assert Process(["-m", "penstock", "apply"], cwd=tmp_path).wait(60) == 0
    return tmp_path


@pytest.fixture
def serve(folder):
    started: list[Serving] = []

    def start(**environ: str) -> Serving:
        started.append(Serving(folder, **environ))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop()


def test_many_names_in_many_records_do_not_exhaust_memory_or_stop_the_feed(serve, sandbox):
    service = serve()
    service.settle(sandbox)
    began = time.monotonic()
    reply = service.post(NAMES_AND_EMPTIES)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (413, "too-many-records")
    assert time.monotonic() - began < ANSWER_S
    wide = NAMES_AND_EMPTIES[: NAMES_AND_EMPTIES.index(b"}") + 1] + b"]"
    assert service.post(wide).json() == {"accepted": 1}
    for post in range(3):  # as wide and as long as posts may be, each with its own names
        names = b",".join(b'"m%d_%d":1' % (post, number) for number in range(1_900))
        assert service.post(b'[{"id":"w%d",%b}%b]' % (post, names, b",{}" * 999)).json() == {"accepted": 1_000}
    service.works(sandbox, "after")
    found = until(lambda: len(held := by_key(service)) >= 2 and held, 120)
    assert "40001 names, more than 2000" in found["wide"]["reason"]
    assert "more than 5000" in found["w2"]["reason"]
    whole = service.client.get(f"/api/v1/quarantine/{found['wide']['id']}").json()["record"]
    assert len(whole) == 40_001, "the record is kept whole"
    service.stop()
    again = serve()
    again.works(sandbox, "restarted")


def test_every_record_of_the_largest_post_has_an_outcome(serve, sandbox):
    """One record of 40,000 names and 9,999 empty ones: each is quarantined, and the next record is sent."""
    service = serve()
    service.settle(sandbox)
    wide = NAMES_AND_EMPTIES[: NAMES_AND_EMPTIES.index(b"}") + 1]
    assert service.post(wide + b",{}" * 10_000 + b"]").status_code == 413
    began = time.monotonic()
    assert service.post(wide + b",{}" * 9_999 + b"]").json() == {"accepted": 10_000}
    assert time.monotonic() - began < ANSWER_S
    service.works(sandbox, "after")
    until(lambda: service.totals() == {"read": 10_002, "delivered": 2, "quarantined": 10_000}, 60)
    causes = service.client.get("/api/v1/quarantine/groups").json()["items"]
    assert sorted((each["cause"], each["count"]) for each in causes) == [("key", 1), ("names", 1)]  # {} is stored once


def by_key(service: Serving) -> dict:
    return {str(entry["key"]): entry for entry in service.held() if entry["destination"] == "people" and entry["key"]}


def test_a_state_that_was_filled_before_there_were_bounds_works_again(serve, sandbox):
    open_wide = serve(
        PENSTOCK_MAX_POST_RECORDS="1000000", PENSTOCK_MAX_RECORD_NAMES="1000000", PENSTOCK_MAX_COLUMNS="5"
    )
    open_wide.client.post("/api/v1/destinations/people/pause").raise_for_status()
    some = NAMES_AND_EMPTIES[: NAMES_AND_EMPTIES.index(b"}") + 1] + b",{}" * 3_000 + b"]"
    assert open_wide.post(some).json() == {"accepted": 3_001}
    open_wide.stop()
    service = serve()
    service.rest += LOADED_MB
    service.client.post("/api/v1/destinations/people/activate").raise_for_status()
    service.works(sandbox, "healed")
