"""A service's flow with an error in one destination: each day's data of the others arrives, and each run is a new one."""

import json

from support.service.applied_project import ended

MORE = """\
  events:
    {dataset: events, credential: sandbox, template: insert_event, active: true, exclude: [rid]}
"""
EVENT = "rid,name,created_at,user_id\n{n},login,2026-01-01T00:00:00Z,u0\n"


def run_of(app) -> dict:
    return ended(app, app.work.enqueue("both", trigger="schedule", asked_by="test")["run"])


def test_each_days_data_arrives_despite_an_error_of_another_destination(project, sandbox):
    events = project.folder / "events.csv"
    events.write_text(EVENT.format(n=1))
    text = (project.folder / "penstock.yaml").read_text()
    sources = "  e: {type: file, path: events.csv}\ndatasets:\n  events: {source: e, key: rid}\n"
    text = text.replace("datasets:\n", sources).replace(
        "flows:\n", f"{MORE}flows:\n  both: {{destinations: [it, events]}}\n"
    )
    (project.folder / "penstock.yaml").write_text(text)
    project.apply_file()
    with project.open() as app:
        worker = app.worker()
        worker.start()
        try:
            assert run_of(app)["status"] == "succeeded"
            events.unlink()
            failed = []
            for day in (2, 3):
                project.people(3, mark=f" of day {day}")
                run = run_of(app)
                failed.append(run["run"])
                assert (run["status"], run["records"]["delivered"]) == ("failed", 3), json.dumps(run)
                by_name = {part["destination"]: part for part in run["destinations"]}
                assert (by_name["it"]["status"], by_name["events"]["status"]) == ("succeeded", "failed")
                assert "events.csv" in by_name["events"]["reason"]
                assert [problem["code"] for problem in by_name["events"]["errors"]] == ["missing-file"]
                assert "errors" not in by_name["it"].keys() | run.keys()
                assert by_name["events"]["finished_at"] >= by_name["events"]["started_at"]
                assert sum(person["name"].endswith(f"day {day}") for person in sandbox.state()["people"]) == 3
            assert all("errors" not in run for run in app.work.runs()["items"])  # lists have the reason
            alone = ended(app, app.work.enqueue("events", trigger="schedule", asked_by="test")["run"])
            assert [problem["code"] for problem in alone["errors"]] == ["missing-file"]
            events.write_text(EVENT.format(n=4))
            project.people(3, mark=" of day 4")
            run = run_of(app)
            assert (run["status"], len(sandbox.state()["events"])) == ("succeeded", 2)
            assert len({run["run"], *failed}) == 3
            assert sum(person["name"].endswith("day 4") for person in sandbox.state()["people"]) == 3
        finally:
            worker.stop()
