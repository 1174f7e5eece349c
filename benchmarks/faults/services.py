"""kill -9 of `penstock serve` and `penstock worker` while a run that was requested from them is under way."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from faults.case import Case, Run, Size
from faults.harness import DATABASES, CaseError, Database, Harness, until
from faults.judge import Result, judged
from faults.kills import undecided
from faults.processes import received
from faults.project import Destination, Project, made
from faults.records import Records

RECORDS, KILLS = 300, 3
ENDED = ("succeeded", "partial", "failed", "cancelled")
TEMPLATES = ("create_task", "upsert_company")
WITHIN_S = 90.0  # a successor waits for the end of the dead process's lease


def cases(size: Size) -> Iterator[Case]:
    for template in TEMPLATES:
        for database in DATABASES:
            name = f"processes/serve-killed/{template}/{database}"
            yield Case(name, _served(name, template, database, size.of(KILLS)))
        name = f"processes/worker-killed/{template}"
        yield Case(name, _worked(name, template, size.of(KILLS)))


@dataclass(frozen=True)
class Service:
    """A process of `penstock serve`, and its REST API."""

    process: subprocess.Popen[str]
    url: str

    @classmethod
    def started(cls, project: Project, *options: str) -> Service:
        process = project.commands.start("serve", "--port", "0", "--without-sign-in", *options)
        return cls(process, first_document(process)["url"])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if reply.status >= 400:
            raise CaseError(f"the service answered {method} {path} with {reply.status}: {text!r}")
        return json.loads(text)

    def has_ended(self, run: str) -> bool:
        return self.call("GET", f"/runs/{run}")["status"] in ENDED


def first_document(process: subprocess.Popen[str]) -> Any:
    """What a service or a worker prints when it is ready."""
    text = ""
    assert process.stdout is not None
    for line in process.stdout:
        text += line
        try:
            return json.loads(text)
        except ValueError:
            continue
    raise CaseError(f"a process ended before it was ready: {text} {process.communicate()}")


def stopped(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=60)


def killed(process: subprocess.Popen[str]) -> float:
    """The time of its end. Its lease stays, as it does where a machine fails."""
    process.kill()
    process.communicate()
    return time.time()


def _project_options(template: str) -> Destination:
    keys = {} if template == "create_task" else {"batch": "off"}
    return Destination(template, "native", concurrency=4, keys=keys)


def _served(name: str, template: str, database: Database, kills: int) -> Run:
    """The service is killed in the middle of a run, and started again; the run continues without another request."""

    def run(harness: Harness, dice: random.Random) -> Result:
        quiet = {"PENSTOCK_LOG_LEVEL": "error"}
        with made(harness, _project_options(template), database, "--latency", "20", environ=quiet) as project:
            project.write_records(Records.of(RECORDS))
            project.commands.run("apply", codes=(0,))
            result, times = Result(name), list[float]()
            service = Service.started(project)
            asked = service.call("POST", "/runs", {"target": "it"})["run"]
            for kill in range(kills):
                received(project, service.process, more(project, dice, kill, kills))
                times.append(killed(service.process))
                result.unknown_first += undecided(project)
                service = Service.started(project)
            until(lambda: service.has_ended(asked), WITHIN_S)
            stopped(service.process)
            project.finish()
            result.faults = len(times)
            return judged(project, result, times)

    return run


def _worked(name: str, template: str, kills: int) -> Run:
    """Two workers on PostgreSQL; both are killed in the middle of a run, one after the other, and replaced."""

    def run(harness: Harness, dice: random.Random) -> Result:
        quiet = {"PENSTOCK_LOG_LEVEL": "error"}
        with made(harness, _project_options(template), "postgres", "--latency", "20", environ=quiet) as project:
            project.write_records(Records.of(RECORDS))
            project.commands.run("apply", codes=(0,))
            result, times = Result(name), list[float]()
            service = Service.started(project, "--no-worker")
            worker = project.commands.start("worker")
            first_document(worker)
            asked = service.call("POST", "/runs", {"target": "it"})["run"]
            for kill in range(kills):
                received(project, worker, more(project, dice, kill, kills))
                times.append(killed(worker))
                result.unknown_first += undecided(project)
                worker = project.commands.start("worker")
                first_document(worker)
            until(lambda: service.has_ended(asked), WITHIN_S)
            stopped(worker)
            stopped(service.process)
            project.finish()
            result.faults = len(times)
            return judged(project, result, times)

    return run


def more(project: Project, dice: random.Random, kill: int, kills: int) -> int:
    """The number of requests that the API has received at the next kill: some more than now, and not the last ones."""
    left = RECORDS - RECORDS // 5 * (kills - kill) // kills
    return min(project.commands.sandbox.last_seq() + dice.randint(10, RECORDS // (kills + 2)), left)
