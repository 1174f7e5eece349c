"""A worker exports the ledger after a run, as a command does, but only to where a service may write."""

from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from support.deadline import until
from support.service.applied_project import ended


@contextmanager
def worker_of(project, target):
    file = project.folder / "penstock.yaml"
    file.write_text(f"ledger_to: {target}\n{file.read_text()}")
    project.apply_file()
    with project.open() as app:
        worker = app.worker()
        worker.start()
        try:
            yield app
        finally:
            worker.stop()


def executed(app):
    asked = app.work.enqueue("all", trigger="person:ada", asked_by="ada")
    return ended(app, asked["run"])


def test_a_worker_exports_the_runs_that_it_executed(project):
    with worker_of(project, "{path: ledger/}") as app:
        run = executed(app)
        parts = [part["run"] for part in run["destinations"]]
        for each in (run["run"], *parts):
            until(Path(f"ledger/runs/run={each}/part.parquet").exists)
        assert pq.read_table(f"ledger/records/run={parts[0]}/part.parquet").num_rows == 20


def test_a_worker_does_not_write_outside_of_its_folders(project, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "ledger"
    with worker_of(project, f'{{path: "{outside}"}}') as app:
        run = executed(app)["run"]
        [note] = until(lambda: app.work.run(run)["notes"])
        assert (note["field"], note["action"]) == ("ledger_to", "not exported")
        assert "PENSTOCK_FILE_ROOTS" in note["reason"]
        assert app.work.run(run)["status"] == "succeeded"
    assert not outside.exists()
