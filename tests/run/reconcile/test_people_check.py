"""`identity: refuse`: no run creates a second person with an e-mail that Custify has."""

import csv
import json
from collections import Counter

import pytest

from penstock.run.reconcile import people_check
from support.cli.shell import Shell

PROJECT = """\
credentials:
  acme:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it:
    dataset: rows
    credential: acme
    template: upsert_person
    fields: {{user_id: nr, email: email}}
    attributes: none
    active: true
    identity: {identity}
    {more}
"""
THERE = [
    {"user_id": "u1", "email": "one@example.com"},
    {"email": "mail@example.com"},
    {"user_id": "u9", "email": "taken@example.com"},
]
ROWS = [
    ("1", "u1", "new@example.com"),  # its user_id is there
    ("2", "u2", "mail@example.com"),  # its e-mail is there, without a user_id
    ("3", "u3", "Taken@example.com"),  # its e-mail is another one's
    ("4", "", "taken@example.com"),  # found by its e-mail
    ("5", "u5", "fresh@example.com"),
    ("6", "u6", "fresh@example.com"),  # the record before it has just taken the e-mail
]
REFUSED = ["3", "6"]


@pytest.fixture
def shell(tmp_path, sandbox, url, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", url)
    for person in THERE:
        assert sandbox.call("POST /people", json.dumps(person)).status == 200
    shell = Shell(tmp_path, monkeypatch, capsys)
    write(shell, sandbox.url)
    return shell


def write(shell, url, identity="refuse", rows=ROWS, more=""):
    text = PROJECT.format(url=url, identity=identity, more=more)
    (shell.folder / "penstock.yaml").write_text(text, encoding="utf-8")
    with (shell.folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "nr", "email"), *rows])


def addresses(sandbox):
    return Counter(person["email"].lower() for person in sandbox.state()["people"])


def reads(sandbox):
    return [each["path"] for each in sandbox.requests() if each["method"] == "GET" and "people" in each["path"]]


@pytest.mark.parametrize("way", ["one by one", "in a list"])
def test_a_run_creates_no_second_person(shell, sandbox, monkeypatch, way):
    monkeypatch.setattr(people_check, "LIST_FROM", 200 if way == "one by one" else 0)
    run = shell.json("run it", code=1)
    assert (run["records"]["delivered"], run["records"]["quarantined"]) == (4, 2)
    assert set(addresses(sandbox).values()) == {1}
    found = shell.json("quarantine list")
    assert [entry["key"] for entry in found] == REFUSED
    assert {entry["cause"] for entry in found} == {"email: second person"}
    assert "the user_id u9 in Custify: sending u3 would create a second person" in found[0]["reason"]
    assert {path.partition("?")[0] for path in reads(sandbox)} == {"/people" if way == "one by one" else "/people/all"}
    assert run["requests"] == len(sandbox.requests()) - len(THERE)
    for document, counted in ((run, True), (shell.json("plan it"), False)):
        [note] = [note for note in document["notes"] if note["action"] == "read first"]
        assert note["count"] == 0, "only some of the records are looked up"
        assert ("does not count these requests" not in note["reason"]) is counted


def test_what_does_not_change_is_not_read_and_settings_release_what_was_refused(shell, sandbox):
    shell.json("run it", code=1)
    before = len(reads(sandbox))
    again = shell.json("run it", code=1)
    assert (again["records"]["quarantined"], again["records"]["unchanged"]) == (2, 4)
    assert len(reads(sandbox)) == before
    write(shell, sandbox.url, "warn")
    assert shell.json("run it")["records"]["delivered"] == 2
    assert addresses(sandbox)["taken@example.com"] == 2


def test_the_exact_plan_counts_what_a_run_refuses(shell, sandbox):
    plan = shell.json("plan it --exact")
    assert (plan["invalid"], plan["creates"], plan["updates"]) == (2, 1, 3)
    assert {error["rule"] for error in plan["first_errors"]} == {"second person"}
    there = len(sandbox.state()["people"])
    shell.json("run it", code=1)
    assert len(sandbox.state()["people"]) - there == plan["creates"]


@pytest.mark.parametrize(("status", "code"), [(503, "host-unreachable"), (403, "credential-refused")])
def test_where_custify_cannot_be_read_nothing_is_sent(shell, sandbox, status, code):
    sandbox.fault(status=status, method="GET", path="/people", times=100)
    run = shell.json("run it", code=3)
    assert (run["status"], run["records"]["unsent"]) == ("failed", len(ROWS))
    assert run["errors"][0]["code"] == code
    sandbox.clear_faults()
    assert len(sandbox.state()["people"]) == len(THERE)
    assert shell.json("run it", code=1)["records"]["delivered"] == 4


def test_several_rows_of_one_key_are_refused_together(shell, sandbox):
    write(
        shell, sandbox.url, rows=[("1", "u3", "taken@example.com"), ("1", "u3", "taken@example.com")], more="mode: new"
    )
    assert shell.json("run it", code=1)["records"]["quarantined"] == 2


def test_the_flat_api_and_other_objects_are_errors_of_the_settings(shell, sandbox):
    write(shell, sandbox.flat_url)
    (error,) = shell.json("plan it", code=2)["errors"]
    assert (error["code"], error["path"], "native" in error["hint"]) == ("no-reads", "destinations.it.identity", True)


def test_without_a_refusal_plan_and_run_note_the_emails_of_several_ids(shell, sandbox):
    write(shell, sandbox.url, "warn")
    before = len(reads(sandbox))

    def second_people(report):
        return [(note["field"], note["count"]) for note in report["notes"] if note["action"] == "second person"]

    assert second_people(shell.json("plan it")) == [("email", 2)]
    assert second_people(shell.json("run it")) == [("email", 2)]
    assert second_people(shell.json("run it")) == []
    assert len(reads(sandbox)) == before
