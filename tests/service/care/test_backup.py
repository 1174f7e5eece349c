"""A backup is complete at any time; a restored state loses nothing and repeats no unsafe request."""

import os
import signal
import sqlite3
import stat
import tarfile
import time
from contextlib import closing
from io import BytesIO

import pytest

from penstock.store.database import Database
from support.cli import forked_process
from support.cli.project import HERE, Project
from support.service.filled_state import balanced, count, elsewhere, notes, people, refused, run_json, start

UNKNOWN = ("unknown",)


@pytest.fixture
def project(tmp_path, sandbox):
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, sandbox)


def arrived(sandbox):
    return sorted(note["text"] for note in sandbox.state()["notes"])


def texts(number):
    return sorted(f"note {n}" for n in range(number))


def test_a_run_can_be_resumed_from_each_backup_made_during_it(project, sandbox, tmp_path):
    sandbox.settings(latency=15)
    people(project, sandbox, 300)
    project.write("penstock.yaml", (project.folder / "penstock.yaml").read_text() + "    concurrency: 2\n")
    run_json(project, "plan", "it")
    running, made = start(project, "run", "it", "--json"), []
    state = project.folder / ".penstock" / "state.db"
    deadline = time.monotonic() + 60
    while running.poll() is None and len(made) < 3 and time.monotonic() < deadline:
        if count(state, "SELECT count(*) FROM ledger_batches") > 20 * len(made):
            file = tmp_path / f"backup-{len(made)}"
            run_json(project, "backup", str(file))
            made.append(file)
        time.sleep(0.02)
    assert running.wait(60) == 0, running.communicate()
    running.communicate()
    sandbox.settings(latency=0)
    assert len(made) >= 2
    for file in made:
        sandbox.reset()
        run_json(project, "restore", str(file), "--replace")
        before = run_json(project, "runs")[0]
        assert before["status"] == "interrupted"
        assert balanced(before["records"])
        after = run_json(project, "run", "it")
        assert after["run"] == before["run"], "it is continued, not started again"
        assert after["records"]["read"] == after["records"]["delivered"] == 300
        sent_again = len(sandbox.state()["people"])
        assert 300 - before["records"]["delivered"] <= sent_again < 300, "what the backup has as sent is not sent again"


def test_notes_sent_after_the_backup_are_quarantined_not_sent_again(project, sandbox, tmp_path):
    notes(project, sandbox, 5)
    assert run_json(project, "run", "it")["records"]["delivered"] == 5
    run_json(project, "backup", str(tmp_path / "b"))
    notes(project, sandbox, 8)
    assert run_json(project, "run", "it")["records"]["delivered"] == 3
    restored = run_json(project, "restore", str(tmp_path / "b"), "--replace")
    assert restored["replaced"] is not None
    notes(project, sandbox, 10)  # two more, which look the same as the three
    plan = run_json(project, "plan", "it")
    assert (plan["creates_or_updates"], plan["held"], plan["requests"]) == (0, 5, 0)
    first = run_json(project, "run", "it", code=1)
    assert first["requests"] == 0
    assert (first["records"]["unchanged"], first["records"]["unknown"]) == (5, 5)
    assert arrived(sandbox) == texts(8)
    in_quarantine = run_json(project, "quarantine", "list")
    assert {entry["outcome"] for entry in in_quarantine} == {"unknown"}
    assert {entry["cause"] for entry in in_quarantine} == {"restored"}
    assert "backup of" in in_quarantine[0]["reason"]
    ids = {entry["key"]: entry["id"] for entry in in_quarantine}
    for key in ("n5", "n6"):
        run_json(project, "quarantine", "settle", ids[key], "--delivered")
    run_json(project, "quarantine", "discard", ids["n7"], "--reason", "it arrived")
    run_json(project, "quarantine", "resend", "--cause", "restored")
    assert arrived(sandbox) == texts(10)
    notes(project, sandbox, 12)
    last = run_json(project, "run", "it")
    assert last["records"]["delivered"] == 2, "from the first whole run on, new notes are just sent"
    assert arrived(sandbox) == texts(12)


def test_activation_confirms_a_restored_state(project, sandbox, tmp_path):
    notes(project, sandbox, 3)
    run_json(project, "plan", "it")
    run_json(project, "backup", str(tmp_path / "b"))
    run_json(project, "restore", str(tmp_path / "b"), "--replace")
    run_json(project, "activate", "it")
    assert run_json(project, "run", "it")["records"]["delivered"] == 3


def test_a_note_in_flight_at_the_backup_is_sent_at_most_once(project, sandbox, tmp_path):
    """The run dies after the backup and more requests; the restored run continues, and quarantines records whose fate is unknown."""
    sandbox.settings(latency=30)
    notes(project, sandbox, 30, more="concurrency: 1")
    running = start(project, "run", "it")
    deadline = time.monotonic() + 60
    while not len(sandbox.state()["notes"]) >= 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    run_json(project, "backup", str(tmp_path / "b"))
    while not len(sandbox.state()["notes"]) >= 12 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    sandbox.settings(latency=0)
    run_json(project, "restore", str(tmp_path / "b"), "--replace")
    report = run_json(project, "run", "it", code=1)
    assert balanced(report["records"])
    assert report["records"]["read"] == 30
    sent = arrived(sandbox)
    assert len(sent) == len(set(sent)), "a note was sent twice"
    in_quarantine = {entry["key"] for entry in run_json(project, "quarantine", "list")}
    assert {f"note {n}" for n in range(30)} - set(sent) <= {f"note {key[1:]}" for key in in_quarantine}, (
        "a note was lost"
    )


