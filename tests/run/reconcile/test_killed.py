"""kill -9 and ^C while `reconcile` reads or sends; the same command then comes to the same end."""

import json
import os
import signal

import psycopg
import pytest

from support.deadline import until

PERSON = "template: upsert_person, fields: {user_id: id, name: name}, attributes: none, batch: off"
TASK = "template: create_task, fields: {name: name}, attributes: none"
ROWS = tuple({"id": f"k{n}", "name": f"Name {n}"} for n in range(4))


def stopped(its, options, fault, number=signal.SIGKILL):
    """Stop `reconcile` while a request that this fault delays is under way."""
    its.sandbox.fault(slow="60s", times=1, **fault)
    process = its.shell.start("reconcile", "it", *options, "--json")
    until(lambda: its.sandbox.faults()[-1]["fired"] or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    process.send_signal(number)
    process.communicate()
    its.sandbox.clear_faults()
    if "PENSTOCK_DATABASE_URL" in os.environ:
        with psycopg.connect(os.environ["PENSTOCK_DATABASE_URL"]) as connection:
            connection.execute("update leases set expires = 0")  # that of the killed process has ended
    return process.returncode


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request, monkeypatch, its):
    """The project with its state in each database."""
    if request.param == "postgresql":
        monkeypatch.setenv("PENSTOCK_DATABASE_URL", request.getfixturevalue("postgres"))
    return its


executed = pytest.mark.parametrize("commit", [True, False], ids=["after commit", "before commit"])


@executed
def test_a_fix_of_people_that_is_killed_comes_to_the_same_end(state, commit):
    state.write(PERSON, *ROWS)
    state.run()
    for row in ROWS[:2]:
        state.call("POST /people", {"user_id": row["id"], "name": "changed"})
    state.call("DELETE /people?user_id=k3")
    assert stopped(state, ["--fix"], {"method": "POST", "path": "/people", "after": 1, "commit": commit}) == -9
    state.fix()
    assert state.reconcile() == {"same": 4}
    assert {each["name"] for each in state.sandbox.state()["people"]} == {row["name"] for row in ROWS}
    assert state.run()["records"]["unchanged"] == 4


@executed
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_fix_of_tasks_that_is_killed_doubles_none_and_comes_to_the_same_end(state, commit, method):
    state.write(TASK, *ROWS)
    state.run()
    tasks = state.stored("tasks", "externalId")
    for row in ROWS[:2]:
        state.call(f"PUT /task/{tasks[row['id']]['id']}", {"name": "changed"})
    state.sandbox.reset()
    for row in ROWS[:2]:  # the other two are missing
        entry = {"name": "changed", "priority": "medium", "status": "open", "externalId": row["id"]}
        state.call("POST /task", entry)
    assert stopped(state, ["--fix"], {"method": method, "path": "/task", "commit": commit}) == -9
    state.fix()
    assert state.reconcile() == {"same": 4}
    assert sorted(each["externalId"] for each in state.sandbox.state()["tasks"]) == ["k0", "k1", "k2", "k3"]
    assert {each["name"] for each in state.sandbox.state()["tasks"]} == {row["name"] for row in ROWS}
    assert state.shell.json("quarantine list") == []
    assert state.run()["records"]["unchanged"] == 4


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)], ids=["kill -9", "^C"])
def test_a_comparison_that_is_stopped_while_it_reads_continues_with_the_next_page(its, number, code):
    its.write(PERSON.replace("batch: off", "batch: on"), *({"id": f"u{n}", "name": "x"} for n in range(450)))
    its.run()
    assert stopped(its, [], {"method": "GET", "path": "/people/all", "after": 2}, number) == code

    def reads():
        return sum(each["path"] == "/people/all" and each["method"] == "GET" for each in its.sandbox.requests())

    before = reads()
    assert its.reconcile() == {"same": 450}
    assert reads() - before == 1
    statuses = [each["status"] for each in its.shell.json("runs")[:2]]
    assert statuses == ["succeeded", "cancelled" if code == 130 else "interrupted"]


def test_the_requests_and_the_time_of_custom_data_are_shown_before_they_are_read(its):
    for number in range(3):
        its.call("POST /company", {"company_id": f"c{number}"})
    how = "template: upsert_custom_object, fields: {type: {value: site}, company_id: id}, attributes: [name]"
    its.write(how, {"id": "c0", "name": "x"})
    process = its.shell.start("reconcile", "it", "--json")
    out, err = process.communicate()
    assert json.loads(out)["requests"] == 4
    assert "about 4 requests and 1 s" in err
