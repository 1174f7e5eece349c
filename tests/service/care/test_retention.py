"""Old data is deleted, undecided records never, and the counts of the rest stay consistent."""

import json
import signal
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import OperationalError

from penstock.clock import SystemClock, iso
from penstock.model.outcome import Counts, Outcome
from penstock.service.app import ServiceApp
from penstock.service.care.retention import prune, tick
from penstock.service.model import Retention
from penstock.store import tables
from penstock.store.database import Database
from penstock.store.project.resources import put_setting
from penstock.store.runs import ledger, runs
from penstock.store.runs.ledger import LedgerEntry
from penstock.store.runs.runs import RunRow
from penstock.store.service_tables import audit
from support.cli import forked_process
from support.cli.project import Project
from support.kernel.event_listener import EventListener
from support.kernel.outcome_counts import outcome_counts
from support.service.filled_state import notes, people, refused, run_json

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


class At(SystemClock):
    def now(self):
        return NOW


class Stopped(At):
    """A clock that does not move, so that a slow machine changes nothing."""

    def monotonic(self):
        return 0.0


def ago(days):
    return iso(NOW - timedelta(days=days))


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path}/state.db")
    yield opened
    opened.close()


def test_failed_pruning_is_reported(tmp_path, database, monkeypatch):
    (tmp_path / "penstock.yaml").write_text("sources: {}\n")
    url = f"sqlite:///{tmp_path}/state.db"
    with ServiceApp.open(tmp_path / "penstock.yaml", url, environ={}, clock=Stopped()) as app:
        app._ctx = replace(app._ctx, events=(listener := EventListener()))
        assert app.care.tick().finished
        assert listener.of("care.done") == [{"work": "prune", "removed": 0}]
        with app._ctx.database.begin() as conn:
            conn.execute(text("DELETE FROM settings"))
            conn.execute(text("DROP TABLE responses"))
        with pytest.raises(OperationalError):
            app.care.tick()
    assert listener.of("care.failed") == [{"work": "prune", "error": "OperationalError"}]


@pytest.fixture
def project(tmp_path, sandbox):
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, sandbox)


def add(conn, run, days, *, target="it", records=3, **more):
    ended = {"status": "succeeded", "resumable": False, "finished_at": ago(days)}
    counts = Counts(read=records, delivered=records)
    runs.start(
        conn, RunRow(run, more.pop("kind", "destination"), target, ago(days), counts=counts, **{**ended, **more})
    )
    ledger.append(
        conn, run, [LedgerEntry(Outcome.DELIVERED, range(records), ago(days), keys=[f"k{n}" for n in range(records)])]
    )


def left(database):
    with database.read() as conn:
        return set(conn.execute(select(tables.runs.c.id)).scalars())


def test_old_runs_are_deleted_with_their_records_except_the_newest_of_each_target(database):
    with database.begin() as conn:
        add(conn, "r-1", 200)
        add(conn, "r-2", 120)
        add(conn, "r-3", 100, target="other")  # the newest of its target
        add(conn, "r-4", 10)
    pruned = prune(database, At())
    assert left(database) == {"r-3", "r-4"}
    assert (pruned.removed["runs"], pruned.removed["ledger"]) == (2, 2)
    with database.read() as conn:
        assert outcome_counts(conn, "r-1") == {}
        assert outcome_counts(conn, "r-3") == {"delivered": 3}


def test_a_dry_run_counts_the_same_and_deletes_nothing(database):
    with database.begin() as conn:
        for number in range(5):
            add(conn, f"r-{number}", 200 - number)
    dry = prune(database, At(), dry_run=True)
    assert len(left(database)) == 5
    assert dry.removed["ledger"] == prune(database, At()).removed["ledger"] == 4


def test_the_run_of_a_flow_is_deleted_with_all_its_parts_or_not_at_all(database):
    with database.begin() as conn:
        for flow, days in (("f-1", 200), ("f-2", 150), ("f-3", 1)):
            add(conn, flow, days, kind="flow", target="nightly")
            add(conn, f"{flow}-a", days, target="a", parent=flow)
            if flow != "f-3":
                add(conn, f"{flow}-b", days, target="b", parent=flow)  # f-2-b is the newest of b
    prune(database, At())
    assert left(database) == {"f-2", "f-2-a", "f-2-b", "f-3", "f-3-a"}


def test_a_run_whose_records_were_deleted_has_a_note(database):
    with database.begin() as conn:
        put_setting(conn, "retention", {"ledger": 10, "runs": 0}, by="test", at=ago(0))
        add(conn, "r-1", 200)
        add(conn, "r-2", 5)
    prune(database, At())
    with database.read() as conn:
        run = runs.get(conn, "r-1")
        assert outcome_counts(conn, "r-1") == {}
        assert run.counts.delivered == 3
        assert [note.action for note in run.notes] == ["pruned"]
        assert outcome_counts(conn, "r-2") == {"delivered": 3}


