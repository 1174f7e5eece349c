"""What release 0.1.0 delivered with each template, in both dialects, is not sent again, and nothing is deleted.

`state/state.sql` was written by Python's `sqlite3` (`iterdump`, without the table `exchanges`) from a
state that 0.1.0 had filled by running the twenty destinations of the project beside it against its sandbox.
"""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from support.cli.shell import Shell
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["sandbox", "shared_sandbox"]
OLD = Path(__file__).parent / "state"
SANDBOX, FOLDER = "127.0.0.1:8977", "/srv/penstock"  # where they were when the state was made
TEMPLATES = {
    "companies": "upsert_company",
    "people": "upsert_person",
    "subscriptions": "upsert_subscription",
    "invoices": "upsert_invoice",
    "deals": "upsert_deal",
    "events": "insert_event",
    "tasks": "create_task",
    "notes": "create_note",
    "sensors": "upsert_custom_object",
    "batches": "send_batch",
}


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    """The project with the state that 0.1.0 left, in front of an account that has nothing."""
    address = sandbox.url.removeprefix("http://")
    for path in OLD.iterdir():
        shutil.copy(path, tmp_path / path.name)
    for name in ("penstock.yaml", "state.sql"):
        text = (tmp_path / name).read_text(encoding="utf-8").replace(SANDBOX, address)
        (tmp_path / name).write_text(text.replace(FOLDER, str(tmp_path)), encoding="utf-8")
    (tmp_path / ".penstock").mkdir()
    connection = sqlite3.connect(tmp_path / ".penstock" / "state.db")
    connection.executescript((tmp_path / "state.sql").read_text(encoding="utf-8"))
    connection.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTIFY_API_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return Shell(tmp_path, monkeypatch, capsys)


def change(shell, destination, before, after):
    """Change the line of a destination in the project file."""
    project = shell.folder / "penstock.yaml"
    lines = project.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines) if line.startswith(f"  {destination}:")]
    lines[found[0]] = lines[found[0]].replace(before, after)
    project.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("dialect", ["native", "flat"])
def test_nothing_of_any_template_is_sent_again(shell, sandbox, dialect):
    for name in TEMPLATES:
        report = shell.json(f"run {dialect}_{name}")
        assert (report["requests"], report["records"]["unchanged"]) == (0, 2), name
    assert [entry["path"] for entry in sandbox.requests() if entry["method"] != "GET"] == []


def test_the_memory_of_each_template_tells_a_new_value_from_an_old_one(shell, sandbox):
    """Else nothing would be sent again because nothing was compared."""
    rows = shell.folder / "companies.ndjson"
    rows.write_text(rows.read_text(encoding="utf-8").replace('"Half"', '"Whole"'), encoding="utf-8")
    report = shell.json("run native_companies")
    assert (report["records"]["delivered"], report["records"]["unchanged"]) == (1, 1)
    assert [company["company_id"] for company in sandbox.state()["companies"]] == ["367"]


def without_first(shell, name):
    """The first record leaves the dataset."""
    rows = shell.folder / f"{name}.ndjson"
    rows.write_text(rows.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")


@pytest.mark.parametrize("name", ["companies", "people", "subscriptions", "invoices", "deals"])
def test_a_destination_that_becomes_a_mirror_deletes_nothing_that_it_cannot_identify(shell, sandbox, name):
    change(shell, f"native_{name}", "active: true", "mode: mirror, on_delete: delete, active: true")
    without_first(shell, name)
    assert shell.json(f"plan native_{name}")["deletes"] == 0
    report = shell.json(f"run native_{name}")
    assert (report["deleted"], report["requests"], report["records"]["unchanged"]) == (0, 0, 1)
    assert [entry for entry in sandbox.requests() if entry["method"] == "DELETE"] == []


def test_a_field_that_0_1_0_delivered_is_sent_only_where_custify_has_no_value(shell, sandbox):
    """0.1.0 stored no hash of it, so nobody knows whether Custify's value is ours."""
    for company in ({"company_id": "366", "name": "by a person"}, {"company_id": "367"}):
        assert sandbox.call("POST /company", json.dumps(company)).status == 200
    fields = "fields: {company_id: company_id, name: {column: name, if_unchanged: true}, plan: plan}"
    change(shell, "native_companies", "active: true", f"{fields}, active: true")
    rows = shell.folder / "companies.ndjson"
    text = rows.read_text(encoding="utf-8").replace('"size": 12', '"size": 13').replace('"size": 1}', '"size": 2}')
    rows.write_text(text, encoding="utf-8")
    assert shell.json("run native_companies")["records"]["delivered"] == 2
    stored = {company["company_id"]: company.get("name") for company in sandbox.state()["companies"]}
    assert stored == {"366": "by a person", "367": "Half"}
