"""The overview, the statistics and the search over HTTP."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import event

from penstock.service.app import ServiceApp


@pytest.fixture(scope="module")
def run(office):
    """A run that sent two records and quarantined one."""
    found = office.run("it")
    assert found["status"] == "partial", found
    return found


def test_the_overview_has_edges_from_sources_to_credentials(office, run):
    shown = office.client.get("/overview").json()
    nodes = {node["id"]: node for node in shown["nodes"]}
    edges = {(edge["from"], edge["to"]) for edge in shown["edges"]}
    assert edges >= {
        ("sources/crm", "datasets/people"),
        ("datasets/people", "destinations/it"),
        ("destinations/it", "credentials/acme"),
        ("destinations/it", "sources/it.responses"),
        ("flows/nightly", "destinations/it"),
    }
    assert {end for edge in edges for end in edge} <= nodes.keys()
    it = nodes["destinations/it"]
    newest = office.client.get("/runs", params={"target": "it"}).json()["items"][0]
    assert (it["state"]["state"], it["state"]["held"]) == ("active", 1)
    assert it["state"]["last_run"]["run"] == newest["run"] >= run["run"]
    assert nodes["datasets/people"]["state"]["records"] == 3
    assert nodes["sources/push"]["type"] == "webhook"


AUTO = """\
credentials:
  acme: {connector: custify, api_key: "${env:KEY}", base_url: auto}
sources:
  crm: {type: file, path: people.csv}
datasets:
  people: {source: crm, key: id}
destinations:
  it: {dataset: people, credential: acme, template: upsert_person, fields: {user_id: id}, active: true}
"""


def test_an_overview_has_one_connection_at_a_time(tmp_path):
    """Else many at once take all connections of a pool, and each waits for one more."""
    (tmp_path / "penstock.yaml").write_text(AUTO, encoding="utf-8")
    (tmp_path / "people.csv").write_text("id\n1\n", encoding="utf-8")
    url = f"sqlite:///{tmp_path}/state.db"
    with ServiceApp.open(tmp_path / "penstock.yaml", url, environ={"KEY": "key-of-a-test"}) as app:
        pool, most = app._ctx.database.engine.pool, 0

        def count(*_):
            nonlocal most
            most = max(most, pool.checkedout())

        event.listen(pool, "checkout", count)
        states = {node["id"]: node["state"] for node in app.project_overview.overview()["nodes"]}
    assert (states["destinations/it"]["read_back"], states["credentials/acme"]["dialect"]) == ("flat", "flat")
    assert most == 1


def test_a_current_overview_returns_304(office, run):
    first = office.client.get("/overview")
    again = office.client.get("/overview", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert office.client.get("/overview", headers={"If-None-Match": '"another"'}).json() == first.json()
    office.client.post("/destinations/it/pause").raise_for_status()
    try:
        paused = office.client.get("/overview", headers={"If-None-Match": first.headers["ETag"]})
        assert paused.status_code == 200
        states = {node["id"]: node["state"] for node in paused.json()["nodes"]}
        assert states["destinations/it"]["state"] == "paused"
    finally:
        office.client.post("/destinations/it/activate").raise_for_status()


def test_the_statistics_add_up_to_the_runs(office, run):
    shown = office.client.get("/stats", params={"hours": 24, "destination": "it"}).json()
    totals = {name: sum(bucket[name] for bucket in shown["buckets"]) for name in ("delivered", "quarantined")}
    runs = office.client.get("/runs", params={"target": "it"}).json()["items"]
    assert run["run"] in {each["run"] for each in runs}
    assert totals == {name: sum(each["records"][name] for each in runs) for name in totals}
    assert totals["delivered"] == 2
    assert sum(bucket["requests"] for bucket in shown["buckets"]) == sum(each["requests"] for each in runs)
    assert [bucket["p50_ms"] for bucket in shown["buckets"] if bucket["requests"]] != [None]
    assert len(shown["buckets"]) == 25
    assert shown["budget"][0]["credential"] == "acme"
    assert office.client.get("/stats", params={"destination": "draft"}).json()["buckets"][-1]["delivered"] == 0
    assert office.client.get("/stats", params={"destination": "nobody"}).status_code == 404


@pytest.mark.parametrize(("hours", "minutes"), [(1, 5), (24 * 30, 24 * 60)])
def test_the_statistics_of_short_and_long_periods(office, run, hours, minutes):
    shown = office.client.get("/stats", params={"hours": hours}).json()
    assert shown["minutes"] == minutes
    assert sum(bucket["delivered"] for bucket in shown["buckets"]) == 2


def test_the_search_finds_resources_runs_and_records(office, run):
    def found(words):
        return {(one["kind"], one["path"]) for one in office.client.get("/search", params={"q": words}).json()["items"]}

    assert ("destination", "/destinations/draft") in found("DRA")
    assert ("flow", "/flows/nightly") in found("night")
    assert ("run", f"/runs/{run['run']}") in found(run["run"][-6:])
    assert ("run", f"/runs/{run['run']}") in found("u1")
    assert {kind for kind, _ in found("u3")} >= {"quarantine"}
    assert found("100%_nothing") == set()


def strict(schema: Any) -> Any:
    """The schema, with objects that have no other keys."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if "properties" in schema and "additionalProperties" not in schema else {}
    return {**{name: strict(part) for name, part in schema.items()}, **more}