SHAPES = st.sampled_from(["over", "resumable", "running", "intent", "job", "held", "in flight"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 200), SHAPES, st.sampled_from("ab")), max_size=12), st.integers(1, 150))
def test_undecided_records_are_never_deleted(database, some, days):
    with database.begin() as conn:
        for table in (
            tables.runs,
            tables.ledger_batches,
            tables.intents,
            tables.jobs,
            tables.quarantine,
            tables.in_flight,
        ):
            conn.execute(delete(table))
        put_setting(conn, "retention", {"runs": days, "ledger": days}, by="test", at=ago(0))
        for number, (age, shape, target) in enumerate(some):
            run = f"r-{number}"
            add(conn, run, age, target=target)
            mine = tables.runs.c.id == run
            if shape == "resumable":
                conn.execute(update(tables.runs).where(mine).values(resumable=True, status="cancelled"))
            elif shape == "running":
                conn.execute(update(tables.runs).where(mine).values(status="running", finished_at=None))
            elif shape == "intent":
                ledger.begin_intents(conn, run, [ledger.Intent(1, [0], ["k0"], [1], {}, ago(age))])
            elif shape == "job":
                values = {"run": run, "delivery": 0, "destination": target, "job": "j", "at": ago(age), "records": "[]"}
                conn.execute(insert(tables.jobs), values)
            elif shape == "in flight":
                values = {"destination": target, "run": run, "first": 0, "hashes": b""}
                conn.execute(insert(tables.in_flight), values)
            elif shape == "held":
                held = {
                    "destination": target, "identity": run.encode(), "outcome": "quarantined", "cause": "c", "reason": "r",
                    "rule": "r", "at": ago(age), "run": run, "record": "{}", "record_print": 1, "edited": False, "settings": "s",
                }  # fmt: skip
                conn.execute(insert(tables.quarantine), held)
    prune(database, At())
    remaining = left(database)
    newest = {target: max((-age, n) for n, (age, _, t) in enumerate(some) if t == target)[1] for _, _, target in some}
    for number, (age, shape, target) in enumerate(some):
        gone = shape == "over" and age > days and newest[target] != number
        assert (f"r-{number}" not in remaining) == gone, (number, age, shape)
    with database.read() as conn:
        for run in remaining:
            assert sum(outcome_counts(conn, run).values()) == runs.get(conn, run).counts.read
        for table in (tables.intents, tables.jobs, tables.in_flight, tables.quarantine):
            assert {row.run for row in conn.execute(select(table.c.run))} <= remaining


def test_old_replies_alerts_and_audit_entries_are_deleted(database):
    with database.begin() as conn:
        for days in (100, 40, 20):
            record = json.dumps({"sent_at": ago(days)})
            conn.execute(insert(tables.responses), {"destination": "it", "record": record})
        for days in (400, 100):
            row = {"at": ago(days), "who": "w", "action": "a", "what": "w", "origin": "o", "result": "r"}
            conn.execute(insert(audit), row)
    removed = prune(database, At()).removed
    assert (removed["responses"], removed["audit"]) == (2, 1)


def test_the_service_prunes_once_a_day(database):
    with database.begin() as conn:
        add(conn, "r-1", 200)
        add(conn, "r-2", 1)
    assert tick(database, Stopped()).removed["runs"] == 1
    assert tick(database, Stopped()) is None


def test_free_space_is_returned_to_the_disk(database):
    with database.begin() as conn:
        for number in range(300):
            add(conn, f"r-{number:03}", 200 - number * 0.1, records=2000)

    def size():
        with database.read() as conn:
            return conn.exec_driver_sql("PRAGMA page_count").scalar_one()

    before = size()
    prune(database, At())
    assert size() < before / 5


def test_counts_are_consistent_after_a_kill_during_pruning(tmp_path, database):
    with database.begin() as conn:
        for number in range(1200):
            add(conn, f"r-{number:04}", 300 - number * 0.1)
    script = """
        import os, signal, sys
        from penstock.clock import SystemClock
        from penstock.service.store import pruning
        from penstock.store.database import Database
        from penstock.service.care import retention as care_retention
        database = Database.open(sys.argv[1])
        real, times = pruning._drop_ledger, []
        def dying(conn, ids):
            dropped = real(conn, ids)
            times.append(1)
            if len(times) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return dropped
        pruning._drop_ledger = dying
        care_retention.prune(database, SystemClock())
    """
    died = forked_process.run(
        ["-c", textwrap.dedent(script), f"sqlite:///{tmp_path}/state.db"], check=False, timeout=60
    )
    assert died.returncode == -signal.SIGKILL
    with database.read() as conn:
        for run in left(database):
            row, known = runs.get(conn, run), outcome_counts(conn, run)
            assert known == {"delivered": 3} or [note.action for note in row.notes] == ["pruned"]
    assert prune(database, At()).finished
    with database.read() as conn:
        kept = left(database)
        assert all(outcome_counts(conn, run) == {"delivered": 3} for run in kept)


def test_a_removed_destination_is_listed_and_forgotten_only_by_name(project, sandbox):
    people(project, sandbox, 4)
    run_json(project, "run", "it")
    assert refused(project, "prune", "--forget-destination", "it")["code"] == "in-use"
    notes(project, sandbox, 1)
    file = project.folder / "penstock.yaml"
    file.write_text(file.read_text().replace("  it:\n", "  other:\n"))
    assert run_json(project, "prune")["gone"] == {"it": 4}
    assert run_json(project, "prune", "--forget-destination", "it")["forgotten"] == ["it"]
    assert run_json(project, "prune")["gone"] == {}


@pytest.mark.parametrize(
    ("document", "code"), [({"run": 3}, "unknown-key"), ({"runs": -1}, "wrong-value"), ({"runs": True}, "wrong-value")]
)
def test_invalid_retention_settings_are_refused(document, code):
    with pytest.raises(Exception) as caught:
        Retention.from_json(document)
    assert caught.value.problems[0].code == code
