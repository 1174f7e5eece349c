"""Several processes on one credential, and processes that are stopped, continued, or killed while others go on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

from faults.case import Case, Run, Size
from faults.harness import DATABASES, CaseError, Database, Harness, until
from faults.judge import Result, judged
from faults.project import Destination, Project, made
from faults.records import Records
from faults.replies import numbers, unanswered

LIMIT, PER_S, WINDOWS = 40, 2, 10
NAMES = ("it0", "it1", "it2", "it3")
RATE = f"{{requests: {LIMIT}, per: {PER_S}s}}"
STOPPED = 3  # cases
RECORDS = 300


def cases(size: Size) -> Iterator[Case]:
    for database in DATABASES:
        for kind in ("four", "four-one-killed"):
            name = f"processes/{kind}/{database}"
            yield Case(name, _four(name, database, max(4, size.of(WINDOWS)), is_killed=kind != "four"))
    for number in range(size.of(STOPPED)):
        name = f"processes/stopped/{number}"
        yield Case(name, _stopped(name))
        name = f"processes/killed-and-waited-for/{number}"
        yield Case(name, _waited_for(name))


def _four(name: str, database: Database, windows: int, *, is_killed: bool) -> Run:
    """Four runs at once on one rate limit; some replies are lost, and one process is killed."""
    its = Destination("upsert_company", "native", rate=RATE, keys={"batch": "off"})

    def run(harness: Harness, dice: random.Random) -> Result:
        flags = ("--rate", f"{LIMIT}/{PER_S}s", "--latency", "20")
        result = Result(name)
        with made(harness, its, database, *flags, names=NAMES) as project:
            sandbox = project.commands.sandbox
            until(lambda: time.time() - sandbox.stats()["windows"][-1]["start"] > PER_S)  # that of the preparation
            before = sandbox.last_seq()
            project.write_records(Records.of(LIMIT * (windows + 1)))
            if is_killed:
                sandbox.fault(cut="after", method="POST", requests=numbers(dice, windows * 2, windows * LIMIT // 2))
            processes = [project.commands.start("run", each, *project.wait) for each in NAMES]
            times = [kill_one(project, processes, before, dice)] if is_killed else []
            for process in processes:
                if process.poll() != -signal.SIGKILL:
                    project.commands.end(process)
            for each in NAMES if is_killed else ():
                project.finish(each)
            result.faults += sum(sandbox.fired()) + len(times)
            if not is_killed:
                result.share = share(sandbox.requests(), before, windows)
            project.commands.starts = project.commands.starts[:1]  # they run at the same time
            return judged(project, result, times)

    return run


def kill_one(project: Project, processes: Sequence[subprocess.Popen[str]], before: int, dice: random.Random) -> float:
    sandbox = project.commands.sandbox
    until(lambda: sandbox.last_seq() > before + LIMIT * 3 // 2 or all(each.poll() is not None for each in processes))
    process = dice.choice(processes)
    if process.poll() is not None:
        raise CaseError("a process ended before it could be killed")
    process.kill()
    process.communicate()
    return time.time()


def share(log: Sequence[dict[str, Any]], before: int, windows: int) -> float:
    """The used share of the rate limit, from the first window to the one after the last."""
    moments = sorted(entry["time"] for entry in log if entry["seq"] > before and entry["status"] != 429)
    return float(windows * PER_S / (moments[LIMIT * windows] - moments[0]))


def _stopped(name: str) -> Run:
    """A process is stopped for longer than its lease, another takes over; the first one then writes nothing more."""
    its = Destination("create_task", "native", concurrency=4)

    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, "postgres", "--latency", "20") as project:
            project.write_records(Records.of(RECORDS))
            first = project.commands.start("run", "it")
            received(project, first, dice.randint(20, 80))
            os.kill(first.pid, signal.SIGSTOP)
            stopped_at, stopped_with = time.time(), project.commands.sandbox.last_seq()
            heir = project.commands.start("run", "it", "--wait")
            received(project, heir, stopped_with + dice.randint(5, 60))
            os.kill(first.pid, signal.SIGCONT)
            overtaken = project.commands.end(first)
            project.commands.end(heir)
            result = Result(name, faults=1)
            if overtaken.code != 3:
                result.problems.append(f"the process that lost its lease ended with {overtaken.code}")
            project.finish()
            result.unknown_first = unanswered(project)
            return judged(project, result, [stopped_at])

    return run


def _waited_for(name: str) -> Run:
    """A process is killed, and the next one waits for the end of its lease."""
    its = Destination("create_task", "native", concurrency=4)

    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, "postgres", "--latency", "20") as project:
            project.write_records(Records.of(RECORDS))
            first = project.commands.start("run", "it")
            received(project, first, dice.randint(20, 80))
            first.kill()
            first.communicate()
            times = [time.time()]
            project.finish()
            return judged(project, Result(name, faults=1, unknown_first=unanswered(project)), times)

    return run


def received(project: Project, process: subprocess.Popen[str], number: int) -> None:
    """Wait until the API has received so many requests, and the process is still running."""
    sandbox = project.commands.sandbox
    until(lambda: sandbox.last_seq() >= number or process.poll() is not None)
    if process.poll() is not None:
        raise CaseError(f"a run ended before the API had received {number} requests: {process.communicate()}")
