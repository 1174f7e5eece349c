"""`penstock identity`: which people of a dataset Custify would hold twice."""

import json

import pytest

from support.cli.shell import Shell
from support.deadline import until

PROJECT = """\
credentials:
  custify: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  people: {{source: file, key: nr}}
destinations:
  people:
    dataset: people
    credential: custify
    template: upsert_person
    fields: {{user_id: nr, email: mail}}
"""
HEAD = "nr,mail\n"
FOUND = """\
1,ada@example.com
2, Ada@Example.com\u200b
3,bob@example.com
3,bobby@example.com
3,BOB@example.com
4.5E+10,eve@example.com
4.5E+10,eve@example.com
5,
6,
7,no address
8,no address
"""


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(url=sandbox.url), encoding="utf-8")
    (tmp_path / "people.csv").write_text(HEAD + FOUND, encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def test_people_that_custify_would_hold_twice_are_listed(shell, sandbox):
    assert shell.json("identity people", code=1) == {
        "email_several_ids": [{"email": "ada@example.com", "ids": ["1", "2"], "count": 2, "records": 2}],
        "id_several_emails": [
            {"id": "3", "emails": ["bob@example.com", "bobby@example.com"], "count": 2, "records": 3}
        ],
        "scientific_ids": [{"id": "4.5E+10", "records": 2}],
        "taken_in_custify": None,
        "requests": 0,
    }
    assert sandbox.requests() == []


def test_the_text_names_the_columns_and_what_custify_does(shell):
    text = shell.text("identity people", code=1)
    assert "ids from nr, e-mails from mail; mapped by people" in text
    assert "1 e-mail of several ids: Custify creates a person for each id\n  ada@example.com: 1, 2\n" in text
    assert "3: bob@example.com, bobby@example.com" in text
    assert "4.5E+10 (2 records)" in text


def test_long_lists_are_shortened_in_the_text_and_complete_in_the_document(shell):
    rows = "".join(f"{number},{number % 30}@example.com\n" for number in range(900))
    (shell.folder / "people.csv").write_text(HEAD + rows, encoding="utf-8")
    entries = shell.json("identity people", code=1)["email_several_ids"]
    assert [entry["email"] for entry in entries] == [f"{number}@example.com" for number in range(30)]
    assert {(len(entry["ids"]), entry["count"], entry["records"]) for entry in entries} == {(20, 30, 30)}
    assert entries[0]["ids"][:2] == ["0", "30"]
    text = shell.text("identity people", code=1)
    assert "… and 10 more: --json shows them" in text
    assert "and 10 more\n" in text


def test_nothing_found_is_exit_code_0_and_says_which_columns_were_read(shell):
    project = (shell.folder / "penstock.yaml").read_text(encoding="utf-8")
    (shell.folder / "penstock.yaml").write_text(project.partition("destinations:")[0], encoding="utf-8")
    (shell.folder / "people.csv").write_text("nr,Email\n1,ada@example.com\n2,bob@example.com\n", encoding="utf-8")
    text = shell.text("identity people")
    assert "ids from nr (the key of the dataset), e-mails from Email; no destination of the dataset" in text
    assert "No e-mail belongs to several ids" in text


def test_wrong_input_names_what_is_there(shell):
    (error,) = shell.json("identity persons", code=2)["errors"]
    assert (error["code"], "people" in error["hint"]) == ("unknown-dataset", True)
    project = (shell.folder / "penstock.yaml").read_text(encoding="utf-8")
    (shell.folder / "penstock.yaml").write_text(project.partition("destinations:")[0], encoding="utf-8")
    (shell.folder / "people.csv").write_text("nr,name\n1,Ada\n", encoding="utf-8")
    (error,) = shell.json("identity people", code=2)["errors"]
    assert (error["code"], "nr, name" in error["hint"]) == ("no-identity", True)


THERE = [
    {"user_id": "1", "email": "ada@example.com"},  # the same person
    {"user_id": "3", "email": "old@example.com"},
    {"user_id": "9", "email": "BOB@example.com"},
    {"user_id": "10", "email": "eve@example.com"},
    {"user_id": "11", "email": "eve@example.com"},
    {"email": "lone@example.com"},
]
OURS = """\
1,ada@example.com
2,Ada@example.com
3,bob@example.com
4,eve@example.com
5,lone@example.com
6,fresh@example.com
,bob@example.com
"""


def test_against_an_account_emails_of_other_people_are_listed(shell, sandbox):
    for person in THERE:
        assert sandbox.call("POST /people", json.dumps(person)).status == 200
    (shell.folder / "people.csv").write_text(HEAD + OURS, encoding="utf-8")
    ids = {person.get("user_id"): person["id"] for person in sandbox.state()["people"]}
    report = shell.json("identity people --against custify", code=1)

    def people(*own):
        return [{"id": ids[each], "user_id": each} for each in own]

    assert report["taken_in_custify"] == [
        {"email": "Ada@example.com", "id": "2", "creates": True, "people": people("1"), "count": 1},
        {"email": "bob@example.com", "id": "3", "creates": False, "people": people("9"), "count": 1},
        {"email": "eve@example.com", "id": "4", "creates": True, "people": people("10", "11"), "count": 2},
    ]
    assert report["requests"] == len(sandbox.requests()) - len(THERE) == 1
    text = shell.text("identity people --against custify", code=1)
    assert "3 e-mails of other people in Custify\n" in text
    assert "eve@example.com is that of 10, 11: 4 would be created as a second person" in text
    there = len(sandbox.state()["people"])
    shell.json("activate people")
    shell.json("run people", code=1)  # the last one has no key
    created = {person["user_id"] for person in sandbox.state()["people"][there:]}
    assert created == {"2", "4", "6"}  # those that are listed as second people, and a new one


def test_an_interrupted_read_of_the_account_continues_with_the_next_page(shell, sandbox):
    people = [{"type": "people", "payload": {"user_id": f"u{n}", "email": f"u{n}@example.com"}} for n in range(450)]
    for at in range(0, 450, 90):
        assert sandbox.call("POST /batch", json.dumps({"jobs": people[at : at + 90]})).status == 202
    until(lambda: len(sandbox.state()["people"]) == 450)
    sandbox.fault(status=400, method="GET", path="/people", after=1, times=1)
    shell.json("identity people --against custify", code=2)
    before = len(sandbox.requests())
    report = shell.json("identity people --against custify", code=1)
    assert report["requests"] == len(sandbox.requests()) - before == 2  # of three pages


def test_the_flat_api_cannot_be_read_and_native_is_named(shell, sandbox):
    project = (shell.folder / "penstock.yaml").read_text(encoding="utf-8")
    (shell.folder / "penstock.yaml").write_text(project.replace(sandbox.url, sandbox.flat_url), encoding="utf-8")
    (error,) = shell.json("identity people --against custify", code=2)["errors"]
    assert (error["code"], "native" in error["hint"]) == ("no-reads", True)
    (error,) = shell.json("identity people --against nobody", code=2)["errors"]
    assert error["code"] == "unknown-credential"
    assert sandbox.requests() == []


def test_activation_shows_the_numbers_without_a_request(shell, sandbox):
    assert shell.json("activate people")["identity"] == {
        "email_several_ids": 1,
        "id_several_emails": 1,
        "scientific_ids": 1,
    }
    text = shell.text("activate people")
    assert "1 e-mail of several ids" in text
    assert "penstock identity people" in text
    assert sandbox.requests() == []
