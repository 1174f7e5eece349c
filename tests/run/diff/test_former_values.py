"""Values that an earlier release delivered in another form are not sent again."""

import pytest

from penstock.render import steps
from penstock.run.preparation import prepare
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  file: {{type: file, path: {path}}}
datasets:
  rows: {{source: file, key: id, types: {{since: {type}}}}}
destinations:
  it:
    dataset: rows
    credential: sandbox
    template: upsert_company
    fields: {{company_id: id, signed_up_at: since, name: name}}
    attributes: none
    active: true
"""
CSV = "id,since,name\nc1,2026-01-31,A\nc2,2026-02-28,B\n"
NDJSON = '{"id": "c1", "since": "2026-01-31"}\n{"id": "c1", "name": "A"}\n{"id": "c2", "since": "2026-02-28"}\n'


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(("path", "rows"), [("rows.csv", CSV), ("rows.ndjson", NDJSON)])
@pytest.mark.parametrize("kind", ["date", "text"])
def test_dates_that_were_delivered_as_dates_stay_unchanged(shell, sandbox, monkeypatch, kind, path, rows):
    tmp_path = shell.folder
    (tmp_path / path).write_text(rows, encoding="utf-8")
    project = PROJECT.format(base=sandbox.url, path=path, type=kind)
    (tmp_path / "penstock.yaml").write_text(project, encoding="utf-8")
    its = shell
    with monkeypatch.context() as earlier:
        earlier.setattr(steps, "is_date_time", lambda doc, dialect: False)
        sandbox.settings(strict=False)  # the API accepted what release 0.1.0 sent
        its.json("run it")
    sandbox.settings(strict=True)
    found = {company["company_id"]: company["signed_up_at"] for company in sandbox.state()["companies"]}
    assert found == {"c1": "2026-01-31", "c2": "2026-02-28"}
    monkeypatch.setattr(prepare, "fingerprint_version", lambda: "of another release")
    assert its.json("plan it")["creates_or_updates"] == 0
    again = its.json("run it")
    assert (again["requests"], again["records"]["unchanged"]) == (0, rows.count("\n") - path.endswith("csv"))
    (tmp_path / path).write_text(rows.replace("2026-02-28", "2026-03-01"), encoding="utf-8")
    assert its.json("run it")["records"]["delivered"] == 1
    found = {company["company_id"]: company["signed_up_at"] for company in sandbox.state()["companies"]}
    assert found == {"c1": "2026-01-31", "c2": "2026-03-01T00:00:00Z"}
