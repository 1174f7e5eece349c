"""The state in PostgreSQL: a run that was killed in the middle continues from its checkpoint."""

import json
import signal
from pathlib import Path

from support.cli import forked_process
from support.cli.project import HERE, Project, run_penstock
from support.servers.postgres import postgres, server

__all__ = ["postgres", "server"]


def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, sandbox, postgres: str):
    project = Project(tmp_path, sandbox)
    rows = "".join(f"u{number},Person {number},p{number}@x.example\n" for number in range(60))
    project.write("people.csv", "id,name,email\n" + rows)
    project.destination("people.csv", "upsert_person", "user_id: id, name: name, email: email", base=sandbox.flat_url)
    arguments = ["run", "it", "--json", "--database", postgres]
    died = forked_process.run(
        [HERE / "killed_run.py", "between verdict and commit", "20", *arguments],
        cwd=tmp_path,
        env=project.environ,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    again = run_penstock(project, *arguments, "--wait")  # the lease of the dead process ends by itself
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert report["records"]["read"] == report["records"]["delivered"] == 60
    assert len(sandbox.state()["people"]) == 60
    quiet = json.loads(run_penstock(project, *arguments).stdout)
    assert quiet["requests"] == 0, "a further run has nothing to send"
    assert not (tmp_path / ".penstock" / "state.db").exists()
