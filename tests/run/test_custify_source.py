"""Objects of one Custify account as the records of a dataset, which is sent to another account."""

import json
import signal
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from penstock.deadline import Deadline, use_deadline
from penstock.model.errors import InputError
from penstock.project import Project as PythonProject
from support.cli import forked_process
from support.cli.project import Project
from support.deadline import until
from support.servers.sandbox import running_sandbox

PEOPLE = 1_050  # six pages
OTHER_KEY = "other-key"


@pytest.fixture(scope="module")
def shared_account():
    with running_sandbox("--rate", "off", "--job-delay", "0", "--read-only-key", OTHER_KEY) as started:
        yield started


@pytest.fixture
def account(shared_account):
    """The account that is read."""
    shared_account.settings(latency=0, ignore_filters=False, visible_after=0)
    shared_account.reset()
    return shared_account


def project(folder: Path, account, sandbox, kind: str, *, sql: str = "", more: str = "", destination: str) -> Project:
    made = Project(folder, sandbox)
    limit = "rate_limit: {requests: 100000, per: 1s}"
    made.write(
        "penstock.yaml",
        f"""\
credentials:
  theirs: {{connector: custify, api_key: "{account.api_key}", base_url: "{account.url}", {limit}}}
  sandbox: {{connector: custify, api_key: "{sandbox.api_key}", base_url: "{sandbox.url}", {limit}}}
sources:
  account: {{type: custify, credential: theirs, object: {kind}{more}}}
datasets:
  data: {{source: account, key: id{sql and f", sql: '{sql}'"}}}
destinations:
  it: {{dataset: data, credential: sandbox, active: true, {destination}}}
""",
    )
    return made


PERSON = "template: upsert_person, attributes: none"
REQUEST = "request: {method: POST, url: /anything}"


def add_people(account, first: int, number: int) -> None:
    entries = [{"user_id": f"u{n}", "email": f"u{n}@example.com"} for n in range(first, first + number)]
    for at in range(0, number, 100):
        jobs = [{"type": "people", "payload": entry} for entry in entries[at : at + 100]]
        assert account.call("POST /batch", json.dumps({"jobs": jobs})).status == 202
    until(lambda: len(account.state()["people"]) == first + number)


def reads(account, path: str) -> list[str]:
    return [each["path"] for each in account.requests() if each["method"] == "GET" and each["path"].startswith(path)]


def run(made: Project, *words: str, **environ: str):
    command = ["-m", "penstock", *words, "--json"]
    environ = {**made.environ, **environ}
    ended = forked_process.run(command, cwd=made.folder, env=environ, capture_output=True, text=True, timeout=100)
    return ended.returncode, json.loads(ended.stdout)


def test_people_of_one_account_are_sent_to_another(tmp_path, account, sandbox):
    add_people(account, 0, PEOPLE)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    code, schema = run(made, "schema", "data")
    assert (code, len(reads(account, "/people"))) == (0, 3), "a few pages show the columns"
    assert {"id", "user_id", "email", "companies"} <= {column["name"] for column in schema["columns"]}
    code, plan = run(made, "plan", "it")
    assert (code, plan["records"], plan["creates_or_updates"], plan["asking"]) == (0, PEOPLE, PEOPLE, 6 + 11)
    account.call("GET /people/all")
    before = len(reads(account, "/people"))
    code, report = run(made, "run", "it")
    assert (code, report["records"]["delivered"]) == (0, PEOPLE), report
    assert len(reads(account, "/people")) - before == 6, "all pages once"
    assert report["requests"] > 6
    assert {person["user_id"] for person in sandbox.state()["people"]} == {f"u{n}" for n in range(PEOPLE)}
    code, report = run(made, "run", "it")
    assert (code, report["records"]["unchanged"], report["requests"]) == (0, PEOPLE, 6)


