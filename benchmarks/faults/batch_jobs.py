"""Batch jobs that fail in part, expire before they are polled, do not end, or answer nonsense."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from faults.case import Case, Run, Size
from faults.harness import DATABASES, Database, Harness, fast_clock
from faults.judge import Result, judged
from faults.project import Destination, Project, made
from faults.records import Records
from faults.replies import ended, numbers

JOBS = 125  # with a fault, in a case
BATCH = 2
EXPIRED_S = 7 * 3600
FASTER = 60
NONSENSE = ("broken-json", "html", "empty", "text")
Body = Callable[[Project, random.Random, int, Result], Result]


def cases(size: Size) -> Iterator[Case]:
    for kind, body in KINDS.items():
        for database in DATABASES:
            name = f"batch-jobs/{kind}/{database}"
            yield Case(name, _case(name, body, database, size.of(JOBS)))


def _case(name: str, body: Body, database: Database, jobs: int) -> Run:
    its = Destination("send_batch", "native", concurrency=25, keys={"batch": f"{{size: {BATCH}}}"})

    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, database, "--job-delay", "100ms", environ=environ(name)) as project:
            return body(project, dice, jobs, Result(name))

    return run


def environ(name: str) -> Mapping[str, str]:
    """Where jobs do not end, Penstock waits for ten minutes."""
    return fast_clock(FASTER) if "/expire/" in name or "/do-not-end/" in name else {}


def fail_in_part(project: Project, dice: random.Random, jobs: int, result: Result) -> Result:
    """One record of the batch is refused; a person resends what the quarantine has."""
    project.write_records(Records.of(3 * jobs * BATCH))
    project.commands.sandbox.fault(partial="at:1", path="/batch", method="POST", requests=numbers(dice, jobs, 3 * jobs))
    project.finish()
    result.faults = project.commands.sandbox.fired()[0]
    project.commands.sandbox.clear_faults()
    listed = project.commands.run("quarantine", "list")
    if len(listed) != jobs:
        result.problems.append(f"{jobs} records were refused, {len(listed)} are in quarantine")
    project.commands.run("quarantine", "resend", "--all")
    return judged(project, result)


def expire(project: Project, _dice: random.Random, jobs: int, result: Result) -> Result:
    """The jobs have not ended when the run ends, and their results are gone when the next one polls them."""
    accepted(project, jobs, result)
    project.commands.sandbox.advance(EXPIRED_S)
    project.commands.sandbox.stats()  # the jobs end now, and their results are stored for six hours
    project.commands.sandbox.advance(EXPIRED_S)
    project.finish()
    project.finish()  # what the expired jobs left unknown
    return judged(project, result)


def do_not_end(project: Project, _dice: random.Random, jobs: int, result: Result) -> Result:
    """The jobs have not ended after `confirm_timeout`, nor in the next run; in the one after it they have."""
    accepted(project, jobs, result)
    again = project.finish()
    if again["requests"] < jobs or again["records"]["delivered"]:
        result.problems.append(f"jobs that have not ended are polled, and not sent again: {again}")
    project.commands.sandbox.advance(EXPIRED_S)
    project.finish()
    return judged(project, result)


def accepted(project: Project, jobs: int, result: Result) -> None:
    project.write_records(Records.of(jobs * BATCH))
    project.commands.sandbox.settings(job_delay="1h")
    report = project.finish()
    if report["records"]["accepted"] != jobs * BATCH:
        result.problems.append(f"{jobs * BATCH} records were accepted, the run says {report['records']}")
    project.commands.sandbox.settings(job_delay="100ms")
    result.faults += jobs


def answer_nonsense(project: Project, dice: random.Random, jobs: int, result: Result) -> Result:
    """The reply to a poll is no JSON, HTML, empty, or text."""
    project.write_records(Records.of(2 * jobs * BATCH))
    each = max(1, jobs // len(NONSENSE))
    for body in NONSENSE:
        project.commands.sandbox.fault(body=body, path="/batch", method="GET", requests=numbers(dice, each, 2 * each))
    return ended(project, result)


KINDS: Mapping[str, Body] = {
    "fail-in-part": fail_in_part,
    "expire": expire,
    "do-not-end": do_not_end,
    "answer-nonsense": answer_nonsense,
}
