"""Retention, pruning, backup, key rotation and diagnosis over HTTP."""

from penstock.clock import SystemClock
from penstock.service.app import ServiceApp
from penstock.service.care.care import Care
from penstock.service.model import RestoreRequest
from support.deadline import until


def test_retention_is_read_and_replaced(office):
    first = office.client.get("/settings/retention")
    assert first.json()["runs"] == 90
    written = office.client.put("/settings/retention", json={"runs": 7}, headers={"If-Match": first.headers["etag"]})
    assert written.json()["runs"] == 7
    assert office.client.get("/settings/retention").json() == written.json()
    late = office.client.put("/settings/retention", json={"runs": 8}, headers={"If-Match": first.headers["etag"]})
    assert late.status_code == 412
    wrong = office.client.put("/settings/retention", json={"runs": -1, "rums": 3}).json()["errors"]
    assert {(problem["path"], problem["code"]) for problem in wrong} == {
        ("retention.runs", "wrong-value"),
        ("retention.rums", "unknown-key"),
    }
    assert office.client.get("/settings/retention").json()["runs"] == 7


def test_old_data_is_deleted_on_request(office):
    counted = office.client.post("/prune", json={"dry_run": True}).json()
    assert counted["dry_run"]
    assert set(counted["removed"]) >= {"runs", "ledger", "audit"}
    assert office.client.post("/prune", json={}).json()["finished"]
    refused = office.client.post("/prune", json={"forget": ["it"]})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "in-use")


def test_a_backup_over_http_can_be_restored(office, tmp_path):
    reply = office.client.post("/backup")
    assert reply.status_code == 200, reply.text
    file = tmp_path / "state.backup"
    file.write_bytes(reply.content)
    until(lambda: not list(office.folder.glob(".backup-*")))  # removed when it is sent
    care = Care.of(None, f"sqlite:///{tmp_path / 'restored' / 'state.db'}", {}, SystemClock())
    care.restore(RestoreRequest(file, replace=False, resend_all=False))
    with ServiceApp.open_applied(care.url, environ={}) as restored:
        assert list(restored.edits.listed("destinations")) == ["it", "draft"]


def test_secrets_open_after_a_key_rotation(office):
    value = {"connector": "custify", "base_url": office.sandbox.url}
    assert office.client.post("/credentials", json={"name": "sealed", "value": value}).status_code == 201
    assert office.client.put("/credentials/sealed/secret", json={"secret": office.sandbox.api_key}).status_code == 204
    rotated = office.client.post("/rotate-key").json()
    assert rotated["sealed"] >= 1
    assert office.client.post("/credentials/sealed/check", json={}).json()["ok"] is True
    assert office.client.delete("/credentials/sealed").status_code == 204


def test_the_doctor_of_a_service_returns_findings_with_fixes(office):
    assert office.client.put("/sources/gone", json={"type": "file", "path": "gone.csv"}).status_code in {200, 201}
    found = office.client.get("/doctor").json()
    assert found["ok"] is False
    assert len(found["checks"]) > 5
    (gone,) = [finding for finding in found["findings"] if finding["about"] == "gone"]
    assert gone["message"]
    assert gone["hint"]
    assert office.client.delete("/sources/gone").status_code == 204
    assert "gone" not in [finding["about"] for finding in office.client.get("/doctor").json()["findings"]]
