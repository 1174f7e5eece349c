"""`penstock sandbox` replaces its process by the sandbox, which has its own options and output."""

import json
import signal
import subprocess
import sys

import pytest


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
