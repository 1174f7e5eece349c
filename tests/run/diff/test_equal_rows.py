"""Equal rows of one key get the outcome of the row that was sent, while it is in flight and afterwards."""

import pytest

from penstock.run.preparation import start
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it: {{dataset: rows, credential: sandbox, template: {template}, fields: {{{fields}}}, attributes: none, active: true, {more}}}
"""


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    def make(base, template, fields, rows, more) -> Shell:
        (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
        text = PROJECT.format(base=base, template=template, fields=fields, more=more)
        (tmp_path / "penstock.yaml").write_text(text, encoding="utf-8")
        return Shell(tmp_path, monkeypatch, capsys)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    monkeypatch.setattr(start, "CHUNK_ROWS", 2)  # equal rows of one chunk are one upsert
    return make


def kinds(report):
    """The outcomes with their counts; their sum is `read`."""
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


PEOPLE = "id,email\nu1,a@x.example\nu2,b@x.example\nu1,a@x.example\nu3,c@x.example\nu1,a@x.example\n"


@pytest.mark.parametrize("concurrency", [1, 10], ids=["decided before", "on its way"])
def test_all_equal_rows_of_a_refused_upsert_are_quarantined(shell, sandbox, concurrency):
    more = f"concurrency: {concurrency}"
    its = shell(sandbox.flat_url, "upsert_person", "user_id: id, email: email", PEOPLE, more)
    sandbox.settings(latency=200)
    sandbox.fault(status=422, path="/people", method="POST", containing="u1", times=1)  # u2 may arrive before it
    report = its.json("run it", code=1)
    assert kinds(report) == {"delivered": 2, "quarantined": 3}
    assert report["requests"] - 2 <= 3, "the refused row was sent once (two requests are the check)"
    assert len(its.json("quarantine list")) == 1
    again = its.json("run it", code=1)
    assert (again["requests"], kinds(again)) == (0, {"unchanged": 2, "quarantined": 3})
    its.text("quarantine resend --all")
    assert kinds(its.json("run it")) == {"unchanged": 5}


@pytest.mark.parametrize("concurrency", [1, 10], ids=["decided before", "on its way"])
def test_equal_rows_of_a_delivered_row_are_unchanged(shell, sandbox, concurrency):
    its = shell(sandbox.flat_url, "upsert_person", "user_id: id, email: email", PEOPLE, f"concurrency: {concurrency}")
    sandbox.settings(latency=200)
    assert kinds(its.json("run it")) == {"delivered": 3, "unchanged": 2}
    assert its.json("run it")["requests"] == 0


@pytest.mark.parametrize("concurrency", [1, 10], ids=["decided before", "on its way"])
def test_an_equal_row_does_not_resend_a_note_without_a_reply(shell, sandbox, concurrency):
    sandbox.call("POST /company", '{"company_id": "acme"}')
    rows = "id,company_id,text\nn1,acme,one\nn2,acme,two\nn1,acme,one\nn3,acme,three\n"
    its = shell(
        sandbox.flat_url, "create_note", "company_id: company_id, text: text", rows, f"concurrency: {concurrency}"
    )
    sandbox.settings(latency=200)
    sandbox.fault(cut="after", path="/note", containing="one", times=1)  # the second note may arrive before it
    assert kinds(its.json("run it", code=1)) == {"delivered": 2, "unknown": 2}
    assert sorted(note["text"] for note in sandbox.state()["notes"]) == ["one", "three", "two"]


def test_an_equal_row_waits_for_the_end_of_a_batch_job(shell, sandbox):
    sandbox.call("POST /people", '{"user_id": "u1"}')
    rows = "id,user_id,name,created_at\n" + "".join(
        f"{key},{user},seen,2026-01-31\n" for key, user in [("e1", "gone"), ("e2", "u1"), ("e1", "gone"), ("e3", "u1")]
    )
    fields = "user_id: user_id, name: name, created_at: created_at"
    its = shell(sandbox.url, "insert_event", fields, rows, "batch: {size: 2}")
    sandbox.settings(job_delay=0.5)
    assert kinds(its.json("run it", code=1)) == {"delivered": 2, "quarantined": 2}


def test_a_stopped_run_leaves_all_equal_rows_unsent(shell, sandbox):
    its = shell(sandbox.flat_url, "upsert_person", "user_id: id, email: email", PEOPLE, "concurrency: 10")
    its.json("check sandbox")
    sandbox.settings(latency=200)
    sandbox.fault(status=401, path="/people")
    assert kinds(its.json("run it", code=3)) == {"unsent": 5}
    sandbox.clear_faults()
    assert kinds(its.json("run it")) == {"delivered": 3, "unchanged": 2}
