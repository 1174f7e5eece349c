"""The disk of the state fills during a run: the run ends with an error, and the same command completes it later."""

import json

import pytest

from support.cli import forked_process
from support.cli.project import Project, run_penstock

PEOPLE = 2000
# A limit on the size of files the process may write simulates a full disk: SQLite meets a failed write either way.
LIMITED = """
import resource, signal, sys
from penstock.store.runs import ledger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True  # compiled files would be truncated, and would stay so
append, commits, at = ledger.append, [], int(sys.argv[1])
def full(*args, **kwargs):
    append(*args, **kwargs)
    commits.append(1)
    if len(commits) == at:
        import os
        size = max(os.path.getsize(".penstock/state.db"), os.path.getsize(".penstock/state.db-wal"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))
ledger.append = full
from penstock.main import main
sys.argv = ["penstock", *sys.argv[2:]]
sys.exit(main())
"""


@pytest.mark.parametrize(("kind", "commits"), [("upsert", 1), ("note", 1), ("note", 3)])
def test_the_same_command_completes_the_run_once_there_is_disk_space(tmp_path, sandbox, kind, commits):
    project = Project(tmp_path, sandbox)
    if kind == "upsert":
        number = PEOPLE
        project.write("rows.csv", "id,name\n" + "".join(f"u{n},Person {n}\n" for n in range(number)))
        project.destination("rows.csv", "upsert_person", "user_id: id, name: name", base=sandbox.url)
    else:
        number = 60
        sandbox.call("POST /company", '{"company_id": "acme"}')
        project.write("rows.csv", "id,company_id,text\n" + "".join(f"n{n},acme,note {n}\n" for n in range(number)))
        project.destination("rows.csv", "create_note", "company_id: company_id, text: text", base=sandbox.flat_url)
    project.write("limited.py", LIMITED)
    assert run_penstock(project, "plan", "it", "--json").returncode == 0
    died = forked_process.run(
        ["limited.py", str(commits), "run", "it", "--json"],
        cwd=tmp_path,
        env=project.environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert died.returncode == 3, died.stdout + died.stderr
    [problem] = json.loads(died.stdout)["errors"]
    assert "disk" in problem["message"]
    assert "full" in problem["message"]
    assert problem["hint"]

    again = run_penstock(project, "run", "it", "--json")
    assert again.returncode in (0, 1), again.stderr
    records = json.loads(again.stdout)["records"]
    assert records["read"] == number == sum(count for name, count in records.items() if name != "read")
    if kind == "upsert":
        assert again.returncode == 0
        assert sorted(p["user_id"] for p in sandbox.state()["people"]) == sorted(f"u{n}" for n in range(number))
    else:
        arrived = [note["text"] for note in sandbox.state()["notes"]]
        assert len(arrived) == len(set(arrived)), "a note was sent twice"
        unknown = {e["key"] for e in json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)}
        assert records["unknown"] == len(unknown)
        for n in range(number):
            assert f"note {n}" in arrived or f"n{n}" in unknown, "a note was lost"