def test_upserts_after_a_restore_are_sent_if_changed_or_all_on_request(project, sandbox, tmp_path):
    people(project, sandbox, 10)
    run_json(project, "run", "it")
    run_json(project, "backup", str(tmp_path / "b"))
    people(project, sandbox, 12, name="Newer")
    run_json(project, "run", "it")
    people(project, sandbox, 12)  # the value of the backup again, which differs from the one in Custify
    run_json(project, "restore", str(tmp_path / "b"), "--replace")
    assert run_json(project, "run", "it")["records"]["delivered"] == 2
    run_json(project, "restore", str(tmp_path / "b"), "--replace", "--resend-all")
    assert run_json(project, "run", "it")["records"]["delivered"] == 12
    assert {person["name"] for person in sandbox.state()["people"]} == {f"Person {n}" for n in range(12)}
    assert run_json(project, "run", "it")["requests"] == 0, "once, not for ever"


def test_a_backup_has_the_frozen_input_of_an_unfinished_run(project, sandbox, tmp_path):
    people(project, sandbox, 40)
    text = (project.folder / "penstock.yaml").read_text()
    project.write("penstock.yaml", text.replace("key: id}", "key: id, sql: select * from source}"))
    died = forked_process.run(
        [HERE / "killed_run.py", "between verdict and commit", "20", "run", "it"],
        cwd=project.folder,
        env=project.environ,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    made = run_json(project, "backup", str(tmp_path / "b"))
    assert made["frozen"] == 1
    again = elsewhere(project, tmp_path / "again")
    (unfinished,) = run_json(again, "restore", str(tmp_path / "b"))["unfinished"]
    again.write("../people.csv", "id,name,email\nu9999,Other,other@x.example\n")  # the run reads its frozen input
    after = run_json(again, "run", "it")
    assert after["run"] == unfinished
    assert after["records"]["delivered"] == 40


def test_a_restore_does_not_overwrite_and_keeps_the_replaced_state(project, sandbox, tmp_path):
    people(project, sandbox, 3)
    run_json(project, "run", "it")
    run_json(project, "backup", str(tmp_path / "b"))
    assert refused(project, "backup", str(tmp_path / "b"))["code"] == "file-exists"
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    people(project, sandbox, 4)
    run_json(project, "run", "it")
    assert refused(project, "restore", str(tmp_path / "b"))["code"] == "state-exists"
    kept = run_json(project, "restore", str(tmp_path / "b"), "--replace")["replaced"]
    assert len(run_json(project, "runs")) == 1
    old = Project(project.folder, sandbox)
    assert len(run_json(old, "runs", "--database", f"sqlite:///{kept}/state.db")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "people.csv", "project"], (
        "nothing half-made is left"
    )


def test_a_restore_is_refused_while_a_process_has_the_state_open(project, sandbox, tmp_path):
    people(project, sandbox, 3)
    run_json(project, "run", "it")
    run_json(project, "backup", str(tmp_path / "b"))
    database = Database.open(f"sqlite:///{project.folder}/.penstock/state.db")
    try:
        with database.read() as conn:
            conn.exec_driver_sql("SELECT count(*) FROM runs")
        assert refused(project, "restore", str(tmp_path / "b"), "--replace", code=3)["code"] == "in-use"
        with database.begin() as conn:  # and it is still the state
            conn.exec_driver_sql("DELETE FROM runs")
    finally:
        database.close()
    assert run_json(project, "runs") == []
    run_json(project, "restore", str(tmp_path / "b"), "--replace")
    assert len(run_json(project, "runs")) == 1


def test_a_damaged_state_is_replaced_and_moved_aside(project, sandbox, tmp_path):
    people(project, sandbox, 3)
    run_json(project, "run", "it")
    run_json(project, "backup", str(tmp_path / "b"))
    state = project.folder / ".penstock" / "state.db"
    state.write_bytes(b"x" * 8192)
    assert refused(project, "runs", code=3)["code"] == "not-a-database"
    kept = run_json(project, "restore", str(tmp_path / "b"), "--replace")["replaced"]
    assert len(run_json(project, "runs")) == 1
    assert (tmp_path / kept / "state.db").read_bytes() == b"x" * 8192


def test_a_backup_of_a_damaged_state_is_refused(project, sandbox, tmp_path):
    people(project, sandbox, 200)
    run_json(project, "run", "it")
    state = project.folder / ".penstock" / "state.db"
    data = bytearray(state.read_bytes())
    for page in range(4, len(data) // 4096, 2):
        data[page * 4096 : page * 4096 + 200] = os.urandom(200)
    state.write_bytes(data)
    error = refused(project, "backup", str(tmp_path / "b"), code=3)
    assert error["code"] == "damaged"
    assert not (tmp_path / "b").exists()


def whole_backup(project, sandbox, tmp_path):
    people(project, sandbox, 3)
    run_json(project, "run", "it")
    run_json(project, "backup", str(tmp_path / "b"))
    return tmp_path / "b"


def rewritten(source, target, change):
    """A copy of a tar file; `change` returns (name, bytes) of each member, or None to leave it out."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            changed = change(member.name, old.extractfile(member).read())
            if changed is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                new.addfile(info, BytesIO(changed[1]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda name, data: None if name == "manifest.json" else (name, data), "not-a-backup"),
        (lambda name, data: None if name == "state.db" else (name, data), "damaged-backup"),
        (lambda name, data: (name, data[:-1] + b"x" if name == "state.db" else data), "damaged-backup"),
        (lambda name, data: ("../escaped" if name == "state.db" else name, data), "not-a-backup"),
        (lambda name, data: ("frozen/../../escaped" if name == "state.db" else name, data), "not-a-backup"),
        (lambda name, data: ("other.txt" if name == "state.db" else name, data), "not-a-backup"),
        (lambda name, data: (name, b"{}" if name == "manifest.json" else data), "not-a-backup"),
        (
            lambda name, data: (
                name,
                data.replace(b'"format": 1', b'"format": 9') if name == "manifest.json" else data,
            ),
            "newer-backup",
        ),
    ],
    ids=["no manifest", "no state", "altered", "escapes", "escapes deeper", "foreign file", "no words", "newer"],
)
def test_an_incomplete_or_changed_backup_is_refused_and_nothing_changes(project, sandbox, tmp_path, change, code):
    rewritten(whole_backup(project, sandbox, tmp_path), tmp_path / "bad", change)
    again = elsewhere(project, tmp_path / "again")
    assert refused(again, "restore", str(tmp_path / "bad"))["code"] == code
    assert not (again.folder / ".penstock" / "state.db").exists()
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("left", [0, 1, 700, 5000, -1500])
def test_a_truncated_backup_is_refused(project, sandbox, tmp_path, left):
    data = whole_backup(project, sandbox, tmp_path).read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) + left - 10240 if left < 0 else left])
    assert refused(project, "restore", str(tmp_path / "cut"), "--replace")["code"] in ("not-a-backup", "damaged-backup")
    assert len(run_json(project, "runs")) == 1


@pytest.mark.parametrize(("revision", "code"), [("0007", "too-old-schema"), ("9999", "newer-schema")])
def test_a_backup_that_this_version_cannot_open_is_refused(project, sandbox, tmp_path, revision, code):
    whole_backup(project, sandbox, tmp_path)
    state = project.folder / ".penstock" / "state.db"
    with closing(sqlite3.connect(state)) as raw, raw:
        raw.execute(f"UPDATE alembic_version SET version_num = '{revision}'")
    made = run_json(project, "backup", str(tmp_path / "other"))
    assert made["schema"] == revision
    assert count(state, "SELECT version_num FROM alembic_version") == revision, "a backup changes nothing"
    again = elsewhere(project, tmp_path / "again")
    assert refused(again, "restore", str(tmp_path / "other"), code=3)["code"] == code
    assert not (again.folder / ".penstock" / "state.db").exists()


def test_a_backup_has_the_sealing_key_only_on_request(project, sandbox, tmp_path):
    people(project, sandbox, 3)
    text = (project.folder / "penstock.yaml").read_text().replace('api_key: "${env:SANDBOX_KEY}", ', "")
    project.write("penstock.yaml", text)
    run_json(project, "credential", "set", "sandbox", stdin=sandbox.api_key)
    assert run_json(project, "backup", str(tmp_path / "without"))["sealed"] == 1
    assert run_json(project, "backup", str(tmp_path / "with"), "--with-key")["with_key"]
    for name in ("without", "with"):
        assert sandbox.api_key.encode() not in (tmp_path / name).read_bytes()
    key = (project.folder / ".penstock" / "secret.key").read_bytes()
    assert key not in (tmp_path / "without").read_bytes()
    first = elsewhere(project, tmp_path / "first")
    assert run_json(first, "restore", str(tmp_path / "without"))["key"] == "missing"
    assert refused(first, "run", "it")["code"] in ("other-sealing-key", "no-key")
    second = elsewhere(project, tmp_path / "second")
    assert run_json(second, "restore", str(tmp_path / "with"))["key"] == "from-backup"
    assert stat.S_IMODE((second.folder / ".penstock" / "secret.key").stat().st_mode) == 0o600
    assert run_json(second, "run", "it")["records"]["delivered"] == 3


def test_on_postgresql_the_error_names_its_tools(project, sandbox, tmp_path):
    people(project, sandbox, 1)
    for command in (("backup", "x"), ("restore", "x")):
        error = refused(project, *command, "--database", "postgresql://nobody@localhost:1/none")
        assert error["code"] == "not-sqlite"
        assert ("pg_dump" if command[0] == "backup" else "pg_restore") in error["hint"]
