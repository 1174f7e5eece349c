"""A comparison waits for another one, and a fix for a run; what was found is kept whatever follows it."""

import json
import os
import signal
from contextlib import closing, contextmanager

import pytest

from penstock.store import leases
from penstock.store.database import Database
from support.deadline import until

PERSON = "template: upsert_person, fields: {user_id: id, name: name}, attributes: none, batch: off"
ROWS = tuple({"id": f"k{n}", "name": f"Name {n}"} for n in range(3))
DIFFERENCE = {"key": "k0", "field": "name", "ours": "Name 0", "theirs": "changed"}
RUNNING = "process 7 on there"


@pytest.fixture(params=["sqlite", "postgres"])
def drifted(request, monkeypatch, its):
    """The project with its state in each database, and one record that was changed in Custify."""
    if request.param == "postgres":
        monkeypatch.setenv("PENSTOCK_DATABASE_URL", request.getfixturevalue("postgres"))
    return drift(its)


def drift(its):
    """Deliver three records, and change one of them in Custify."""
    its.write(PERSON, *ROWS)
    its.run()
    its.call("POST /people", {"user_id": "k0", "name": "changed"})
    return its


@contextmanager
def locked(its, name):
    """Hold a lease as another process does."""
    url = os.environ.get("PENSTOCK_DATABASE_URL", f"sqlite:///{its.shell.folder / '.penstock' / 'state.db'}")
    with closing(Database.open(url)) as database, leases.acquire(database, name, RUNNING):
        yield


def start(its, *options):
    return its.shell.start("reconcile", "it", *options)


def line_with(process, text):
    """The next line on stderr that contains this text."""
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"it ended with {process.wait()} and did not print {text!r}")


def last(its):
    return its.shell.json("runs")[0]


def test_a_fix_waits_for_the_run_that_holds_the_destination(drifted):
    with locked(drifted, "it"):
        process = start(drifted, "--fix", "--json")
        assert RUNNING in line_with(process, "waiting for")
        assert process.poll() is None
    out, _ = process.communicate()
    assert (process.returncode, json.loads(out)["differs"]) == (0, [DIFFERENCE])
    assert drifted.reconcile() == {"same": 3}


@pytest.mark.parametrize("options", [("--json",), ()], ids=["json", "text"])
def test_the_report_is_kept_when_a_fix_is_stopped_while_it_waits(drifted, options):
    with locked(drifted, "it"):
        process = start(drifted, "--fix", *options)
        line_with(process, "waiting for")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    if options:
        assert json.loads(out)["differs"] == [DIFFERENCE]
        assert "nothing was fixed: stopped by a person" in err
    else:
        assert 'k0: sent "Name 0", Custify has "changed"' in out
        assert "nothing was fixed: stopped by a person" in out
    ended = last(drifted)
    assert (ended["status"], ended["reason"]) == ("cancelled", "nothing was fixed: stopped by a person")


def test_a_destination_that_was_paused_while_it_was_compared_is_not_fixed(its):
    drift(its)
    with locked(its, "it"):
        process = start(its, "--fix", "--json")
        line_with(process, "waiting for")
        its.shell.text("pause it")
    out, err = process.communicate()
    assert (process.returncode, json.loads(out)["differs"]) == (2, [DIFFERENCE])
    assert "nothing was fixed" in err
    assert "paused" in err
    assert its.stored("people", "user_id")["k0"]["name"] == "changed"


def test_a_second_comparison_waits_for_the_first_which_goes_on(its):
    drift(its)
    its.sandbox.fault(slow="5s", times=1, method="GET", path="/people/all")
    first = start(its, "--json")
    until(lambda: its.sandbox.faults()[-1]["fired"])
    second = start(its, "--json")
    running = last(its)
    assert running["status"] == "running"
    assert f"(the comparison {running['run']})" in line_with(second, "waiting for")
    for process in (first, second):
        out, _ = process.communicate()
        assert (process.returncode, json.loads(out)["differs"]) == (1, [DIFFERENCE])
    assert [each["status"] for each in its.shell.json("runs")[:2]] == ["partial", "partial"]
