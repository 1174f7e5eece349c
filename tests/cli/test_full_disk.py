"""A full disk ends a command with exit code 3 and one error, without a traceback.

`/dev/full` replaces the disk of the output; a limit on the size of files simulates a full disk for everything else.
"""

import json
import shlex
import subprocess
import sys

import pytest

from support.cli import forked_process
from support.cli.project import Project

LIMITED = """
import resource, sys
sys.dont_write_bytecode = True  # compiled files would be truncated, and would stay so
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from penstock.main import main
sys.argv = ["penstock", *sys.argv[2:]]
sys.exit(main())
"""
PLENTY = 1 << 40
SORTED = (
    "select distinct r.range::text || repeat('x', 200) as id from range(2000000) r, (select 1 from source limit 1) s"
)


@pytest.fixture
def project(tmp_path, sandbox) -> Project:
    project = Project(tmp_path, sandbox)
    project.write("rows.csv", "id,name\n" + "".join(f"u{n},Person {n}\n" for n in range(2000)))
    project.destination("rows.csv", "upsert_person", "user_id: id, name: name", base=sandbox.url)
    text = (tmp_path / "penstock.yaml").read_text().replace("sources:", "  sealed: {connector: custify}\nsources:", 1)
    project.write(
        "penstock.yaml",
        text.replace("destinations:", f"  big: {{source: file, key: id, sql: {SORTED!r}}}\ndestinations:"),
    )
    return project


def penstock(project: Project, room: int, *words: str, stdin: str = ""):
    return forked_process.run(
        ["-c", LIMITED, str(room), *words],
        cwd=project.folder,
        env=project.environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def with_streams(project: Project, words: str, streams: str):
    """The command as a shell starts it with these redirections. It is not forked, since the end of Python is tested too."""
    return subprocess.run(
        ["/bin/sh", "-c", f"exec {shlex.quote(sys.executable)} -m penstock {words} {streams}"],
        cwd=project.folder,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def is_clear(code: int, said: str) -> None:
    assert code == 3, said
    assert "Traceback" not in said
    assert "defect" not in said


@pytest.mark.parametrize(
    "words", ["schema data", "plan it", "validate --json", "preview it --json", "run nothing --json"]
)
def test_output_to_a_full_disk_is_reported(project, words):
    done = with_streams(project, words, ">/dev/full")
    is_clear(done.returncode, done.stderr)
    assert "cannot be written: No space left on device" in done.stderr
    if "--json" in words:
        document = done.stderr[done.stderr.index("{") :]  # remarks come before it
        assert [problem["code"] for problem in json.loads(document)["errors"]] == ["output-failed"]


@pytest.mark.parametrize(
    ("words", "room"),
    [("plan it", 0), ("run it", 30_000), ("apply", 0), ("credential set sealed", 30_000), ("activate it", 0)],
)
def test_a_state_on_a_full_disk_is_reported(project, words, room):
    done = penstock(project, room, *words.split(), "--json", stdin="key\n")
    is_clear(done.returncode, done.stdout + done.stderr)
    [problem] = json.loads(done.stdout)["errors"]
    assert problem["message"]
    assert problem["hint"]
    again = penstock(project, PLENTY, *words.split(), "--json", stdin=project.sandbox.api_key)
    assert again.returncode == 0, again.stdout + again.stderr


def test_validate_needs_no_disk_space(project):
    done = penstock(project, 0, "validate", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"errors": []}), done.stderr
    assert "note: no temporary folder can be made" in done.stderr


def test_files_named_by_options_on_a_full_disk_are_reported(project):
    before = (project.folder / "penstock.yaml").read_text()
    for words in (["init", "--force"], ["export", "--output", "copy.yaml"]):
        done = penstock(project, 100, *words, "--json")
        is_clear(done.returncode, done.stdout + done.stderr)
        assert json.loads(done.stdout)["errors"][0]["code"] in ("disk-full", "disk")
    assert (project.folder / "penstock.yaml").read_text() == before, "the old file stays until the new one is whole"
    assert not (project.folder / "copy.yaml").exists()


def test_sql_that_fills_the_disk_is_reported(project):
    assert penstock(project, PLENTY, "runs", "--json").returncode == 0
    done = penstock(project, 1 << 20, "schema", "big", "--json")
    is_clear(done.returncode, done.stdout + done.stderr)
    [problem] = json.loads(done.stdout)["errors"]
    assert (problem["path"], problem["code"]) == ("datasets.big.sql", "disk-full")
    assert not list((project.folder / ".penstock").glob("spill-*"))


@pytest.mark.parametrize("words", ["plan it --json", "plan it", "run nothing --json"])
def test_a_closed_stdout_is_reported(project, words):
    done = with_streams(project, words, ">&-")
    is_clear(done.returncode, done.stderr)
    assert "the output cannot be written: Bad file descriptor" in done.stderr
    assert with_streams(project, words, ">&- 2>&-").returncode == 3
    assert with_streams(project, words, "2>&- <&-").returncode == (2 if "nothing" in words else 0)
    assert penstock(project, PLENTY, "plan", "it", "--json").returncode == 0, "the state is whole"
