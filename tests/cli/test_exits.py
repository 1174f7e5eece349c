"""Exit codes, and how errors are reported."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.main import execute
from penstock.model.errors import CredentialRefused, InputError, Problem, StateLocked
from penstock.model.reports import SettleReport
from support.cli.fake_app import FakeApp, ended

TROUBLE = Problem("destinations.people", "it is a draft", "draft", "penstock activate people", found="draft", line=7)


def code_of(*arguments: str, **answers) -> int:
    return execute(arguments, FakeApp(answers).opener)


@pytest.mark.parametrize(
    ("status", "stopped_by", "code"),
    [
        ("succeeded", None, 0),
        ("partial", None, 1),
        ("failed", "fuse", 1),
        ("failed", "credential", 3),
        ("failed", "unreachable", 3),
        ("failed", "error", 3),
        ("cancelled", "cancelled", 130),
    ],
)
def test_a_run_ends_with_the_code_of_its_status(status, stopped_by, code):
    assert code_of("run", "people", run=ended(status, stopped_by)) == code


@pytest.mark.parametrize(
    ("undecided", "run", "code"),
    [
        (0, ended("succeeded"), 0),
        (2, ended("partial"), 1),
        (2, ended("cancelled", "cancelled"), 130),
        (0, ended("cancelled", "cancelled"), 130),
        (2, ended("failed", "unreachable"), 3),
    ],
)
def test_settling_ends_with_0_once_every_record_is_decided(undecided, run, code):
    report = SettleReport("r-9", 1, 0, undecided, 3)
    assert code_of("settle", "people", settle_destination=report, runs=[run]) == code


def test_a_flow_ends_with_the_worst_code_of_its_destinations():
    flow = ended("failed", destinations=(ended("failed", "fuse"), ended("failed", "unreachable")))
    assert code_of("run", "nightly", run=flow) == 3
    flow = ended("failed", destinations=(ended("failed", "fuse"), ended("succeeded")))
    assert code_of("run", "nightly", run=flow) == 1


def test_a_test_without_a_2xx_ends_with_1():
    from support.cli.fake_app import REQUEST, TestReport

    assert code_of("test", "people", test=TestReport(REQUEST, {"status": 422, "headers": {}, "body": ""}, None, 1)) == 1
    assert code_of("test", "people", test=TestReport(REQUEST, None, "the host does not answer", 1)) == 1


def test_a_failed_check_ends_with_3():
    from dataclasses import replace

    from support.cli.fake_app import ANSWERS

    assert code_of("check", "acme", check=replace(ANSWERS["check"], ok=False)) == 3


@pytest.mark.parametrize(("kind", "code"), [(InputError, 2), (StateLocked, 3), (CredentialRefused, 3)])
def test_problems_have_one_shape_as_json_and_as_text(capsys, kind, code):
    assert execute(["run", "people", "--json"], FakeApp({"run": kind(TROUBLE)}).opener) == code
    assert json.loads(capsys.readouterr().out) == {
        "errors": [
            {
                "path": "destinations.people",
                "line": 7,
                "code": "draft",
                "found": "draft",
                "message": "it is a draft",
                "hint": "penstock activate people",
            }
        ]
    }
    assert execute(["run", "people"], FakeApp({"run": kind(TROUBLE)}).opener) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "7: destinations.people: it is a draft — penstock activate people\n"


def test_control_characters_in_problems_are_escaped(capsys):
    code_of("run", "people", run=InputError(Problem("x", "bad\x1b[31m name", "bad")))
    assert capsys.readouterr().err == "x: bad\\x1b[31m name\n"


def test_the_traceback_of_a_defect_is_logged_without_values(capsys, tmp_path):
    (tmp_path / ".penstock").mkdir()
    project = tmp_path / "penstock.yaml"
    assert code_of("plan", f"--file={project}", "people", plan=RuntimeError("key sk-123")) == 3
    err = capsys.readouterr().err
    log = (tmp_path / ".penstock" / "defects.log").read_text()
    assert "this is a defect in Penstock" in err
    assert "defects.log" in err
    assert "Traceback" not in err
    assert "run.py" in log
    assert "RuntimeError" in log
    assert "sk-123" not in err + log


def test_a_defect_with_json_is_one_document(capsys, monkeypatch):
    monkeypatch.setenv("PENSTOCK_DEBUG", "1")
    assert code_of("plan", "people", "--json", plan=RuntimeError("x")) == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["errors"][0]["code"] == "defect"
    assert "run.py" in err


def test_an_interrupt_outside_a_run_ends_with_130(capsys):
    assert code_of("preview", "people", "--json", preview=KeyboardInterrupt()) == 130
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "cancelled"


def test_a_closed_pipe_is_not_an_error():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "schema"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_stdout_is_reported():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "penstock", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert "the output cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_imports_ends_with_one_document(tmp_path, number):
    """The signal is sent while a library is being imported."""
    slow = tmp_path / "slow" / "cyclopts"
    slow.mkdir(parents=True)
    here = tmp_path / "loading"
    pauses = (
        "for _ in range(6000):\n    time.sleep(0.01)\n"  # Python notices a signal only where a sleep begins or ends
    )
    (slow / "__init__.py").write_text(f"import pathlib, time\npathlib.Path({str(here)!r}).touch()\n{pauses}")
    environ = {**os.environ, "PYTHONPATH": str(slow.parent)}
    command = [sys.executable, "-m", "penstock", "run", "people", "--json"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not here.exists():
        assert process.poll() is None, process.communicate()
    process.send_signal(number)
    out, err = process.communicate(timeout=50)
    assert process.returncode == 130, err
    assert [error["code"] for error in json.loads(out)["errors"]] == ["cancelled"]
