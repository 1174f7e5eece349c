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


def test_a_run_learns_that_a_batch_counts_as_its_jobs_and_the_next_one_knows_it(tmp_path):
    """The API refuses no batch: the second run sends at most as many jobs in a window as it allows."""
    with running_sandbox("--rate", "40/2s", "--batch-cost", "jobs") as sandbox:
        project = Project(tmp_path, sandbox)
        project.write(
            "penstock.yaml",
            f"""\
credentials:
  acme:
    connector: custify
    api_key: "${{env:SANDBOX_KEY}}"
    base_url: "{sandbox.flat_url}"
    rate_limit: {{requests: 40, per: 2s}}
sources: {{people: {{type: file, path: people.ndjson}}}}
datasets: {{people: {{source: people, key: user_id}}}}
destinations:
  people:
    {{dataset: people, credential: acme, active: true, template: upsert_person, batch: {{size: 5}}, concurrency: 1}}
""",
        )

        def people(first, last):
            numbers = range(first, last)
            project.write("people.ndjson", "".join(f'{{"user_id": "u{n}", "name": "c"}}\n' for n in numbers))
            return json.loads(begin(project, "run", "people").communicate(timeout=100)[0])

        first = people(0, 30)
        took = ", ".join(["5 jobs took 5"] * 3)
        learned = f"batch_cost: jobs; a batch counts as many requests as it has jobs: {took}"
        assert [note["reason"] for note in first["notes"] if note["field"] == "rate_limit"] == [learned]
        second = people(30, 150)
        assert [note for note in second["notes"] if note["field"] == "rate_limit"] == []
        checked = json.loads(begin(project, "check", "acme").communicate(timeout=100)[0])
        assert checked["batch_cost"] == {"cost": "jobs", "source": "replies"}
        assert (second["records"]["delivered"], second["retries"]) == (120, 0)
        assert [request for request in sandbox.requests() if request["status"] == 429] == []
