"""`python -m penstock_sandbox` as a process: its output, its options, its end."""

import http.client
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import penstock_sandbox
from support.servers.sandbox import running_sandbox, start_sandbox


def test_one_json_line_when_ready():
    own = start_sandbox()
    port = own.url.rsplit(":", 1)[1]
    assert own.url == f"http://127.0.0.1:{port}"
    assert (own.flat_url, own.admin_url, own.api_key) == (f"{own.url}/api", f"{own.url}/_admin", "sandbox-key")
    own.process.terminate()
    rest, errors = own.process.communicate(timeout=10)
    assert (own.process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_soon_without_output(sign):
    """Also after cut connections, and while a slow reply is owed."""
    own = start_sandbox("--fault", "slow=60s,path=/people", "--fault", "cut=after,path=/company")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        own.call("POST /company", '{"company_id": "c1"}')
    waiting = http.client.HTTPConnection(own.url.removeprefix("http://"))
    waiting.request("POST", "/people", b"{}", {"Authorization": f"Bearer {own.api_key}"})
    while len(own.requests()) < 2:
        pass
    own.process.send_signal(sign)
    _, errors = own.process.communicate(timeout=10)
    waiting.close()
    assert (own.process.returncode, errors) == (0, "")


def test_flags_are_the_settings():
    flags = "--json --lenient --rate 5/1s --job-delay 2s --unknown-company error --assignee id --batch-cost jobs --latency 1"
    reads = "--notes html --visible-after 150ms --ignore-filters"
    with running_sandbox(*flags.split(), *reads.split(), "--api-key", "k1") as own:
        assert own.api_key == "k1"
        assert own.settings() == {
            "strict": False,
            "rate": "5/1s",
            "job_delay": 2.0,
            "unknown_company": "error",
            "assignee": "id",
            "batch_cost": "jobs",
            "notes": "html",
            "visible_after": 0.15,
            "ignore_filters": True,
            "latency": 1.0,
        }
        assert own.call("GET /segment", key="sandbox-key").status == 401


def test_the_parent_may_be_left_unnamed():
    command = [sys.executable, "-m", "penstock_sandbox", "--with-parent", "--rate", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert "admin_url" in process.stdout.readline()
        process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--rate", "fast"], "write 100/10s, or off"),
        (["--fault", "status=abc"], "status must be a whole number"),
        (["--fault", "nonsense"], "not understood in a fault"),
        (["--job-delay", "soon"], "not a duration"),
        (["--unknown-company", "maybe"], "invalid choice"),
        (["--notes", "markdown"], "invalid choice"),
        (["--visible-after", "soon"], "not a duration"),
        (["--port", "x"], "invalid int value"),
    ],
)
def test_wrong_flags_are_exit_2(flags, said):
    done = subprocess.run(
        [sys.executable, "-m", "penstock_sandbox", *flags], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_port_in_use_is_exit_3():
    with running_sandbox() as own:
        port = own.url.rsplit(":", 1)[1]
        done = subprocess.run(
            [sys.executable, "-m", "penstock_sandbox", "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stdout) == (3, "")
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_ends_with_the_process_that_started_it():
    """The starter exits at once; the pipe that the sandbox holds too closes only when it ends as well."""
    command = "[sys.executable, '-m', 'penstock_sandbox', '--with-parent', str(os.getpid())]"
    starter = f"import os, subprocess, sys; subprocess.Popen({command})"
    done = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, timeout=20, check=True)
    assert done.stderr == ""


def test_it_imports_nothing_of_penstock():
    for path in Path(penstock_sandbox.__file__).parent.rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert re.match(r"\s*(import|from) penstock\b(?!_sandbox)", line) is None, f"{path.name}: {line}"