def test_a_value_that_only_a_later_page_has_decides_the_type_of_its_column(tmp_path, account, sandbox):
    """The first pages show no phone, and whole numbers as attributes."""
    add_people(account, 0, PEOPLE)
    made = project(
        tmp_path, account, sandbox, "people", sql="select id, user_id, phone from source", destination=PERSON
    )
    assert run(made, "schema", "data")[0] == 0
    account.call("POST /people", json.dumps({"user_id": f"u{PEOPLE - 1}", "phone": "+49 1"}))
    code, report = run(made, "run", "it")
    assert (code, report["records"]["delivered"]) == (0, PEOPLE), report
    assert [person["phone"] for person in sandbox.state()["people"] if person.get("phone")] == ["+49 1"]


def test_people_that_come_while_the_list_is_read_are_read_too(tmp_path, account, sandbox):
    add_people(account, 0, 450)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    account.settings(latency=150)
    process = forked_process.Process(["-m", "penstock", "run", "it"], cwd=made.folder, env=made.environ)
    until(lambda: len(reads(account, "/people")) == 1)
    add_people(account, 450, 10)
    assert process.wait(100) == 0
    assert {person["user_id"] for person in sandbox.state()["people"]} == {f"u{n}" for n in range(460)}
    pages = [parse_qs(each["query"])["page"][0] for each in account.requests() if each["path"] == "/people/all"]
    assert pages in (["1", "2", "1", "2", "3"], ["1", "2", "3"]), "a page again, with the one before it"


