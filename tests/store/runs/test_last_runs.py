"""The newest runs of many destinations, found together, equal those found one by one."""

from dataclasses import replace

from penstock.service.store import figures
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN, RunRow


def test_the_newest_run_of_each_destination_is_found_with_one_query(database):
    names = [f"d{n}" for n in range(1200)]
    with database.begin() as conn:
        for n, name in enumerate(names[:40]):
            for number in range(n % 4):
                row = RunRow(id=f"r{n}-{number}", kind="destination", target=name, started_at=f"2026-01-0{number + 1}")
                runs.start(conn, row if number < 2 else replace(row, position=NOT_BEGUN))
    with database.read() as conn:
        found = runs.last_of(conn, names, "destination")
        assert found == {name: run for name in names[:50] if (run := runs.last(conn, name)) is not None}
        assert len(found) == 30
        assert runs.last_of(conn, names, "flow") == {}
        assert runs.last_of(conn, [], "flow") == {}
        for limit in (1, 2, 60):
            recent = figures.recent_runs_of(conn, names, "destination", limit)
            one_by_one = {name: tuple(figures.recent_runs(conn, name, "destination", limit)) for name in names[:50]}
            assert recent == {name: runs for name, runs in one_by_one.items() if runs}
        assert figures.recent_runs_of(conn, names, "flow", 5) == {}
