"""`penstock doctor` reports problems with their fixes, and changes nothing."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from penstock.clock import SystemClock, iso
from penstock.service.care import state_checks
from penstock.service.care.care import Care
from penstock.service.care.doctor import examine
from penstock.service.care.state_checks import MANY_QUARANTINED, Examined
from penstock.service.model import PersonRow
from penstock.service.store import work
from penstock.service.store.people import add
from penstock.service.store.work import WorkerRow, WorkRow
from penstock.store.database import Database
from penstock.store.project.credentials import KEY_FILE
from penstock.store.runs import runs
from penstock.store.runs.runs import RunRow
from support.cli.project import Project
from support.service.filled_state import people, run_json

BASE = """\
credentials:
  acme: {connector: custify, base_url: "https://api.example.com"}
"""


class Later:
    """A clock some days ahead."""

    def __init__(self, days):
        self.days = days
        self.monotonic, self.sleep, self.dice = SystemClock().monotonic, SystemClock().sleep, SystemClock().dice

    def now(self):
        return SystemClock().now() + timedelta(days=self.days)


@pytest.fixture
def project(tmp_path, sandbox, monkeypatch):
    monkeypatch.delenv("PENSTOCK_GOLDEN", raising=False)  # a variable of the tests, which Penstock does not use
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder, sandbox)
    people(made, sandbox, 3)
    return made


@pytest.fixture
def state(project):
    """The state of an applied project, opened by another process."""
    run_json(project, "apply")
    with closing(Database.open(f"sqlite:///{project.folder}/.penstock/state.db")) as opened:
        yield opened


def care(project, *, days=0, **environ):
    return Care.of(project.folder / "penstock.yaml", None, {**project.environ, **environ}, Later(days))


def codes(diagnosis, level="wrong"):
    return {finding.code for finding in diagnosis.findings if finding.level == level}


def wrong(project, **more):
    return codes(care(project, **more).diagnose())


def add_to_file(project, text):
    project.write("penstock.yaml", (project.folder / "penstock.yaml").read_text() + text)


def test_a_healthy_project_has_no_problems_and_is_not_changed(project):
    run_json(project, "run", "it")
    before = sorted(path.name for path in (project.folder / ".penstock").iterdir())
    found = run_json(project, "doctor")
    assert found["ok"] is True
    assert [each["code"] for each in found["findings"]] == ["sandbox"]
    assert sorted(path.name for path in (project.folder / ".penstock").iterdir()) == before


def test_without_a_state_only_the_project_file_is_checked_and_nothing_created(project):
    assert codes(care(project).diagnose(), "note") == {"no-state"}
    project.write("penstock.yaml", "sources: {x: {typ: file}}\n")
    assert "unknown-key" in wrong(project)
    assert not (project.folder / ".penstock").exists()


def test_problems_come_first_with_their_fixes_and_exit_with_1(project):
    run_json(project, "run", "it")
    (project.folder / ".." / "people.csv").unlink()
    (project.folder / ".penstock" / "state.db").chmod(0o644)
    found = run_json(project, "doctor", code=1)
    assert [each["level"] for each in found["findings"]] == ["wrong", "wrong", "note"]
    by_code = {each["code"]: each for each in found["findings"]}
    assert by_code["missing-file"]["check"] == "sources"
    assert by_code["open-to-others"]["hint"].startswith("chmod 600 ")


def test_a_file_that_differs_from_the_applied_project_is_found(project, state):
    assert wrong(project) == set()
    add_to_file(project, "flows: {f: {destinations: [it]}}\n")
    assert wrong(project) == {"differs"}


def test_missing_lost_and_readable_sealing_keys_are_found(project):
    project.write("penstock.yaml", BASE)
    run_json(project, "apply")
    assert wrong(project) == {"missing-key"}
    run_json(project, "credential", "set", "acme", stdin="a-key")
    assert wrong(project) == set()
    key = project.folder / ".penstock" / KEY_FILE
    key.chmod(0o640)
    assert wrong(project) == {"open-to-others"}
    key.unlink()
    assert wrong(project) == {"no-sealing-key"}
    assert wrong(project, PENSTOCK_SECRET_KEY="another") == {"other-sealing-key"}
    assert not key.exists()


def test_a_misspelled_variable_is_found(project, state):
    found = care(project, PENSTOCK_DATABASE_ULR="x").diagnose()
    assert [(each.code, each.hint) for each in found.findings if each.level == "wrong"] == [
        ("unknown-variable", "did you mean PENSTOCK_DATABASE_URL?")
    ]


def test_sources_that_cannot_be_reached(project):
    text = (project.folder / "penstock.yaml").read_text()
    more = '  shop: {type: sql, url: "postgresql://nobody@127.0.0.1:9/none", table: t}\n  app: {type: webhook}\n'
    project.write("penstock.yaml", text.replace("datasets:\n", more + "datasets:\n"))
    run_json(project, "apply")
    found = {each.about: each.code for each in care(project).diagnose().findings if each.check == "sources"}
    assert found == {"shop": "host-unreachable", "app": "no-secret"}


def test_missing_workers_and_waiting_runs_are_found(project, state):
    add_to_file(project, 'flows: {f: {schedule: "every 1h", destinations: [it]}}\n')
    run_json(project, "apply")
    assert wrong(project) == {"nothing-runs"}
    at = iso(SystemClock().now())
    with state.begin() as conn:
        work.register(conn, WorkerRow("w1", "0.0.1", "process 1 on elsewhere", at))
        work.enqueue(conn, WorkRow("r1", "destination", "it", "sandbox", "person:a", "a", at))
    found = care(project).diagnose()
    assert codes(found) == {"nothing-runs", "no-worker"}
    assert "dead-worker" in codes(found, "note")


def test_runs_that_were_interrupted_or_failed(project, state):
    at = iso(SystemClock().now())
    with state.begin() as conn:
        runs.start(conn, RunRow("r1", "destination", "it", at))
    assert wrong(project) == {"interrupted-run"}
    with state.begin() as conn:
        runs.finish(conn, RunRow("r1", "destination", "it", at, reason="the host is away"), "failed", at)
    (found,) = [each for each in care(project).diagnose().findings if each.level == "wrong"]
    assert "the host is away" in found.message


def test_a_clock_that_was_set_back_is_found(project, state):
    at = iso(SystemClock().now() + timedelta(days=1))
    with state.begin() as conn:
        runs.start(conn, RunRow("r1", "destination", "it", at, status="succeeded", resumable=False))
    assert wrong(project) == {"clock-went-back"}


def test_a_missing_or_old_backup_is_found_after_a_week(project, tmp_path):
    run_json(project, "run", "it")
    assert wrong(project) == set()
    assert wrong(project, days=8) == {"no-backup"}
    run_json(project, "backup", str(tmp_path / "one"))
    assert wrong(project, days=1) == set()
    assert wrong(project, days=8) == {"old-backup"}


def test_the_sandbox_and_a_service_without_sign_in_are_problems_if_there_are_users(project, state):
    found = care(project).diagnose()
    assert {"sandbox", "nobody"} <= codes(found, "note")
    with state.begin() as conn:
        add(conn, PersonRow("ada", "admin", "2026-01-01T00:00:00.000Z"))
    assert wrong(project) == {"sandbox"}


def test_many_records_in_quarantine_are_a_problem(project, state):
    project.write("../people.csv", "id,name,email\n" + "".join(f"u{n},x,nonsense\n" for n in range(MANY_QUARANTINED)))
    run_json(project, "run", "it", code=1)
    (finding,) = [each for each in care(project).diagnose().findings if each.check == "quarantine"]
    assert (finding.level, finding.about) == ("wrong", "it")
    assert str(MANY_QUARANTINED) in finding.message


@pytest.mark.parametrize(("revision", "code"), [("0007", "too-old-schema"), ("9999", "newer-schema")])
def test_a_state_of_another_version_is_a_problem_and_not_changed(project, state, revision, code):
    with sqlite3.connect(state.path) as raw:
        raw.execute(f"UPDATE alembic_version SET version_num = '{revision}'")
    assert wrong(project) == {code}
    assert state.schema_version() == revision


def test_an_older_state_is_a_note(project, state, monkeypatch):
    monkeypatch.setattr(state_checks, "HEAD", "9999")
    assert "older-schema" in codes(care(project).diagnose(), "note")


def test_a_file_that_is_no_database_is_a_problem(project, tmp_path):
    (tmp_path / "text.db").write_text("this is text, and not a database at all" * 100)
    damaged = Care.of(project.folder / "penstock.yaml", f"sqlite:///{tmp_path}/text.db", {}, SystemClock())
    assert codes(damaged.diagnose()) == {"not-a-database"}


def test_postgresql_with_and_without_a_connection(postgres, project):
    file = project.folder / "penstock.yaml"
    with closing(Database.open(postgres, project.folder / ".penstock")) as opened:
        found = examine(Examined(opened, file, project.environ, SystemClock()))
        assert found.is_well, found
        assert "postgresql" in found.versions
        assert "clock-differs" in codes(examine(Examined(opened, file, project.environ, Later(1))))
    away = Care.of(file, "postgresql://penstock:hidden@127.0.0.1:9/none", {}, SystemClock()).diagnose()
    assert codes(away) == {"unreachable"}
    assert "hidden" not in str(away)
