"""Several processes on one credential, and processes that are stopped, continued, or killed while others go on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from csv import reader
from dataclasses import dataclass
from typing import Any

from faults.case import Case, Run, Size
from faults.harness import DATABASES, CaseError, Database, Harness, until
from faults.judge import Result, judged, stored
from faults.project import Destination, Project, made
from faults.records import COLUMNS, Records, marks, row
from faults.replies import numbers, unanswered

LIMIT, PER_S, WINDOWS = 40, 2, 10
NAMES = ("it0", "it1", "it2", "it3")
RATE = f"{{requests: {LIMIT}, per: {PER_S}s}}"
STOPPED = 3  # cases
RECORDS = 300
TABLED, ROUNDS = 100, 4
TABLE = '{type: sql, url: "sqlite:///rows.db", table: it, cursor: moved}'
BESIDE: Mapping[str, Mapping[str, str]] = {
    "upsert_company": {"batch": "off"},
    "create_note": {"on_changed": "ignore"},
}


def cases(size: Size) -> Iterator[Case]:
    for database in DATABASES:
        for kind in ("four", "four-one-killed"):
            name = f"processes/{kind}/{database}"
            yield Case(name, _four(name, database, max(4, size.of(WINDOWS)), is_killed=kind != "four"))
        for template in BESIDE:
            name = f"processes/backfill/{template}/{database}"
            yield Case(name, _beside(name, template, database))
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


def _beside(name: str, template: str, database: Database) -> Run:
    """A backfill of a table while newer versions come, with a run for them each time; any of the processes is killed.

    Where each key is sent once, any version may be the one that arrives.
    """
    its = Destination(template, "native", concurrency=2, source=TABLE, keys=BESIDE[template])

    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, database, "--latency", "100", most=TABLED) as project:
            commands, times, result = project.commands, list[float](), Result(name)
            table = Table(project, dice)
            table.write(range(TABLED))
            processes: list[subprocess.Popen[str]] = []
            for place in range(ROUNDS):
                if all(each.poll() is not None for each in processes):  # continues what was killed, if anything
                    processes.append(commands.start("run", "it", "--wait"))
                    sent_more(project, processes[-1], dice.randint(5, 15))
                written = table.write(dice.sample(range(TABLED), TABLED // 5))
                processes.append(commands.start("run", "it", "--wait"))
                sent_more(project, processes[-1], 25, written, dice.randint(1, 6))
                alive = [each for each in processes if each.poll() is None]
                for process in dice.sample(alive, min(len(alive), 1 + place % 2)):
                    commands.kill_beside_others(process)
                    times.append(time.time())
            for process in processes:
                if process.poll() != -signal.SIGKILL:
                    commands.end(process)
            result.faults = len(times)
            return _judged_beside(project, result, times)

    return run


def _judged_beside(project: Project, result: Result, times: Sequence[float]) -> Result:
    """Continue what was killed until nothing is left; then each record has its newest version, or one of them."""
    while project.finish()["records"]["read"]:
        pass
    if project.is_once:
        project.commands.run("settle", "it")
        _, versions = stored(project.commands.sandbox.state()[project.template.stored])
        project.newest |= {number: min(version, project.newest[number]) for number, version in versions.items()}
    project.commands.starts = project.commands.starts[:1]  # the order holds across all of them
    return judged(project, result, times, quiet=False)


@dataclass
class Table:
    """The source of a project: a table with a cursor, whose rows get newer versions."""

    project: Project
    dice: random.Random
    moved: int = 0

    def write(self, numbers: Sequence[int]) -> set[tuple[int, int]]:
        """A newer version of each of these records, in any order; returns them."""
        newest = self.project.newest
        rows = []
        for number in self.dice.sample(numbers, len(numbers)):
            newest[number] = newest.get(number, 0) + 1
            self.moved += 1
            rows.append((*next(reader([row(number, newest[number])])), self.moved))
        with sqlite3.connect(self.project.commands.folder / "rows.db") as connection:
            columns = COLUMNS.replace("id", "id primary key", 1)
            connection.execute(f"create table if not exists it ({columns}, moved integer)")
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert or replace into it values ({places})", rows)
        return {(number, newest[number]) for number in numbers}


def sent_more(
    project: Project,
    process: subprocess.Popen[str],
    number: int,
    written: Collection[tuple[int, int]] = (),
    of_these: int = 1,
) -> None:
    """Wait until the API has received so many more requests, or some for these records, or the process has ended."""
    sandbox = project.commands.sandbox
    wanted = sandbox.last_seq() + number

    def seen() -> int:
        return sum(each in written for entry in sandbox.requests() for each in marks(entry["body"]))

    until(lambda: process.poll() is not None or sandbox.last_seq() >= wanted or (written and seen() >= of_these))


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
