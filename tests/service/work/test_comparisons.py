"""Comparisons with Custify in the queue: beside the runs, cancelled, resumed, and continued after a restart."""

import pytest

from support.deadline import until
from support.service.applied_project import Applied, ended

DESTINATIONS = ("it", "b", "c", "d", "e")
PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:KEY}}", base_url: "{base}", rate_limit: {{requests: 10000, per: 1s}}}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  data: {{source: file, key: id}}
destinations:
"""
DESTINATION = """\
  {name}: {{dataset: data, credential: sandbox, template: upsert_person, fields: {{user_id: id}}, attributes: none, active: true}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch, sandbox):
    monkeypatch.chdir(tmp_path)
    made = Applied(tmp_path, f"sqlite:///{tmp_path / 'state.db'}", sandbox)
    made.people(3)
    destinations = "".join(DESTINATION.format(name=name) for name in DESTINATIONS)
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(base=sandbox.url) + destinations)
    made.apply_file()
    return made


def compare(app, name="it", *, fix=False):
    return app.reconciliations.request(name, fix=fix, asked_by="ada")["run"]


def run(app, *names):
    runs = [app.work.enqueue(name, trigger="person:ada", asked_by="ada")["run"] for name in names]
    assert [ended(app, each)["status"] for each in runs] == ["succeeded"] * len(names)


def delay_reads(sandbox, times):
    sandbox.fault(slow="60s", times=times, method="GET", path="/people/all")


def reading(sandbox, number=1):
    """Wait until so many comparisons wait for a page."""
    until(lambda: sum(each["fired"] for each in sandbox.faults()) >= number)


def test_comparisons_delay_no_run_of_their_destination_or_of_others(app, worker, sandbox):
    delay_reads(sandbox, 9)
    comparisons = [compare(app, name, fix=name == "b") for name in DESTINATIONS]
    reading(sandbox, 2)
    run(app, *DESTINATIONS)
    for name in comparisons:
        app.work.cancel(name, by="ada")
    assert {ended(app, name)["status"] for name in comparisons} == {"cancelled"}


def test_a_comparison_that_is_cancelled_is_resumed_as_the_same_run(app, worker, sandbox):
    run(app, "it")
    delay_reads(sandbox, 1)
    name = compare(app)
    reading(sandbox)
    app.work.cancel(name, by="ada")
    assert ended(app, name)["reason"] == "stopped by ada"
    assert app.work.resume(name, asked_by="ada")["status"] == "queued"
    assert ended(app, name)["status"] == "succeeded"
    assert app.reconciliations.last("it")["run"] == name


@pytest.mark.parametrize("fix", [False, True], ids=["comparison", "fix"])
def test_a_comparison_continues_after_a_restart_of_the_service(project, sandbox, fix):
    with project.open() as app:
        first = app.worker()
        first.start()
        run(app, "it")
        delay_reads(sandbox, 1)
        name = compare(app, fix=fix)
        reading(sandbox)
        first.stop()
        assert app.work.run(name)["status"] == "queued"
    with project.open() as app:
        second = app.worker()
        second.start()
        assert ended(app, name)["status"] == "succeeded"
        second.stop()
    assert app.reconciliations.last("it")["run"] == name
