"""The demo has the expected results, and leaves no files and processes; the sandbox is started by name."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from support.cli import forked_process


def demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "TMPDIR": str(folder), "PENSTOCK_DATABASE_URL": "sqlite:////nowhere/at/all.db"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return forked_process.Process(
        ["-m", "penstock", "demo", *options], text=True, env=environ, cwd=folder, bufsize=1, **pipes
    )


def post(url: str, body: object = None):
    data = b"" if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"}, method="POST")) as reply:
        text = reply.read()
    return json.loads(text) if text else None


def test_the_demo_runs_all_commands_and_deletes_its_files(tmp_path):
    process = demo(tmp_path)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (0, "")
    for command in ("check sandbox", "plan everything", "run everything", "quarantine list", "quarantine resend q-1"):
        assert f"$ penstock {command}\n" in out
    last_run = out[out.rindex("$ penstock run everything") :]
    assert "0 requests" in last_run
    assert "40  companies" in last_run
    ending = last_run[last_run.index("Every record has exactly one outcome") :]
    assert "penstock demo --serve shows this in the web UI, with one destination left to activate" in ending
    assert "http://127.0.0.1:8765" in ending or "at the address that it prints" in ending
    assert list(tmp_path.iterdir()) == []


def test_a_demo_with_an_unexpected_result_reports_it_and_ends_with_1(tmp_path, monkeypatch, capsys):
    from penstock.cli import demo as demo_module
    from penstock.main import execute

    monkeypatch.setattr(demo_module, "FLOW", "nothing")
    old = signal.getsignal(signal.SIGTERM)
    try:
        assert execute(["demo", "--dir", str(tmp_path)]) == 1
    finally:
        signal.signal(signal.SIGTERM, old)
    assert "The demo did not end as expected" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sign", "options"), [(signal.SIGINT, ()), (signal.SIGTERM, ("--json", "--dir", "kept"))], ids=["text", "json"]
)
def test_demo_serve_runs_until_it_is_stopped(tmp_path, sign, options):
    process = demo(tmp_path, "--serve", *options)
    assert process.stderr is not None
    before = []
    for line in process.stderr:
        before.append(line)
        if "Web UI: " in line:
            break
    site = line.split("Web UI: ")[1].split()[0]
    api = site + "/api/v1"
    with urlopen(site) as reply:
        assert "<title>Penstock" in reply.read().decode()
    with urlopen(f"{api}/destinations") as reply:  # the sample company, with one left to activate
        states = {one["name"]: one["state"]["state"] for one in json.load(reply)["items"]}
    assert states.pop("renewals") == "draft"
    assert set(states.values()) == {"active"}
    with urlopen(f"{api}/runs") as reply:
        assert len(json.load(reply)["items"]) > 3
    post(f"{api}/destinations/renewals/activate")
    run = post(f"{api}/runs", {"target": "renewals"})["run"]
    end, status = time.monotonic() + 60, ""
    while status not in {"succeeded", "partial", "failed"}:
        assert time.monotonic() < end, status
        with urlopen(f"{api}/runs/{run}") as reply:
            status = json.load(reply)["status"]
    line = next(line for line in process.stderr if "Objects in the sandbox: " in line)
    admin = line.split("Objects in the sandbox: ")[1].strip()
    with urlopen(f"{admin}/state") as reply:
        arrived = json.load(reply)
    assert len(arrived["companies"]) == 40
    assert len(arrived["tasks"]) > 0
    process.send_signal(sign)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    if not options:
        assert list(tmp_path.iterdir()) == []
        return
    document = json.loads(out)
    assert document["ok"] is True
    assert document["arrived"]["companies"] == 40
    assert "$ penstock plan everything" in "".join(before)
    assert (tmp_path / "kept" / "penstock.yaml").exists()


@pytest.mark.parametrize("before", [[], ["--json"]])
def test_the_sandbox_starts_by_name(before):
    command = [sys.executable, "-m", "penstock", *before, "sandbox", "--rate", "off", "--api-key", "mine"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        place = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert set(place) == {"url", "flat_url", "admin_url", "api_key"}
    assert place["api_key"] == "mine"


def test_help_lists_the_options_of_the_sandbox():
    command = [sys.executable, "-m", "penstock", "sandbox", "--help"]
    assert "--fault" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
