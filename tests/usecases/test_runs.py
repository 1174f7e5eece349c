"""Runs as reports: a flow's run that has not ended has the sums of its parts."""

from types import SimpleNamespace

import pytest

from penstock.model.outcome import Counts
from penstock.model.runs import TOTALS, totals_of
from penstock.store.database import Database
from penstock.store.runs import runs as run_rows
from penstock.store.runs.runs import RunRow
from penstock.usecases.runs import reports

PARTS = [
    RunRow(
        f"r-{number}",
        "destination",
        target,
        f"2026-01-31T12:00:0{number}Z",
        parent="r-1",
        counts=Counts(read=number, delivered=number),
        deleted=number,
        requests=10 * number,
        retries=100 * number,
        duration_s=0.5 * number,
    )
    for number, target in ((2, "companies"), (3, "people"))
]


@pytest.fixture
def ctx(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield SimpleNamespace(database=database)
    database.close()


def test_a_flow_that_still_runs_has_all_totals_of_its_parts(ctx):
    flow = RunRow("r-1", "flow", "nightly", "2026-01-31T12:00:01Z")
    with ctx.database.begin() as conn:
        for row in (flow, *PARTS):
            run_rows.start(conn, row)
    with ctx.database.read() as conn:
        [report] = reports(ctx, conn, [flow])
    assert set(TOTALS) == {"deleted", "requests", "retries", "duration_s"}
    assert totals_of(report) == {"deleted": 5, "requests": 50, "retries": 500, "duration_s": 2.5}
    assert report.records == Counts(read=5, delivered=5)
    assert [part.run for part in report.destinations] == ["r-2", "r-3"]
