"""A run is stored unchanged, and found by the command that continues it."""

from dataclasses import replace

from penstock.model.outcome import Counts, Note
from penstock.store.runs import runs
from penstock.store.runs.runs import RunRow

FULL = RunRow(
    id="r-2",
    kind="destination",
    target="people",
    started_at="2026-01-31T12:00:00.000Z",
    status="partial",
    parent="r-1",
    resumable=False,
    counts=Counts(8, 1, 1, 1, 1, 1, 1, 2),
    deleted=3,
    requests=4,
    retries=5,
    duration_s=6.5,
    notes=(Note("due_date", "not sent", "no home in the API", 7),),
    skipped={"tasks": "a draft"},
    position=8,
    input_identity="sha:1",
    input_rows=9,
    frozen="/tmp/x.arrow",
    window={"from": "a", "to": [1, None]},
    settings="s1",
    holder="process 1",
    reason="the fuse",
    finished_at="2026-01-31T12:01:00.000Z",
)


def row(run, target="people", **changes):
    return RunRow(run, changes.pop("kind", "destination"), target, f"2026-01-31T12:00:00.{run[2:]:0>3}Z", **changes)


def test_a_stored_run_is_read_back_unchanged(database):
    with database.begin() as conn:
        runs.start(conn, FULL)
        assert runs.get(conn, "r-2") == FULL
        changed = replace(FULL, position=9, window=None, notes=())
        runs.save(conn, changed)
        assert runs.get(conn, "r-2") == changed
        assert runs.get(conn, "r-3") is None


def test_a_run_does_not_end_before_its_start_if_the_clock_was_set_back(database):
    begun = row("r-1")
    with database.begin() as conn:
        runs.start(conn, begun)
        runs.finish(conn, begun, "failed", "2026-01-31T11:59:59.000Z")
        assert runs.get(conn, "r-1").finished_at == begun.started_at


def test_only_the_newest_run_is_continued_and_only_if_it_is_resumable(database):
    with database.begin() as conn:
        assert runs.unfinished(conn, "people") is None
        for run in (
            row("r-1"),
            row("r-2"),
            row("r-3", "companies"),
            row("r-4", kind="flow", holder="process 1"),
            row("r-5", kind="test"),
        ):
            runs.start(conn, run)
        assert runs.unfinished(conn, "people").id == "r-2"
        assert runs.unfinished(conn, "people", "flow").id == "r-4"
        cancelled = runs.finish(conn, row("r-2", holder="me"), "cancelled", "now", resumable=True)
        assert (cancelled.status, cancelled.finished_at, cancelled.holder) == ("cancelled", "now", None)
        assert runs.unfinished(conn, "people") == cancelled
        runs.finish(conn, cancelled, "succeeded", "later")
        assert runs.unfinished(conn, "people") is None  # the older one is not continued either


def test_runs_are_listed_newest_first_and_flows_with_their_parts(database):
    with database.begin() as conn:
        for run in (row("r-1"), row("r-2", "nightly", kind="flow"), row("r-3", parent="r-2"), row("r-4", parent="r-2")):
            runs.start(conn, run)
        assert [run.id for run in runs.list_runs(conn)] == ["r-2", "r-1"]
        assert [run.id for run in runs.list_runs(conn, 1)] == ["r-2"]
        report = runs.to_report(runs.get(conn, "r-2"), runs.children(conn, "r-2"))
    assert (report.flow, report.destination) == ("nightly", None)
    assert [(part.run, part.destination) for part in report.destinations] == [("r-3", "people"), ("r-4", "people")]
