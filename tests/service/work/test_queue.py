"""A worker executes requested runs; runs in every state can be read, cancelled and resumed."""

import pytest
from pydantic import TypeAdapter

from penstock.model.errors import ConflictError, InputError
from penstock.model.runs import ProgressJson, RunFilter
from support.deadline import until
from support.service.applied_project import ended


def ask(app, target="it"):
    return app.work.enqueue(target, trigger="person:ada", asked_by="ada")


def test_a_requested_run_has_its_id_at_once_and_a_worker_executes_it(app, worker, sandbox):
    asked = ask(app)
    assert (asked["status"], asked["trigger"], asked["asked_by"], asked["started_at"]) == (
        "queued",
        "person:ada",
        "ada",
        None,
    )
    run = ended(app, asked["run"])
    assert (run["status"], run["records"]["delivered"]) == ("succeeded", 20)
    flow = ended(app, ask(app, "all")["run"])
    assert (flow["status"], flow["records"]["unchanged"], len(flow["destinations"])) == ("succeeded", 20, 1)
    assert len(sandbox.state()["people"]) == 20


def test_a_queued_run_is_not_requested_twice_and_can_be_cancelled(app):
    first = ask(app)
    assert ask(app)["run"] == first["run"]
    assert [run["run"] for run in app.work.runs(RunFilter(status="queued"))["items"]] == [first["run"]]
    assert app.work.cancel(first["run"], by="eve")["status"] == "cancelled"
    assert "eve" in app.work.run(first["run"])["reason"]
    with pytest.raises(ConflictError):
        app.work.cancel(first["run"], by="eve")
    assert ask(app)["run"] != first["run"]


def test_a_cancelled_run_is_resumed_as_the_same_run(app, worker, project, sandbox):
    project.people(400)
    sandbox.settings(latency=50)
    run = ask(app)["run"]
    until(lambda: app.work.run(run)["records"]["delivered"] > 10)
    progress, over = app.work.progress(run)
    assert (progress, over) == (TypeAdapter(ProgressJson).validate_python(progress), False), "the shape to its last key"
    follower = ask(app)["run"]
    assert follower != run, "what is asked for while it runs follows it"
    app.work.cancel(follower, by="ada")
    app.work.cancel(run, by="ada")
    stopped = ended(app, run)
    assert stopped["status"] == "cancelled"
    assert "ada" in stopped["reason"]
    assert 0 < stopped["records"]["delivered"] < 400
    sandbox.settings(latency=0)
    assert app.work.resume(run, asked_by="bob")["run"] == run
    whole = ended(app, run)
    assert (whole["status"], whole["trigger"], whole["records"]["delivered"]) == ("succeeded", "resume", 400)
    assert len(sandbox.state()["people"]) == 400
    with pytest.raises(ConflictError):
        app.work.resume(run, asked_by="bob")


def test_pausing_a_destination_stops_it(app, worker, project, sandbox):
    project.people(400)
    sandbox.settings(latency=50)
    run = ask(app)["run"]
    until(lambda: app.work.run(run)["records"]["delivered"] > 10)
    app.pause("it")
    stopped = ended(app, run)
    assert stopped["status"] == "cancelled"
    assert "paused" in stopped["reason"]
    with pytest.raises(InputError):
        ask(app)
    sandbox.settings(latency=0)
    app.activate("it")
    assert ask(app)["run"] == run
    assert ended(app, run)["records"]["delivered"] == 400


def test_pausing_a_flow_stops_its_run_and_the_next_run_continues_it(app, worker, project, sandbox):
    project.people(400)
    sandbox.settings(latency=50)
    run = ask(app, "all")["run"]
    until(lambda: app.work.run(run)["records"]["delivered"] > 10)
    app.work.pause_flow("all", by="ada")
    stopped = ended(app, run)
    assert (stopped["status"], stopped["records"]["unknown"]) == ("cancelled", 0)
    assert 10 < stopped["records"]["delivered"] < 400
    with pytest.raises(InputError, match="ada"):
        ask(app, "all")
    sandbox.settings(latency=0)
    app.work.resume_flow("all", by="ada")
    assert ask(app, "all")["run"] == run
    assert ended(app, run)["records"]["delivered"] == 400
    assert len(sandbox.state()["people"]) == 400


def test_a_run_that_cannot_start_fails_with_the_reason(app, worker, project):
    (project.folder / "people.csv").unlink()
    run = ended(app, ask(app)["run"])
    assert run["status"] == "failed"
    assert "people.csv" in run["reason"]
    assert app.work.runs(RunFilter(target="it", status="failed"))["items"][0]["run"] == run["run"]


def test_runs_come_a_page_at_a_time(app):
    asked = []
    for _ in range(5):
        asked.append(ask(app)["run"])
        app.work.cancel(asked[-1], by="ada")
    seen, cursor = [], None
    while True:
        page = app.work.runs(RunFilter(target="it"), limit=2, cursor=cursor)
        seen += [run["run"] for run in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(asked)
    with pytest.raises(InputError):
        app.work.runs(cursor="nonsense")
