"""`penstock serve` as a process: it prints its URL, refuses unsafe options, and stops in order."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ONLY_FOR_RUNS = ("libarrow", "_duckdb", "_multiarray_umath")
COMMAND = (sys.executable, "-m", "penstock", "--json")


@pytest.mark.parametrize("worker", [(), ("--no-worker",)])
def test_serve_prints_its_url_and_stops_on_sigterm(tmp_path, worker):
    database = f"sqlite:///{tmp_path / 'state.db'}"
    command = [*COMMAND, "--database", database, "serve", "--port", "0", *worker]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        document = json.JSONDecoder().raw_decode(_document(process))[0]
        assert document["setup_url"].startswith(f"{document['url']}/setup#token=")
        try:
            healthz = httpx.get(f"{document['url']}/healthz", timeout=20)
            api = httpx.get(f"{document['url']}/api/v1/destinations", timeout=20)
            loaded = Path(f"/proc/{process.pid}/maps").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
        assert (healthz.status_code, api.status_code) == (200, 401)
        assert [
            name for name in ONLY_FOR_RUNS if name in loaded
        ] == []  # they are half of the memory of a run's process
        assert process.wait(60) == 0


PROJECT = """\
credentials: {acme: {connector: custify, base_url: "http://127.0.0.1:9/api"}}
sources:
  crm: {type: file, path: crm.csv}
  posts: {type: webhook, auth: none}
datasets:
  people: {source: crm, key: id}
  posted: {source: posts, key: id}
destinations:
  people: {dataset: people, credential: acme, template: upsert_person, fields: {user_id: id}, active: true}
  posted: {dataset: posted, credential: acme, template: upsert_person, fields: {user_id: id}, active: true}
flows:
  nightly: {destinations: [people], schedule: "0 3 * * *"}
  on-news: {destinations: [people], schedule: on new data}
"""
PAGES = ("overview", "stats", "search?q=people", "sources", "datasets", "destinations", "flows", "credentials", "runs",
         "quarantine", "quarantine/groups", "project", "versions", "templates", "alerts", "audit", "people")  # fmt: skip


def test_reads_of_an_idle_service_do_not_load_arrow(tmp_path):
    (tmp_path / "penstock.yaml").write_text(PROJECT)
    (tmp_path / "crm.csv").write_text("id\n1\n")
    subprocess.run([*COMMAND, "apply"], cwd=tmp_path, check=True, capture_output=True)
    command = [*COMMAND, "serve", "--port", "0", "--without-sign-in", "--no-worker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        document = json.JSONDecoder().raw_decode(_document(process))[0]
        try:
            statuses = {page: httpx.get(f"{document['url']}/api/v1/{page}", timeout=20).status_code for page in PAGES}
            loaded = Path(f"/proc/{process.pid}/maps").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
        assert set(statuses.values()) == {200}, statuses
        assert [name for name in ONLY_FOR_RUNS if name in loaded] == []


def _document(process):
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "it ended before it was ready"
        text += line
    return text


def test_without_sign_in_serve_listens_only_on_loopback(tmp_path):
    command = [*COMMAND, "serve", "--host", "0.0.0.0", "--without-sign-in"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert ended.returncode == 2
    assert json.loads(ended.stdout)["errors"][0]["code"] == "open-to-all"
