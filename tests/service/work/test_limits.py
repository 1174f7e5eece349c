"""A requested run with a limit: who executes it later, and which requests it serves."""

import pytest

from penstock.model.errors import ConflictError
from support.deadline import until
from support.service.applied_project import ended


def _ask(app, limit=None):
    return app.work.enqueue("it", trigger="person:ada", asked_by="ada", limit=limit)["run"]


def test_a_limit_is_kept_until_another_process_executes_the_run(project):
    with project.open() as app:  # without a worker
        run = _ask(app, 3)
        assert _ask(app, 3) == run
        for other, sends in ((None, "at most 3 of its records"), (4, "at most 3 of its records")):
            with pytest.raises(ConflictError, match=f"{run} is queued and sends {sends}"):
                _ask(app, other)
    with project.open() as app:
        worker = app.worker()
        worker.start()
        found = ended(app, run)
        whole = ended(app, _ask(app))
        worker.stop()
    assert (found["limit"], found["records"]["delivered"], found["records"]["unsent"]) == (3, 3, 17)
    assert whole["records"]["delivered"] == 17


def test_a_run_of_all_records_is_not_what_was_requested_with_a_limit(project):
    with project.open() as app:
        run = _ask(app)
        with pytest.raises(ConflictError, match=f"{run} is queued and sends all records"):
            _ask(app, 3)


def test_a_resumed_run_keeps_its_limit(project, sandbox):
    project.apply(destination="concurrency: 1")
    sandbox.settings(latency=2000)
    with project.open() as app:
        worker = app.worker()
        worker.start()
        run = _ask(app, 3)
        until(lambda: app.work.progress(run)[0].get("phase") == "sending")
        app.work.cancel(run, by="ada")
        sandbox.settings(latency=0)
        assert ended(app, run)["status"] == "cancelled"
        assert app.work.resume(run, asked_by="ada")["run"] == run
        found = until(lambda: (now := app.work.run(run))["status"] in ("succeeded", "partial") and now)
        worker.stop()
    assert (found["limit"], found["records"]["unsent"]) == (3, 17)
