"""Records whose request had no answer: found out at the end of the run, by the next run, or left to a person."""

import signal

import pytest
from sqlalchemy import create_engine, text

from penstock.app import App
from penstock.model.errors import InputError
from support.cli import forked_process
from support.cli.project import HERE
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it: {{dataset: rows, credential: sandbox, {what}, settle_after: 0, active: true, {more}}}
"""
TASK = "template: create_task, fields: {name: name}, external_id: id, attributes: none"
PERSON = "template: upsert_person, fields: {user_id: id, name: name}, attributes: none"
RECIPE = 'settle: {url: "/task?externalId={record.id}", found: "$.tasks[*].id"}'
REQUEST = f"request: {{method: POST, url: /task, {RECIPE}}}, fields: {{externalId: id, name: name, priority: level, status: state}}"


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    """Makes the project; `state` is the URL of its state database, SQLite in the project's folder by default."""

    def make(what: str, rows: str, more: str = "", base: str | None = None, state: str | None = None) -> Shell:
        if state is not None:
            monkeypatch.setenv("PENSTOCK_DATABASE_URL", state)
        (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
        text = PROJECT.format(base=base or sandbox.url, what=what, more=more)
        (tmp_path / "penstock.yaml").write_text(text, encoding="utf-8")
        return Shell(tmp_path, monkeypatch, capsys)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return make


def kinds(report):
    """The outcomes with their counts; their sum is `read`."""
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


def ledger_of(run: str, state: str) -> list[tuple[str, str]]:
    """(key, outcome) of every record of a run, from the ledger."""
    with create_engine(state).connect() as connection:
        query = text("select key, outcome from ledger where run = :run and not is_test order by key, outcome")
        return [tuple(row) for row in connection.execute(query, {"run": run})]


def names(sandbox) -> list[str]:
    return sorted(task["name"] for task in sandbox.state()["tasks"])


TASKS = "id,name\nt1,one\nt2,two\nt3,three\n"


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_run_finds_out_at_its_end_what_became_of_its_own_records(shell, sandbox, url, cut):
    its = shell(TASK, TASKS, state=url)
    sandbox.fault(cut=cut, path="/task", method="POST", times=2)
    report = its.json("run it")
    assert kinds(report) == {"delivered": 3}
    assert ledger_of(report["run"], url) == [("t1", "delivered"), ("t2", "delivered"), ("t3", "delivered")]
    assert names(sandbox) == ["one", "three", "two"]
    assert its.json("quarantine list") == []
    assert kinds(its.json("run it")) == {"unchanged": 3}


@pytest.mark.parametrize("cut", ["before", "after"])
def test_the_next_run_finds_out_what_an_earlier_one_could_not(shell, sandbox, url, cut):
    its = shell(TASK, TASKS, state=url)
    sandbox.fault(cut=cut, path="/task", method="POST", times=2)
    sandbox.fault(status=400, path="/task", method="GET")
    first = its.json("run it", code=1)
    assert kinds(first) == {"delivered": 1, "unknown": 2}
    sandbox.clear_faults()
    second = its.json("run it")
    assert kinds(second) == ({"unchanged": 3} if cut == "after" else {"unchanged": 1, "delivered": 2})
    assert names(sandbox) == ["one", "three", "two"]
    past = its.json(f"runs {first['run']}")
    assert (past[0] if isinstance(past, list) else past)["records"] == first["records"], "past runs keep their counts"
    (note,) = [note for note in second["notes"] if note["action"] == "settled"]
    assert note["count"] == 2


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_record_that_has_left_the_input_is_sent_from_the_quarantine(shell, sandbox, tmp_path, cut):
    its = shell(TASK, TASKS)
    sandbox.fault(cut=cut, path="/task", method="POST", containing="two", times=1)
    sandbox.fault(status=400, path="/task", method="GET")
    its.json("run it", code=1)
    sandbox.clear_faults()
    (tmp_path / "rows.csv").write_text("id,name\nt1,one\nt3,three\n", encoding="utf-8")
    report = its.json("run it")
    assert kinds(report) == ({"unchanged": 2} if cut == "after" else {"unchanged": 2, "delivered": 1})
    assert names(sandbox) == ["one", "three", "two"]
    assert its.json("quarantine list") == []


def test_the_newer_version_of_a_record_that_did_not_arrive_is_sent_instead(shell, sandbox, tmp_path):
    its = shell(TASK, TASKS)
    sandbox.fault(cut="before", path="/task", method="POST", containing="two", times=1)
    sandbox.fault(status=400, path="/task", method="GET")
    its.json("run it", code=1)
    sandbox.clear_faults()
    (tmp_path / "rows.csv").write_text(TASKS.replace("two", "two, newer").replace("t2,two, newer", 't2,"two, newer"'))
    assert kinds(its.json("run it")) == {"unchanged": 2, "delivered": 1}
    assert names(sandbox) == ["one", "three", "two, newer"]


def test_equal_rows_of_a_record_that_is_found_are_unchanged(shell, sandbox):
    its = shell(TASK, TASKS + "t1,one\n", "concurrency: 1")
    sandbox.fault(cut="after", path="/task", method="POST", containing="one", times=1)
    report = its.json("run it")
    assert kinds(report) == {"delivered": 3, "unchanged": 1}
    assert names(sandbox) == ["one", "three", "two"]


def test_with_hold_a_run_reads_nothing_back(shell, sandbox):
    its = shell(TASK, TASKS, "on_unknown: hold")
    sandbox.fault(cut="after", path="/task", method="POST", times=1)
    assert kinds(its.json("run it", code=1)) == {"delivered": 2, "unknown": 1}
    before = len(sandbox.requests())
    assert kinds(its.json("run it", code=1)) == {"unchanged": 2, "unknown": 1}
    assert len(sandbox.requests()) == before


def test_an_edited_record_is_left_to_the_person_who_edited_it(shell, sandbox):
    its = shell(TASK, TASKS, "on_unknown: hold")
    sandbox.fault(cut="before", path="/task", method="POST", containing="two", times=1)
    its.json("run it", code=1)
    (entry,) = its.json("quarantine list")
    its.text(f"quarantine edit {entry['id']} --set name=second")
    shell(TASK, TASKS)
    assert kinds(its.json("run it", code=1)) == {"unchanged": 2, "unknown": 1}
    assert names(sandbox) == ["one", "three"]
    its.text(f"quarantine resend {entry['id']}")
    assert names(sandbox) == ["one", "second", "three"]


def test_an_upsert_whose_retries_had_no_answer_is_sent_again_by_the_next_run(shell, sandbox):
    its = shell(PERSON, "id,name\nu1,Ada\nu2,Bea\n", base=sandbox.flat_url)
    sandbox.fault(cut="before", path="/people", method="POST", containing="Bea")
    assert kinds(its.json("run it", code=1)) == {"delivered": 1, "unknown": 1}
    sandbox.clear_faults()
    assert kinds(its.json("run it")) == {"unchanged": 1, "delivered": 1}
    assert sorted(person["name"] for person in sandbox.state()["people"]) == ["Ada", "Bea"]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_manual_request_is_settled_by_its_recipe(shell, sandbox, cut):
    rows = "id,name,level,state\nt1,one,low,open\nt2,two,low,open\n"
    its = shell(REQUEST, rows)
    sandbox.fault(cut=cut, path="/task", method="POST", containing="one", times=1)
    sandbox.fault(status=400, path="/task", method="GET")
    assert kinds(its.json("run it", code=1)) == {"delivered": 1, "unknown": 1}
    sandbox.clear_faults()
    report = its.json("run it")  # a manual request sends every record in every run
    assert kinds(report) == ({"unchanged": 1, "delivered": 1} if cut == "after" else {"delivered": 2})
    assert names(sandbox) == ["one", "two", "two"]
    assert its.json("quarantine list") == []


def test_what_the_flat_api_cannot_tell_stays_unknown_with_the_reason(shell, sandbox):
    its = shell(TASK, TASKS, base=sandbox.flat_url)
    sandbox.fault(cut="after", path="/task", method="POST", times=1)
    assert kinds(its.json("run it", code=1)) == {"delivered": 2, "unknown": 1}
    assert kinds(its.json("run it", code=1)) == {"unchanged": 2, "unknown": 1}
    (entry,) = its.json("quarantine list")
    shown = its.json(f"quarantine show {entry['id']}")
    assert "flat API publishes no reads" in shown["finding"]
    assert len(names(sandbox)) == 3


def settle(name: str = "it"):
    with App.open() as app:
        report = app.settle_destination(name)
    return report.delivered, report.sent_again, report.undecided


@pytest.mark.parametrize("cut", ["before", "after"])
def test_settling_a_destination_decides_what_its_runs_have_left(shell, sandbox, cut):
    its = shell(TASK, TASKS, "on_unknown: hold")
    sandbox.fault(cut=cut, path="/task", method="POST", times=2)
    its.json("run it", code=1)
    assert settle() == ((2, 0, 0) if cut == "after" else (0, 2, 0))
    assert settle() == (0, 0, 0)
    assert names(sandbox) == ["one", "three", "two"]
    assert kinds(its.json("run it")) == {"unchanged": 3}


def test_settling_counts_what_it_cannot_decide(shell, sandbox):
    its = shell(TASK, TASKS, "on_unknown: hold")
    sandbox.fault(cut="after", path="/task", method="POST", times=2)
    its.json("run it", code=1)
    sandbox.fault(status=400, path="/task", method="GET")
    assert settle() == (0, 0, 2)
    (run, *_) = its.json("runs")
    assert kinds(run) == {"unknown": 2}
    sandbox.clear_faults()
    assert settle() == (2, 0, 0)


def test_settling_with_the_flat_api_is_an_error_that_names_native(shell, sandbox):
    shell(TASK, TASKS, base=sandbox.flat_url)
    with pytest.raises(InputError, match="native"):
        settle()


@pytest.mark.parametrize(
    "moment", ["before the bytes leave", "between bytes out and reply", "between reply and verdict"]
)
def test_a_resend_that_is_killed_is_not_sent_a_second_time(shell, sandbox, tmp_path, moment):
    its = shell(TASK, TASKS, "on_unknown: hold")
    sandbox.fault(status=422, path="/task", method="POST", containing="two", times=1)
    its.json("run it", code=1)
    sandbox.settings(latency=300 if moment == "between bytes out and reply" else 0)
    died = forked_process.run(
        [HERE / "killed_run.py", moment, "1", "quarantine", "resend", "--all"], cwd=tmp_path, check=False, timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    sandbox.settings(latency=0)
    assert kinds(its.json("run it", code=1)) == {"unchanged": 2, "unknown": 1}, "it may have arrived"
    delivered, sent_again, undecided = settle()
    assert (delivered + sent_again, undecided) == (1, 0)
    assert names(sandbox) == ["one", "three", "two"]
    assert kinds(its.json("run it")) == {"unchanged": 3}


def test_frequent_runs_read_back_an_undecided_record_ever_less_often(shell, sandbox):
    its = shell(TASK, TASKS)
    sandbox.fault(cut="after", path="/task", method="POST", times=1)
    sandbox.fault(status=418, path="/task", method="GET")
    assert kinds(its.json("run it", code=1)) == {"delivered": 2, "unknown": 1}
    requests = [its.json("run it", code=1)["requests"] for _ in range(4)]
    assert requests[0] > 0
    assert requests[2:] == [0, 0], "it was read back three times, and nothing changed"
    assert settle() == (0, 0, 1)
    sandbox.clear_faults()
    assert settle() == (1, 0, 0)


@pytest.mark.parametrize(("cut", "outcomes"), [("after", {"delivered": 2}), ("before", {"delivered": 1, "unknown": 1})])
def test_a_version_without_an_answer_stays_in_quarantine_when_another_of_its_key_is_delivered(
    shell, sandbox, cut, outcomes
):
    its = shell(TASK, "id,name\nt1,one\nt1,two\n", "mode: all")
    sandbox.fault(cut=cut, path="/task", method="POST", containing="one", times=1)
    assert kinds(its.json("run it", code=0 if cut == "after" else 1)) == outcomes
    assert len(its.json("quarantine list")) == outcomes.get("unknown", 0)
    assert names(sandbox) == (["one", "two"] if cut == "after" else ["two"])


def test_an_older_part_of_an_object_is_not_sent_after_a_newer_one(shell, sandbox, tmp_path):
    its = shell(PERSON, "", "batch: off, on_unknown: hold")
    project = tmp_path / "penstock.yaml"
    project.write_text(project.read_text().replace("rows.csv", "rows.ndjson"), encoding="utf-8")
    (tmp_path / "rows.ndjson").write_text('{"id": "u1", "name": "Ada"}\n', encoding="utf-8")
    sandbox.fault(cut="before", path="/people", method="POST")
    assert kinds(its.json("run it", code=1)) == {"unknown": 1}
    sandbox.clear_faults()
    (tmp_path / "rows.ndjson").write_text('{"id": "u1", "name": "Ada Lovelace"}\n', encoding="utf-8")
    assert kinds(its.json("run it")) == {"delivered": 1}
    assert settle() == (0, 0, 1)
    assert [person["name"] for person in sandbox.state()["people"]] == ["Ada Lovelace"]
    (entry,) = its.json("quarantine list")
    assert "a newer version was sent since" in its.json(f"quarantine show {entry['id']}")["finding"]


def test_a_note_that_a_person_found_is_not_found_again_for_another(shell, sandbox):
    company = sandbox.call("POST /company", '{"company_id": "acme"}').json()["id"]
    note = "template: create_note, fields: {entity: entity, text: text}, attributes: none"
    rows = f"id,entity,text\nn1,{company},same\nn2,{company},same\n"
    its = shell(note, rows, "on_unknown: hold, concurrency: 1")
    sandbox.fault(cut="after", path="/note", method="POST", times=1)
    sandbox.fault(cut="before", path="/note", method="POST", times=1)
    assert kinds(its.json("run it", code=1)) == {"unknown": 2}
    first, _ = its.json("quarantine list")
    its.text(f"quarantine settle {first['id']} --delivered")
    assert settle() == (0, 0, 1), "it is not known which of the two it is"
    assert len(sandbox.state()["notes"]) == 1


def test_a_key_that_may_write_and_not_read_sends_on(shell, sandbox):
    its = shell(TASK, TASKS)
    sandbox.fault(cut="after", path="/task", method="POST", containing="one", times=1)
    sandbox.fault(status=403, path="/task", method="GET")
    assert kinds(its.json("run it", code=1)) == {"delivered": 2, "unknown": 1}
    again = its.json("run it", code=1)
    assert (again["status"], kinds(again)) == ("partial", {"unchanged": 2, "unknown": 1})
