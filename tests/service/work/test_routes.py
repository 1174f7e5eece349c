"""Runs over HTTP: live progress, requests, records, and the records as a file."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from support.service.applied_project import ended, serving


@pytest.fixture
def client(app):
    with serving(app) as made:
        yield made


def events(client, run):
    """Every event of a run until its end: (name, data)."""
    received = []
    with client.stream("GET", f"/runs/{run}/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        for line in reply.iter_lines():
            if line.startswith("event: "):
                received.append((line.removeprefix("event: "), None))
            elif line.startswith("data: "):
                received[-1] = (received[-1][0], json.loads(line.removeprefix("data: ")))
    return received


def every(client, path, **parameters):
    items, cursor = [], None
    while True:
        page = client.get(path, params={**parameters, **({} if cursor is None else {"cursor": cursor})}).json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def test_progress_is_streamed_until_the_end(client, worker, project, sandbox):
    project.people(200)
    sandbox.settings(latency=100)
    asked = client.post("/runs", json={"target": "it"})
    assert asked.status_code == 202
    run = asked.json()["run"]
    *progress, last = events(client, run)
    assert {name for name, _ in progress} == {"progress"}
    running = [data for _, data in progress if data["status"] == "running" and data["records"]["delivered"] > 0]
    assert running, progress
    assert running[-1]["total"] == 200
    assert any(data["rate_per_s"] > 0 for data in running)
    counts = [data["records"]["delivered"] for data in running]
    assert counts == sorted(counts)
    assert last == ("end", client.get(f"/runs/{run}").json())
    assert last[1]["records"]["delivered"] == 200
    assert events(client, run) == [last], "who comes later hears the end at once"


def test_every_request_and_record_of_a_run_can_be_read(app, client, worker, project, sandbox):
    project.people(30, mark="!")
    (project.folder / "people.csv").open("a").write("broken,No Mail,not-an-address\n")
    sandbox.fault(status=422, path="/people", times=3)
    run = client.post("/runs", json={"target": "it"}).json()["run"]
    whole = ended(app, run)
    records = every(client, f"/runs/{run}/records", limit=7)
    assert len(records) == whole["records"]["read"] == 31
    assert len({record["ordinal"] for record in records}) == 31
    for outcome in ("delivered", "quarantined"):
        found = every(client, f"/runs/{run}/records", outcome=outcome, limit=2)
        assert len(found) == whole["records"][outcome] > 0
        assert {record["outcome"] for record in found} == {outcome}
    requests = every(client, f"/runs/{run}/deliveries", limit=4)
    assert len({request["delivery"] for request in requests}) == len(requests) >= 30
    refused = every(client, f"/runs/{run}/deliveries", outcome="quarantined")
    assert len(refused) == 3
    one = client.get(f"/runs/{run}/deliveries/{refused[0]['delivery']}").json()
    assert one["response"]["status"] == 422
    assert json.loads(one["request"]["body"])["user_id"] == refused[0]["records"][0]
    assert project.sandbox.api_key not in json.dumps(one)

    rows = list(csv.DictReader(io.StringIO(client.get(f"/runs/{run}/records/export").text)))
    assert [row["key"] for row in rows] == [record["key"] for record in records]
    table = pq.read_table(io.BytesIO(client.get(f"/runs/{run}/records/export?format=parquet").content))
    assert table["outcome"].to_pylist() == [record["outcome"] for record in records]

    flow = client.post("/runs", json={"target": "all"}).json()["run"]
    ended(app, flow)
    assert len(every(client, f"/runs/{flow}/records")) == 31


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/runs/r-0", 404),
        ("/runs/r-0/events", 404),
        ("/runs/r-0/records", 404),
        ("/runs/r-0/records/export", 404),
        ("/runs/r-0/deliveries", 404),
        ("/runs/r-0/deliveries/x", 404),
        ("/runs?cursor=x", 400),
        ("/runs?limit=0", 400),
    ],
)
def test_unknown_ids_are_404(client, path, status):
    reply = client.get(path)
    assert reply.status_code == status
    assert reply.json()["errors"][0]["message"]


def test_the_next_times_of_an_unsaved_schedule(client):
    asked = client.get("/schedules/next", params={"schedule": "30 2 * * *", "timezone": "Europe/Berlin", "count": 3})
    times = asked.json()["times"]
    assert len(times) == 3
    assert times == sorted(times)
    assert all(moment[14:16] == "30" for moment in times)
    assert client.get("/schedules/next", params={"schedule": "on new data"}).json() == {"times": [], "errors": []}
    (wrong,) = client.get("/schedules/next", params={"schedule": "0 25 * * *"}).json()["errors"]
    assert (wrong["path"], wrong["code"]) == ("schedule", "bad-schedule")
    (zone,) = client.get("/schedules/next", params={"schedule": "0 2 * * *", "timezone": "Nowhere"}).json()["errors"]
    assert zone["path"] == "timezone"
