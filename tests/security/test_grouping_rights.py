"""Who runs grouping code: viewers none, operators saved code, editors unsaved code too."""

import csv
import io

import pyarrow.parquet as pq
import pytest

from penstock.model.outcome import Outcome
from penstock.store.runs import ledger, runs
from support.service.security_service import code_of

SAVED = 'def batch(records):\n    return {"saved": [r["id"] for r in records]}\n'
OTHER = 'def batch(records):\n    return {"unsaved": [r["id"] for r in records]}\n'
NEEDS = "Preview needs the operator role"


def destination(code):
    batch = {"grouping": {"algorithm": "code", "code": code}}
    return {"dataset": "people", "credential": "plain", "request": {"method": "POST", "url": "/x", "batch": batch}}


@pytest.fixture
def coded(service):
    editor = service.signed_in("editor")
    plain = {"connector": "http", "base_url": "http://127.0.0.1:9"}
    for line, value in (("credentials/plain", plain), ("destinations/coded", destination(SAVED))):
        assert editor.put(f"/api/v1/{line}", json=value).status_code in {200, 201}
    return service


def shown(reply):
    """The code that ran, and whether the error names the role."""
    assert reply.status_code == 200, reply.text
    text = reply.text
    return {word for word in ("saved", "unsaved") if f'\\"{word}\\"' in text}, NEEDS in text, "ada@example.com" in text


@pytest.mark.parametrize("role", ["viewer", "operator", "editor", "admin"])
def test_saved_code_runs_for_operators(coded, role):
    client = coded.signed_in(role)
    looks = role == "viewer"
    for path in ("destinations/coded/preview", "destinations/coded/preview/export"):
        ran, named, _ = shown(client.get(f"/api/v1/{path}"))
        assert (ran, named) == (set() if looks else {"saved"}, looks)
    body = client.get("/api/v1/destinations/coded/preview").json()["requests"][0]["body"]
    assert ("ada@example.com" in body) is looks, "a viewer sees the records themselves"
    notes = client.get("/api/v1/destinations/coded/plan").json()["notes"]
    assert any(NEEDS in note["reason"] for note in notes) is looks


@pytest.mark.parametrize(
    ("role", "saved", "other"),
    [("viewer", set(), set()), ("operator", {"saved"}, set()), ("editor", {"saved"}, {"unsaved"})],
)
def test_unsaved_code_runs_for_editors_alone(coded, role, saved, other):
    client = coded.signed_in(role)
    for code, wanted in ((SAVED, saved), (OTHER, other)):
        drafted = {"name": "coded", "value": destination(code)}
        ran, named, _ = shown(client.post("/api/v1/destinations/preview", json=drafted))
        assert (ran, named) == (wanted, not wanted)
    new = client.post("/api/v1/destinations/preview", json={"name": "new", "value": destination(SAVED)})
    assert shown(new)[0] == (saved if role == "editor" else set()), "the code of another destination is not this one's"


def test_an_operator_cannot_send_the_result_of_unsaved_code(coded):
    client = coded.signed_in("operator")
    refused = client.post("/api/v1/destinations/test", json={"name": "coded", "value": destination(OTHER)})
    assert (refused.status_code, code_of(refused)) == (400, "needs-editor")
    for role in ("operator", "editor"):
        value = destination(SAVED if role == "operator" else OTHER)
        tried = coded.signed_in(role).post("/api/v1/destinations/test", json={"name": "coded", "value": value})
        assert tried.status_code == 200, tried.text  # nobody answers there


def test_viewers_preview_a_record_in_quarantine_without_running_code(coded):
    """The preview of a record in quarantine has the same rights."""
    editor = coded.signed_in("editor")
    template = {
        "dataset": "people",
        "credential": "sandbox",
        "template": "upsert_person",
        "fields": {"user_id": "id", "email": "email"},
    }
    assert editor.put("/api/v1/destinations/coded", json={**template, "active": True}).status_code == 200
    coded.app.run("coded")
    assert editor.put("/api/v1/destinations/coded", json={**destination(SAVED), "active": True}).status_code == 200
    entry = editor.get("/api/v1/quarantine").json()["items"][0]["id"]
    for role, ran, named in (("viewer", set(), True), ("operator", {"saved"}, False)):
        assert shown(coded.signed_in(role).post(f"/api/v1/quarantine/{entry}/preview", json={}))[:2] == (ran, named)


FORMULAS = ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "=cmd|' /C calc'!A0")
PLAIN = ("1", "a=b", "'=1", "-", "007")


def test_an_exported_run_has_no_formulas_as_csv_and_exact_values_as_parquet(service):
    """Keys come from the customer's data, and reasons can quote the API."""
    database, at = service.app._ctx.database, "2026-01-31T12:00:00.000Z"
    texts = [*FORMULAS, *PLAIN]
    with database.begin() as conn:
        runs.start(conn, runs.RunRow(id="r-1", kind="run", target="it", started_at=at, resumable=False))
        entries = [
            ledger.LedgerEntry(Outcome.QUARANTINED, [n], at, [text], reason=text) for n, text in enumerate(texts)
        ]
        ledger.append(conn, "r-1", entries)
    client = service.signed_in("viewer")
    reply = client.get("/api/v1/runs/r-1/records/export")
    rows = list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))
    for name in ("key", "reason"):
        assert [row[name] for row in rows] == [f"'{text}" if text in {*FORMULAS, "-"} else text for text in texts]
    exact = pq.read_table(io.BytesIO(client.get("/api/v1/runs/r-1/records/export?format=parquet").content)).to_pylist()
    for name in ("key", "reason"):
        assert [row[name] for row in exact] == texts
