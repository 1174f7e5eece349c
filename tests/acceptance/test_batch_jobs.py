"""Batch jobs that fail, or whose results cannot be matched: none of their records counts as delivered."""

import json
import signal
import sqlite3
import subprocess
import time
from types import SimpleNamespace

import pytest

from support.cli import forked_process
from support.cli.project import Project, run_penstock
from support.servers.job_server import good, job_server

FAILED = {"status": "failed", "error": "out of memory", "results": []}
ATTEMPTS = 6


def people(tmp_path, url: str, number: int = 3) -> Project:
    project = Project(tmp_path, SimpleNamespace(api_key="key-of-the-test"))
    project.write("p.csv", "id,name\n" + "".join(f"u{n},P{n}\n" for n in range(number)))
    project.destination("p.csv", "upsert_person", "user_id: id, name: name", base=url)
    return project


def run(project: Project) -> tuple[int, str, dict[str, int]]:
    done = run_penstock(project, "run", "it", "--json")
    report = json.loads(done.stdout)
    return done.returncode, report["status"], {name: n for name, n in report["records"].items() if n}


def in_quarantine(project: Project) -> dict[str, tuple[str, str]]:
    entries = json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)
    return {entry["key"]: (entry["outcome"], entry["reason"]) for entry in entries}


def ids(jobs) -> list[str]:
    return [job["payload"]["user_id"] for job in jobs]


def test_a_job_that_always_fails_quarantines_its_records_with_the_words_of_the_api(tmp_path):
    with job_server(lambda *_: FAILED) as server:
        project = people(tmp_path, server.url)
        assert run(project) == (1, "partial", {"read": 3, "quarantined": 3})
        assert len(server.posted) == ATTEMPTS
        found = in_quarantine(project)
        assert {outcome for outcome, _ in found.values()} == {"quarantined"}
        assert all("the batch job failed: out of memory" in reason for _, reason in found.values())
        (request,) = json.loads(run_penstock(project, "deliveries", run_id(project), "--json").stdout)
        assert (request["outcome"], request["attempts"]) == ("quarantined", ATTEMPTS)

        assert run(project) == (1, "partial", {"read": 3, "quarantined": 3})
        assert len(server.posted) == ATTEMPTS  # records in quarantine are not sent automatically

        server.answer = good
        assert run_penstock(project, "quarantine", "resend", "--all", "--json").returncode == 0
        assert run(project) == (0, "succeeded", {"read": 3, "unchanged": 3})


def run_id(project: Project) -> str:
    return json.loads(run_penstock(project, "runs", "--json").stdout)[-1]["run"]


def test_a_job_that_fails_once_is_sent_again(tmp_path):
    with job_server(lambda number, jobs: FAILED if number == 1 else good(number, jobs)) as server:
        project = people(tmp_path, server.url)
        assert run(project) == (0, "succeeded", {"read": 3, "delivered": 3})
        assert [ids(jobs) for jobs in server.posted] == [["u0", "u1", "u2"]] * 2
        (report,) = json.loads(run_penstock(project, "runs", "--json").stdout)
        assert report["retries"] == 1
        assert run(project) == (0, "succeeded", {"read": 3, "unchanged": 3})


def test_records_with_a_result_keep_it_and_only_the_others_are_sent_again(tmp_path):
    some = {
        "status": "failed",
        "error": "out of memory",
        "results": [{"index": 1, "status": "success"}, {"user_id": "u2", "status": "error", "error": "name is odd"}],
    }
    with job_server(lambda number, jobs: some if number == 1 else good(number, jobs)) as server:
        project = people(tmp_path, server.url, 4)
        assert run(project) == (1, "partial", {"read": 4, "delivered": 3, "quarantined": 1})
        assert [ids(jobs) for jobs in server.posted] == [["u0", "u1", "u2", "u3"], ["u0", "u3"]]
        assert in_quarantine(project) == {"u2": ("quarantined", "name is odd (Custify)")}


