"""Case 94 (segmentio/action-destinations #4016): fewer results than items, without an index, one of them an error."""

import json
import os
from pathlib import Path

from support.cli import forked_process
from support.servers.job_server import job_server

HERE = Path(__file__).parent / "94"


def penstock(folder: Path, *arguments: str):
    environ = {**os.environ, "CUSTIFY_API_KEY": "key-of-the-test", "NO_COLOR": "1"}
    command = ["-m", "penstock", *arguments, "--json"]
    done = forked_process.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100)
    return done.returncode, json.loads(done.stdout)


def test_results_that_cannot_be_matched_are_not_counted_as_delivered(tmp_path):
    reply = json.loads((HERE / "reply.json").read_text(encoding="utf-8"))
    with job_server(lambda *_: reply) as server:
        project = (HERE / "penstock.yaml").read_text(encoding="utf-8").replace("http://127.0.0.1:8321", server.url)
        (tmp_path / "penstock.yaml").write_text(project, encoding="utf-8")
        (tmp_path / "rows.ndjson").write_bytes((HERE / "rows.ndjson").read_bytes())
        code, report = penstock(tmp_path, "run", "target")
        assert (code, report["status"]) == (1, "partial")
        assert {name: n for name, n in report["records"].items() if n} == {"read": 4, "quarantined": 4}
        assert len(server.posted) == 6  # sent again under the retry policy
        _, in_quarantine = penstock(tmp_path, "quarantine", "list")
        assert {entry["key"] for entry in in_quarantine} == {"u0", "u1", "u2", "u3"}
        assert all(
            "2 results for 4 records" in entry["reason"] and "bad (Custify)" in entry["reason"]
            for entry in in_quarantine
        )
        code, report = penstock(tmp_path, "run", "target")
        assert (code, report["records"]["unchanged"], report["records"]["quarantined"]) == (1, 0, 4)