def killed(made: Project, after) -> None:
    """A run that is ended by kill -9 as soon as `after()` is true."""
    process = forked_process.Process(["-m", "penstock", "run", "it", "--json"], cwd=made.folder, env=made.environ)
    until(lambda: after() or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_run_that_was_killed_while_it_read_continues_with_the_next_page(tmp_path, account, sandbox):
    add_people(account, 0, PEOPLE)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    account.settings(latency=150)
    killed(made, lambda: len(reads(account, "/people")) >= 4)
    account.settings(latency=0)
    before = len(reads(account, "/people"))
    assert sandbox.state()["people"] == []
    code, report = run(made, "run", "it")
    assert (code, report["records"]["delivered"]) == (0, PEOPLE)
    assert len(reads(account, "/people")) - before <= 3
    assert list((made.folder / ".penstock" / "frozen").iterdir()) == [], "nothing of the read is left"


def test_a_run_that_is_stopped_while_it_reads_ends_after_the_page_and_continues_there(tmp_path, account, sandbox):
    add_people(account, 0, PEOPLE)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    account.settings(latency=150)
    process = forked_process.Process(["-m", "penstock", "run", "it"], cwd=made.folder, env=made.environ)
    until(lambda: len(reads(account, "/people")) >= 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(100) == 130
    before = len(reads(account, "/people"))
    assert before <= 4
    code, report = run(made, "run", "it")
    assert (code, report["records"]["delivered"]) == (0, PEOPLE)
    assert len(reads(account, "/people")) == 6, "no page twice"


@pytest.mark.parametrize("words", ["run it", "plan it", "schema data", "preview it --all"])
def test_a_command_that_is_stopped_while_a_request_has_no_reply_ends_now(tmp_path, account, sandbox, words):
    add_people(account, 0, 1)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    account.settings(latency=40_000)
    command = ["-m", "penstock", *words.split(), "--json"]
    process = forked_process.Process(command, cwd=made.folder, env=made.environ)
    until(lambda: reads(account, "/people"))
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert len(reads(account, "/people")) == 1


@pytest.mark.parametrize("changed", ["address", "key"])
def test_an_interrupted_read_does_not_continue_with_another_account(tmp_path, account, sandbox, changed):
    """An address or key that was changed may be those of another account."""
    add_people(account, 0, PEOPLE)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    text = (tmp_path / "penstock.yaml").read_text().replace(f'"{account.api_key}"', '"${env:THEIRS}"', 1)
    made.write("penstock.yaml", text)
    account.fault(status=400, path="/people/all", after=4)
    assert run(made, "run", "it", THEIRS=account.api_key)[0] == 2
    account.clear_faults()
    before = len(reads(account, "/people"))
    key = account.api_key
    if changed == "address":
        made.write("penstock.yaml", text.replace("127.0.0.1", "localhost", 1))
    else:
        key = OTHER_KEY
    assert run(made, "run", "it", THEIRS=key)[1]["records"]["delivered"] == PEOPLE
    assert len(reads(account, "/people")) - before == 6


def test_one_record_of_an_account_that_was_not_read_yet_is_sent_as_a_test(tmp_path, account, sandbox):
    add_people(account, 0, 1)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    code, report = run(made, "test", "it")
    assert (code, report["response"]["status"]) == (0, 202), report
    until(lambda: [person["user_id"] for person in sandbox.state()["people"]] == ["u0"])


async def test_an_account_is_read_where_an_event_loop_runs(tmp_path, account, sandbox):
    """As in a notebook."""
    add_people(account, 0, 1)
    project(tmp_path, account, sandbox, "people", destination=PERSON)
    with PythonProject.load(tmp_path / "penstock.yaml") as opened:
        assert len(opened.preview("it").requests) == 1


def test_a_read_ends_at_the_deadline_of_its_caller(tmp_path, account, sandbox):
    add_people(account, 0, 1)
    project(tmp_path, account, sandbox, "people", destination=PERSON)
    account.settings(latency=40_000)
    loaded, deadline = PythonProject.load(tmp_path / "penstock.yaml"), use_deadline(Deadline(0.5))
    with loaded as opened, deadline, pytest.raises(InputError) as caught:
        opened.preview("it")
    [problem] = caught.value.problems
    assert (problem.path, problem.code, problem.line) == ("sources.account", "too-slow", 5)
    assert "reading people takes longer than 0.5 s" in problem.message


def test_the_custom_data_of_a_few_companies_shows_the_columns(tmp_path, account, sandbox):
    for n in range(45):
        account.call("POST /company", json.dumps({"company_id": f"c{n}"}))
        entry = {"data_type": "site", "data_id": f"s{n}", "data": {"city": "Bonn"}}
        account.call(f"POST /custom_data/companies?company_id=c{n}", json.dumps(entry))
    made = project(tmp_path, account, sandbox, "custom_data", destination=REQUEST)
    assert run(made, "preview", "it")[0] == 0
    assert len(reads(account, "/custom_data")) == 30
    code, plan = run(made, "plan", "it")
    assert (code, plan["records"]) == (0, 45)


def test_a_read_that_the_api_ends_continues_later(tmp_path, account, sandbox):
    add_people(account, 0, PEOPLE)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    account.fault(status=400, path="/people/all", after=4)
    code, document = run(made, "run", "it")
    assert (code, document["errors"][0]["code"]) == (2, "read-failed")
    account.clear_faults()
    before = len(reads(account, "/people"))
    assert run(made, "run", "it")[1]["records"]["delivered"] == PEOPLE
    assert len(reads(account, "/people")) - before == 2


def test_the_flat_api_is_not_read_even_where_only_its_address_shows_it(tmp_path, account, sandbox):
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    text = (tmp_path / "penstock.yaml").read_text()
    text = text.replace(f'base_url: "{account.url}"', "base_url: auto").replace("sandbox-key", "${env:SANDBOX_KEY}", 1)
    made.write("penstock.yaml", text)
    code, document = run(made, "run", "it", PENSTOCK_CUSTIFY_BASES=account.flat_url)
    [problem] = document["errors"]
    assert (code, problem["path"], problem["code"]) == (2, "credentials.theirs.dialect", "no-reads")
    assert "dialect: native" in problem["hint"]


def test_a_run_that_was_killed_while_it_sent_reads_nothing_again(tmp_path, account, sandbox):
    add_people(account, 0, 300)
    made = project(tmp_path, account, sandbox, "people", destination=PERSON)
    sandbox.settings(latency=100)
    made.write(
        "penstock.yaml",
        (tmp_path / "penstock.yaml").read_text().replace("attributes: none", "attributes: none, batch: off"),
    )
    killed(made, lambda: 0 < len(sandbox.state()["people"]) < 200)
    sandbox.settings(latency=0)
    before = len(reads(account, "/people"))
    code, report = run(made, "run", "it")
    assert (code, report["records"]["read"], report["records"]["delivered"]) == (0, 300, 300), report
    assert len(reads(account, "/people")) == before
    assert len(sandbox.state()["people"]) == 300


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *(("companies", 2), ("deals", 3), ("invoices", 1), ("subscriptions", 0), ("tasks", 1), ("notes", 2)),
        *(("tickets", 1), ("segments", 6), ("tags", 1), ("custom_data", 2)),
    ],
)
def test_every_kind_of_object_is_read(tmp_path, account, sandbox, kind, number):
    companies = [account.call("POST /company", json.dumps({"company_id": f"c{n}"})).json()["id"] for n in range(2)]
    for n in range(3):
        account.call("POST /financial/deal", json.dumps({"externalId": f"d{n}", "name": "x", "company_id": "c1"}))
    account.call("POST /financial/invoice", json.dumps({"externalId": "i", "total": 5, "company_id": "c1"}))
    task = {"name": "t", "priority": "low", "status": "open", "dueDate": "2026-01-31T00:00:00Z", "company_id": "c1"}
    assert account.call("POST /task", json.dumps(task | {"assignedTo": "a@example.com"})).status == 200
    for text in ("one", "two"):
        account.call("POST /note", json.dumps({"text": text, "entity": companies[0], "entityModel": "Company"}))
    account.call("POST /ticket", json.dumps({"externalId": "k", "title": "x"}))
    account.call("POST /tag", json.dumps({"name": "x", "category": "people"}))
    account.add_ui_objects("segments", {"name": "p", "type": "people"}, {"name": "c", "type": "company"})
    for n in range(2):
        entry = {"data_type": "site", "data_id": f"s{n}", "data": {"city": "Bonn"}}
        account.call(f"POST /custom_data/companies?company_id=c{n}", json.dumps(entry))
    made = project(tmp_path, account, sandbox, kind, destination=REQUEST)
    code, plan = run(made, "plan", "it")
    assert (code, plan["records"]) == (0, number), plan
    bodies = [json.loads(each["body"]) for each in run(made, "preview", "it", "--all")[1] if "body" in each]
    records = [record for body in bodies for record in (body if isinstance(body, list) else [body])]
    assert len({record["id"] for record in records}) == len(records) == number
    if kind == "custom_data":
        [note] = [note["reason"] for note in plan["notes"] if note["action"] == "read"]
        assert (note, plan["asking"]) == ("a complete read takes about 3 requests and less than a minute", 3)
        assert {(each["company_id"], each["data_type"], each["data_id"]) for each in records} == {
            ("c0", "site", "s0"),
            ("c1", "site", "s1"),
        }


def test_a_query_narrows_what_is_read(tmp_path, account, sandbox):
    for n in range(3):
        account.call("POST /financial/deal", json.dumps({"externalId": f"d{n}", "name": "x"}))
    made = project(tmp_path, account, sandbox, "deals", more=", query: {externalId: d1}", destination=REQUEST)
    assert run(made, "plan", "it")[1]["records"] == 1
    account.settings(ignore_filters=True)
    assert run(made, "plan", "it")[1]["records"] == 3, "an API that ignores it returns everything"


def test_a_key_that_is_refused_and_a_query_that_is_not_accepted_are_reported(tmp_path, account, sandbox):
    made = project(tmp_path, account, sandbox, "people", destination=PERSON, more=", query: {filters: '['}")
    code, document = run(made, "run", "it")
    [problem] = document["errors"]
    assert (code, problem["path"], problem["code"], problem["line"]) == (2, "sources.account", "read-failed", 5)
    made.write("penstock.yaml", (tmp_path / "penstock.yaml").read_text().replace(account.api_key, "wrong", 1))
    code, document = run(made, "run", "it")
    [problem] = document["errors"]
    assert (code, problem["path"], problem["code"]) == (3, "credentials.theirs", "credential-refused")
