"""Processes on one SQLite state share a credential's rate limit, whichever commands they run."""

import json
import os
import subprocess

import pytest

from support.cli import forked_process
from support.cli.project import Project
from support.servers.sandbox import running_sandbox


@pytest.fixture
def limited():
    with running_sandbox("--rate", "40/2s", "--latency", "10") as sandbox:
        yield sandbox


def begin(project, *arguments):
    command = ["-m", "penstock", *arguments, "--json"]
    return forked_process.Process(
        command, cwd=project.folder, env={**os.environ, **project.environ}, stdout=subprocess.PIPE, text=True
    )


def test_two_runs_and_tests_beside_them_get_no_429(tmp_path, limited):
    project = Project(tmp_path, limited)
    project.write("companies.ndjson", "".join(f'{{"company_id": "k{n}", "name": "c"}}\n' for n in range(60)))
    destination = '{dataset: companies, credential: acme, active: true, template: upsert_company, batch: "off"}'
    project.write(
        "penstock.yaml",
        f"""\
credentials:
  acme:
    connector: custify
    api_key: "${{env:SANDBOX_KEY}}"
    base_url: "{limited.url}"
    rate_limit: {{requests: 40, per: 2s}}
sources: {{companies: {{type: file, path: companies.ndjson}}}}
datasets: {{companies: {{source: companies, key: company_id}}}}
destinations:
  one: {destination}
  two: {destination}
""",
    )
    runs = [begin(project, "run", name) for name in ("one", "two")]
    others = [begin(project, "test", "one"), begin(project, "check", "acme", "--refresh")]
    reports = [json.loads(process.communicate(timeout=100)[0]) for process in runs]
    answers = [process.communicate(timeout=100)[0] for process in others]
    assert [process.returncode for process in others] == [0, 0], answers
    assert [(report["status"], report["records"]["delivered"], report["retries"]) for report in reports] == [
        ("succeeded", 60, 0)
    ] * 2
    requests = limited.requests()
    assert [request for request in requests if request["status"] == 429] == []
    assert len(requests) >= 122
