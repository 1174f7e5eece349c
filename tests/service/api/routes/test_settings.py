"""Retention, backup, key rotation, templates, plans, replies and checks of unsaved credentials over HTTP."""

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


def test_a_template_equals_its_entry_in_the_list(office):
    listed = {template["name"]: template for template in office.client.get("/templates").json()["items"]}
    assert len(listed) == 10
    assert office.client.get("/templates/create_task").json() == listed["create_task"]
    assert office.client.get("/templates/create_tusk").json()["errors"][0]["hint"] == "did you mean create_task?"


def test_each_format_of_files_has_its_endings_and_options(office):
    formats = {each["name"]: each for each in office.client.get("/formats").json()["items"]}
    assert list(formats)[:5] == ["csv", "tsv", "json", "ndjson", "parquet"]
    assert formats["tsv"]["extensions"] == [".tsv", ".tab", ".txt"]
    assert "delimiter" in formats["csv"]["options"]
    assert formats["json"]["options"] == ["encoding", "records_path"]
    assert (formats["parquet"]["label"], formats["parquet"]["is_text"]) == ("Parquet", False)
    assert all(each["can_upload"] for each in formats.values())


def test_the_plan_of_a_flow(office):
    plan = office.client.get("/flows/nightly/plan").json()
    assert plan["flow"] == "nightly"
    assert [part["destination"] for part in plan["destinations"]] == ["it"]
    assert office.client.get("/flows/it/plan").status_code == 404


def test_replies_are_listed_newest_first(office):
    office.run("it")
    first = office.client.get("/responses/it", params={"limit": 1}).json()
    second = office.client.get("/responses/it", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]
    assert first["items"][0]["response"]["status"] in {200, 201}
    assert office.client.get("/responses/nobody").status_code == 404


def ask(office, value, **more):
    return office.client.post("/credentials/check", json={"name": "new", "value": value, **more})


def test_an_unsaved_credential_is_checked_with_its_key_and_not_stored(office):
    value = {"connector": "custify", "base_url": office.sandbox.url}
    found = ask(office, value, secret=office.sandbox.api_key).json()
    assert (found["ok"], found["dialect"], found["base_url"]) == (True, "native", office.sandbox.url)
    refused = ask(office, value, secret="wr0ng-k3y-of-mine")
    assert refused.json()["ok"] is False
    assert "wr0ng-k3y-of-mine" not in refused.text
    assert ask(office, value).json()["errors"][0]["code"] == "missing-key"
    assert ask(office, {"conector": "custify"}).status_code == 400
    assert [one["name"] for one in office.client.get("/credentials").json()["items"]] == ["acme"]
    assert b"wr0ng-k3y-of-mine" not in (office.folder / "state.db").read_bytes()


def test_a_sealed_key_is_not_sent_to_another_base_url(office):
    address = {"connector": "custify", "base_url": office.sandbox.url}
    assert office.client.post("/credentials", json={"name": "new", "value": address}).status_code == 201
    sealed = office.client.put("/credentials/new/secret", json={"secret": office.sandbox.api_key})
    assert sealed.status_code == 204
    assert ask(office, address).json()["ok"] is True
    elsewhere = {**address, "base_url": "http://127.0.0.1:9/api"}
    assert ask(office, elsewhere).json()["errors"][0]["code"] == "missing-key"
    assert office.client.delete("/credentials/new").status_code == 204


def test_the_sample_company_needs_an_empty_service(office):
    assert office.client.get("/demo").json() == {"loaded": False, "arrived": None}
    refused = office.client.post("/demo")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "not-empty")


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
