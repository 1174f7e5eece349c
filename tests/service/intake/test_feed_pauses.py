"""A feed that cannot run: an error of a record quarantines the record; an error of the settings pauses the feed."""

import time

import pytest

from penstock.service.app import ServiceApp
from support.deadline import until
from support.service.applied_project import ENDED
from support.service.http_service import served, service

PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "{key}", base_url: "{url}", dialect: native}}
sources:
  app: {{type: webhook, auth: none, columns: {{id: text, email: text, amount: text}}, flush: {{records: 100, after: 50ms}}}}
datasets:
  people: {{source: app, key: id}}
  shaped: {{source: app, key: id, sql: "{sql}"}}
destinations:
  people: {{dataset: people, credential: acme, template: upsert_person, fields: {{user_id: id, email: email}}, active: {people}}}
  shaped: {{dataset: shaped, credential: acme, template: upsert_person, fields: {{user_id: id}}, active: {shaped}}}
"""
GOOD_SQL = "select id, email from source"


def project(sandbox, *, sql=GOOD_SQL, people="true", shaped="false", key=None):
    return PROJECT.format(key=key or sandbox.api_key, url=sandbox.url, sql=sql, people=people, shaped=shaped)


def arrived(sandbox):
    return {person.get("user_id") for person in sandbox.state()["people"]}


def working(app):
    worker = app.worker()
    worker.start()
    return worker


def run_list(client):
    return client.get("/api/v1/runs?limit=50").json()["items"]


@pytest.mark.parametrize(
    "bad",
    [
        '{"id":"bad","user.name":"x"}',
        '{"id":"bad","":"x"}',
        '{"id":"bad","$x":1}',
        '{"id":"bad","123":true}',
        '{"other":"no key at all"}',
    ],
)
def test_a_record_with_an_invalid_attribute_name_is_quarantined_and_the_others_are_sent(tmp_path, sandbox, bad):
    with service(tmp_path, project(sandbox)) as (app, client):
        worker = working(app)
        try:
            client.post("/hooks/app", content=bad).raise_for_status()
            client.post("/hooks/app", json=[{"id": "good", "email": "g@x.example"}]).raise_for_status()
            until(lambda: "good" in arrived(sandbox))
            client.post("/hooks/app", json=[{"id": "later"}]).raise_for_status()
            until(lambda: "later" in arrived(sandbox))
            (in_quarantine,) = client.get("/api/v1/quarantine").json()["items"]
            assert in_quarantine["outcome"] == "quarantined"
            assert arrived(sandbox) == {"good", "later"}
            assert client.get("/readyz").status_code == 200
        finally:
            worker.stop()


def test_a_credential_without_its_variable_pauses_the_feed_and_is_reported_once(tmp_path, sandbox):
    text = project(sandbox, key="${env:ACME_KEY}")
    with service(tmp_path, text) as (app, client):
        worker = working(app)
        try:
            client.post("/hooks/app", json={"id": "u1"}).raise_for_status()
            paused = until(lambda: client.get("/api/v1/sources/app/hook").json()["paused"])
            until(lambda: client.get("/api/v1/sources/app/hook").json()["paused"][0]["failures"] >= 2)
            assert paused[0]["target"] == "people"
            assert "ACME_KEY" in paused[0]["reason"]
            runs = run_list(client)
            assert [(run["status"], run["run"]) for run in runs] == [("failed", paused[0]["run"])]
            refused = until(lambda: (reply := client.get("/readyz")).status_code == 503 and reply)
            assert [problem["code"] for problem in refused.json()["errors"]] == ["feed-paused"]
            app.watch.tick()
            raised = [alert for alert in client.get("/api/v1/alerts").json()["items"] if alert["state"] == "raised"]
            assert [alert["subject"] for alert in raised] == ["people"]
            assert "ACME_KEY" in raised[0]["reason"]
        finally:
            worker.stop()
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with (
        ServiceApp.open_applied(url, environ={"ACME_KEY": sandbox.api_key}) as again,
        served(again, without_sign_in=True) as client,
    ):
        worker = working(again)
        try:
            until(lambda: "u1" in arrived(sandbox))
            until(lambda: client.get("/readyz").status_code == 200)
            assert client.get("/api/v1/sources/app/hook").json()["paused"] == []
        finally:
            worker.stop()


def test_a_paused_feed_is_tried_at_once_after_an_edit(tmp_path, sandbox):
    with service(
        tmp_path, project(sandbox, people="false", shaped="true", sql="select id, nothing(email) from source")
    ) as pair:
        app, client = pair
        worker = working(app)
        try:
            client.post("/hooks/app", json={"id": "u1", "email": "a@x.example"}).raise_for_status()
            first = until(lambda: client.get("/api/v1/sources/app/hook").json()["paused"])[0]
            until(lambda: client.get("/api/v1/sources/app/hook").json()["paused"][0]["failures"] >= 3)
            assert len(run_list(client)) == 1
            assert "nothing" in first["reason"]
            began = time.monotonic()
            value = {"source": "app", "key": "id", "sql": GOOD_SQL}
            client.put("/api/v1/datasets/shaped", json=value).raise_for_status()
            until(lambda: "u1" in arrived(sandbox))
            assert time.monotonic() - began < 8, "the pause of 8 seconds did not have to pass"
        finally:
            worker.stop()


CAST = "select id, email, amount::integer as seats from source"


def test_a_record_with_which_the_sql_fails_is_quarantined_and_can_be_corrected(tmp_path, sandbox):
    with service(tmp_path, project(sandbox, people="false", shaped="true", sql=CAST)) as (app, client):
        worker = working(app)
        try:
            good = [{"id": f"u{number}", "amount": str(number)} for number in range(40)]
            bad = [
                {"id": "bad", "email": "b@x.example", "amount": "many"},
                {"id": "Bad", "ID": "x"},
                {"id": "e", "": 1},
            ]
            client.post("/hooks/app", json=[*good[:20], *bad, *good[20:]]).raise_for_status()
            until(lambda: arrived(sandbox) == {record["id"] for record in good})
            client.post("/hooks/app", json={"id": "later", "amount": "7"}).raise_for_status()
            until(lambda: "later" in arrived(sandbox) and not worker.is_busy())
            in_quarantine = client.get("/api/v1/quarantine").json()["items"]
            assert len(in_quarantine) == 3
            assert client.get("/readyz").status_code == 200
            (cast,) = [each for each in in_quarantine if "many" in each["reason"]]
            shown = client.get(f"/api/v1/quarantine/{cast['id']}").json()
            assert shown["record"] == bad[0]
            until(lambda: all(run["status"] in ENDED for run in client.get("/api/v1/runs").json()["items"]))
            app.edit(cast["id"], changes={"amount": "12"})
            reports = app.resend([cast["id"]])
            assert [report.status for report in reports] == ["succeeded"]
            corrected = {person["user_id"]: person for person in sandbox.state()["people"]}["bad"]
            assert corrected["custom_attributes"]["seats"] == 12
        finally:
            worker.stop()


@pytest.mark.parametrize("flow", [False, True])
def test_the_retries_of_a_pause_share_one_entry_of_the_list(tmp_path, sandbox, flow):
    text = project(sandbox, shaped="true") + ("flows: {both: {destinations: [people, shaped]}}\n" if flow else "")
    target = "both" if flow else "people"
    with service(tmp_path, text) as (app, client):
        if not flow:
            client.post("/api/v1/destinations/shaped/pause").raise_for_status()
        worker = working(app)
        try:
            sandbox.fault(status=401)
            client.post("/hooks/app", json={"id": "u1", "email": "a@x.example"}).raise_for_status()
            seen = []

            def failed_thrice():
                seen.append([run["run"] for run in run_list(client)])
                paused = client.get("/api/v1/sources/app/hook").json()["paused"]
                return bool(paused) and paused[0]["failures"] >= 3

            until(failed_thrice)
            assert max(map(len, seen)) == 1
            assert len({run for runs in seen for run in runs}) == 1
            run = until(lambda: (last := run_list(client)[0])["status"] == "failed" and last)
            assert (run["run"], run["requests"]) == (seen[-1][0], 1)
            sent = f"/api/v1/runs/{run['run']}/deliveries"
            until(lambda: [request["status"] for request in client.get(sent).json()["items"]] == [401])
            counted = [line for line in client.get("/metrics").text.splitlines() if 'status="failed"' in line]
            (tries,) = [float(line.rsplit(" ", 1)[1]) for line in counted if f'target="{target}"' in line]
            assert tries >= 3, "what was counted stays counted"
            assert run["records"]["read"] == run["records"]["unsent"] >= 1

            sandbox.clear_faults()
            until(lambda: "u1" in arrived(sandbox))
            until(lambda: run_list(client)[0]["status"] == "succeeded")
            (again,) = run_list(client)
            assert again["run"] == run["run"]
            records = client.get(f"/api/v1/runs/{run['run']}/records").json()["items"]
            assert [record["outcome"] for record in records] == ["delivered"] * (2 if flow else 1)
            assert len(again.get("destinations", ())) == (2 if flow else 0)
        finally:
            worker.stop()


def test_a_run_by_a_person_during_a_pause_has_its_own_entry(tmp_path, sandbox):
    with service(tmp_path, project(sandbox)) as (app, client):
        worker = working(app)
        try:
            sandbox.fault(status=401)
            client.post("/hooks/app", json={"id": "u1"}).raise_for_status()
            first = until(lambda: client.get("/api/v1/sources/app/hook").json()["paused"])[0]["run"]
            own = client.post("/api/v1/runs", json={"target": "people"}).json()["run"]
            until(lambda: client.get(f"/api/v1/runs/{own}").json()["status"] == "failed")
            assert {first, own} <= {run["run"] for run in run_list(client)}
        finally:
            worker.stop()


OPTIONAL = "select id, email, lower(plan) as plan, seats::integer as seats from source where country is null or country <> 'xx'"


def test_columns_that_the_sql_names_and_no_record_has_yet_are_null(tmp_path, sandbox):
    with service(tmp_path, project(sandbox, people="false", shaped="true", sql=OPTIONAL)) as (app, client):
        worker = working(app)
        try:
            client.post("/hooks/app", json={"id": "u1", "email": "a@x.example"}).raise_for_status()
            until(lambda: arrived(sandbox) == {"u1"})
            assert client.get("/api/v1/sources/app/hook").json()["paused"] == []
            run = until(lambda: (last := run_list(client)[0])["status"] == "succeeded" and last)
            noted = {note["field"] for note in run["notes"] if note["action"] == "not seen yet"}
            assert noted == {"plan", "seats", "country"}

            client.post("/hooks/app", json=[{"id": "u2", "plan": "GOLD", "seats": 3}, {"id": "u3", "country": "xx"}])
            client.post("/hooks/app", json={"id": "u4"}).raise_for_status()
            until(lambda: "u4" in arrived(sandbox))
            people = {person["user_id"]: person for person in sandbox.state()["people"]}
            assert people.keys() == {"u1", "u2", "u4"}
            assert people["u2"]["custom_attributes"] == {"plan": "gold", "seats": 3}
            assert not people["u4"].get("custom_attributes")
            last = until(lambda: (last := run_list(client)[0])["status"] == "succeeded" and last)
            assert not [note for note in last["notes"] if note["action"] == "not seen yet"]
            assert client.get("/readyz").status_code == 200
        finally:
            worker.stop()


@pytest.mark.parametrize(
    "use", ["seats * 2", "seats + 1 > 3", "traits->>'plan'", "date_trunc('day', seen_at)", "not off"]
)
def test_a_column_without_a_value_fits_its_use_in_the_sql(tmp_path, sandbox, use):
    sql = f"select id, {use} as made from source"
    with service(tmp_path, project(sandbox, people="false", shaped="true", sql=sql)) as (app, client):
        worker = working(app)
        try:
            client.post("/hooks/app", json={"id": "u1"}).raise_for_status()
            until(lambda: arrived(sandbox) == {"u1"})
            assert client.get("/readyz").status_code == 200
        finally:
            worker.stop()