def test_failed_jobs_of_whole_batches_leave_the_run_partial(tmp_path):
    def answer(number, jobs):
        return FAILED if "u7" in ids(jobs) else good(number, jobs)

    with job_server(answer) as server:
        project = people(tmp_path, server.url, 300)
        assert run(project) == (1, "partial", {"read": 300, "delivered": 200, "quarantined": 100})


def test_records_that_must_not_be_sent_twice_become_unknown(tmp_path):
    with job_server(lambda *_: FAILED) as server:
        project = people(tmp_path, server.url)
        text = (tmp_path / "penstock.yaml").read_text()
        head, _ = text.split("    template:")
        project.write("p.csv", "type,payload\n" + "".join(f'people,"{{""user_id"": ""u{n}""}}"\n' for n in range(3)))
        more = "    mode: new\n    active: true\n    request: {method: POST, url: /batch, idempotent: false, batch: "
        more += "{size: 10, grouping: {algorithm: property, property: jobs}}}\n"
        project.write("penstock.yaml", head.replace("key: id", "key: payload, types: {payload: text}") + more)
        assert run(project) == (1, "partial", {"read": 3, "unknown": 3})
        assert len(server.posted) == 1
        assert all("the batch job failed: out of memory" in reason for _, reason in in_quarantine(project).values())


def test_a_later_run_that_finds_the_job_failed_sends_its_records_again(tmp_path):
    pending = {"status": "pending", "results": []}
    with job_server(lambda *_: pending) as server:
        project = people(tmp_path, server.url)
        with forked_process.Process(
            ["-m", "penstock", "run", "it", "--json"],
            cwd=tmp_path,
            env=project.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert server.polled.wait(60)
            until_written(tmp_path)
            process.send_signal(signal.SIGKILL)
            process.wait()
        server.answer = lambda number, jobs: FAILED if number == 1 else good(number, jobs)
        project.write("p.csv", "id,name\nu0,P0\n")  # the other records are no longer in the source
        assert run(project)[:2] == (0, "succeeded")
        assert [ids(jobs) for jobs in server.posted] == [["u0", "u1", "u2"]] * 2
        assert in_quarantine(project) == {}
        project.write("p.csv", "id,name\nu0,P0\nu1,P1\nu2,P2\n")
        assert run(project) == (0, "succeeded", {"read": 3, "unchanged": 3})


def test_a_later_run_whose_repeats_fail_too_quarantines_the_records(tmp_path):
    with job_server(lambda *_: {"status": "pending"}) as server:
        project = people(tmp_path, server.url)
        with forked_process.Process(
            ["-m", "penstock", "run", "it", "--json"],
            cwd=tmp_path,
            env=project.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert server.polled.wait(60)
            until_written(tmp_path)
            process.send_signal(signal.SIGKILL)
            process.wait()
        server.answer = lambda *_: FAILED
        code, status, records = run(project)
        assert (code, status, records) == (1, "partial", {"read": 3, "quarantined": 3})
        assert set(in_quarantine(project)) == {"u0", "u1", "u2"}


def until_written(folder) -> None:
    """Wait until the job is in the state database."""
    with sqlite3.connect(folder / ".penstock" / "state.db", timeout=30) as db:
        while not db.execute("select count(*) from jobs").fetchone()[0]:
            time.sleep(0.01)


@pytest.mark.parametrize("results", [[{"status": "success"}], [{"status": "success"}] * 4])
def test_more_or_fewer_results_than_records_confirm_nothing(tmp_path, results):
    with job_server(lambda *_: {"status": "completed", "results": results}) as server:
        project = people(tmp_path, server.url)
        assert run(project) == (1, "partial", {"read": 3, "quarantined": 3})
        reason = in_quarantine(project)["u0"][1]
        assert f"{len(results)} results for 3 records" in reason
