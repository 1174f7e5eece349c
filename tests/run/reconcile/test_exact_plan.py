"""`plan --exact`: what a run would create and what it would update is what it then creates and updates."""

import csv
import json

import pytest

from support.cli.shell import Shell
from support.servers.sandbox import Sandbox

PROJECT = """\
credentials:
  acme:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it: {{dataset: rows, credential: acme, attributes: none, active: true, settle_after: 0s, {how}}}
flows:
  all: {{destinations: [it]}}
"""
PERSON = "template: upsert_person, fields: {user_id: nr, email: email}"
FINANCIAL = "fields: {company_id: company}"
COMPANY = {"company_id": "acme"}
CASES = {  # destination, rows (id first), what is there before, the kind in the sandbox, how many are created
    "people": (
        PERSON,
        [
            {"id": "1", "nr": "u1", "email": "new@example.com"},  # its user_id is there
            {"id": "2", "nr": "u2", "email": "mail@example.com"},  # its e-mail is there, without a user_id
            {"id": "3", "nr": "u3", "email": "taken@example.com"},  # its e-mail is another one's: a second person
            {"id": "4", "nr": "", "email": "taken@example.com"},
            {"id": "5", "nr": "u5", "email": "fresh@example.com"},
            {"id": "6", "nr": "", "email": "other@example.com"},
            {"id": "7", "nr": "u7", "email": "not an address"},
        ],
        [
            ("/people", {"user_id": "u1", "email": "old@example.com"}),
            ("/people", {"email": "mail@example.com"}),
            ("/people", {"user_id": "u9", "email": "taken@example.com"}),
        ],
        "people",
        3,
    ),
    "companies": (
        "template: upsert_company, fields: {company_id: id}",
        [{"id": "acme"}, {"id": "bolt"}, {"id": "cord"}],
        [("/company", {"company_id": "acme"})],
        "companies",
        2,
    ),
    "subscriptions": (
        f"template: upsert_subscription, external_id: id, {FINANCIAL}",
        [{"id": "s1", "company": "acme"}, {"id": "s2", "company": "acme"}],
        [("/company", COMPANY), ("/financial/subscription", {"externalId": "s1", "company_id": "acme"})],
        "subscriptions",
        1,
    ),
    "custom objects": (
        "template: upsert_custom_object, data_id: id, fields: {type: {value: asset}, company_id: company}",
        [{"id": "d1", "company": "acme"}, {"id": "d2", "company": "acme"}],
        [
            ("/company", COMPANY),
            ("/company", {"company_id": "bolt"}),
            ("/custom_data/companies?company_id=acme", {"data_type": "asset", "data_id": "d1", "data": {"a": 1}}),
        ],
        "custom_data",
        1,
    ),
    "tasks": (
        "template: create_task, fields: {name: name}",
        [{"id": "t1", "name": "Call"}, {"id": "t2", "name": "Write"}],
        [],
        "tasks",
        2,
    ),
}


@pytest.fixture
def shell(tmp_path, sandbox, url, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", url)
    return Shell(tmp_path, monkeypatch, capsys)


def write(shell: Shell, sandbox: Sandbox, how: str, rows: list[dict[str, str]], before=(), url: str = "") -> None:
    (shell.folder / "penstock.yaml").write_text(PROJECT.format(url=url or sandbox.url, how=how), encoding="utf-8")
    with (shell.folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for path, body in before:
        assert sandbox.call(f"POST {path}", json.dumps(body)).status == 200, path


@pytest.mark.parametrize("case", CASES)
def test_a_run_creates_what_the_plan_says(shell, sandbox, case):
    how, rows, before, kind, created = CASES[case]
    write(shell, sandbox, how, rows, before)
    there = len(sandbox.state()[kind])
    plain = shell.json("plan it")
    assert not {"creates", "updates", "read_requests"}.intersection(plain)
    before_plan = len(sandbox.requests())
    plan = shell.json("plan it --exact")
    assert plan["creates"] == created
    assert plan["creates"] + plan["updates"] == plan["creates_or_updates"] == plain["creates_or_updates"]
    assert plan["read_requests"] == len(sandbox.requests()) - before_plan
    assert plan["requests"] == plain["requests"]
    run = shell.json("run it", code=1 if plan["invalid"] else 0)
    assert run["requests"] == plan["requests"]
    assert len(sandbox.state()[kind]) - there == created
    again = shell.json("plan it --exact")
    assert (again["creates"], again["updates"]) == (0, 0)


def test_the_text_says_both_numbers_and_how_long_reading_takes(shell, sandbox):
    how, rows, before, _, _ = CASES["custom objects"]
    write(shell, sandbox, how, rows, before)
    text = shell.text("plan it --exact")
    assert "        1  to create\n" in text
    assert "        1  to update: Custify has them\n" in text
    assert "to create or update" not in text
    assert "3 requests read Custify for this plan" in text


def test_a_flow_says_what_is_not_known_of_which_destination(shell, sandbox):
    rows = [{"id": "e1", "name": "login", "at": "2026-01-01", "company": "acme"}]
    write(shell, sandbox, "template: upsert_company, fields: {company_id: company}", rows)
    assert shell.json("plan all --exact")["creates"] == 1
    how = "template: insert_event, fields: {name: name, created_at: at, company_id: company}"
    write(shell, sandbox, how, rows)
    plan = shell.json("plan all --exact")
    assert "creates" not in plan
    (note,) = [note for note in plan["notes"] if note["field"] == "creates"]
    assert (note["action"], "no list" in note["reason"]) == ("not known", True)
    (error,) = shell.json("plan it --exact", code=2)["errors"]
    assert error["code"] == "not-readable"


def test_the_flat_api_is_refused_and_native_named(shell, sandbox):
    write(shell, sandbox, PERSON, [{"id": "1", "nr": "u1", "email": "a@example.com"}], url=sandbox.flat_url)
    (error,) = shell.json("plan it --exact", code=2)["errors"]
    assert (error["code"], "native" in error["hint"]) == ("no-reads", True)
    assert sandbox.requests() == []