@pytest.fixture(scope="module")
def answers(office):
    """The schema of each route's replies, by its path."""
    document = strict(office.client.get("/openapi.json").json())
    parts = {"components": document["components"]}
    return {
        path: Draft202012Validator(
            {**parts, **methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]}
        )
        for path, methods in document["paths"].items()
        if "application/json" in methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
    }


def test_responses_match_their_models_exactly(office, run, answers):
    whole, entry = office.run("nightly"), office.app.quarantine()[0].id
    office.client.post("/credentials/acme/check", json={}).raise_for_status()
    kinds = ("credentials", "sources", "datasets", "destinations", "flows")
    asked = [
        ("/overview", {}, {}),
        ("/stats", {}, {"hours": 720}),
        *(("/search", {}, {"q": words}) for words in ("u", run["run"], "it")),
        *(("/{kind}", {"kind": kind}, {}) for kind in kinds),
        ("/{kind}/{name}", {"kind": "flows", "name": "nightly"}, {}),
        ("/sources/{name}/hook", {"name": "push"}, {}),
        ("/responses/{destination}", {"destination": "it"}, {}),
        ("/destinations/{name}/plan", {"name": "it"}, {}),
        ("/flows/{name}/plan", {"name": "nightly"}, {}),
        ("/runs", {}, {}),
        ("/runs", {}, {"target": "it"}),
        ("/quarantine", {}, {}),
        ("/quarantine/groups", {}, {}),
        ("/quarantine/{entry}", {"entry": entry}, {}),
    ]
    for of in (run, whole):
        name = {"run": of["run"]}
        asked += [("/runs/{run}", name, {}), ("/runs/{run}/deliveries", name, {}), ("/runs/{run}/records", name, {})]
    (first, *_) = office.client.get(f"/runs/{run['run']}/deliveries").json()["items"]
    asked.append(("/runs/{run}/deliveries/{delivery}", {"run": run["run"], "delivery": first["delivery"]}, {}))
    for path, names, query in asked:
        found = office.client.get(path.format(**names), params=query)
        assert found.status_code == 200, found.text
        assert list(answers[f"/api/v1{path}"].iter_errors(found.json())) == [], (path, names, query)
        assert found.headers["content-type"] == "application/json"


def test_the_states_of_flows_and_webhook_sources(office, run):
    state = office.client.get("/flows/nightly").json()["state"]
    assert state["next_at"] is not None
    assert state["paused"] is False
    assert office.client.post("/flows/nightly/pause").status_code == 204
    state = office.client.get("/flows/nightly").json()["state"]
    assert (state["next_at"], state["paused"]) == (None, True)
    assert office.client.post("/flows/nightly/resume").status_code == 204
    hook = office.client.get("/sources/push").json()["state"]["hook"]
    assert (hook["url"], hook["received"]) == ("/hooks/push", 0)
    assert hook["auth"]["has_secret"] is False


def test_replies_are_listed_newest_first(office):
    office.run("it")
    first = office.client.get("/responses/it", params={"limit": 1}).json()
    second = office.client.get("/responses/it", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]
    assert first["items"][0]["response"]["status"] in {200, 201}
    assert office.client.get("/responses/nobody").status_code == 404
