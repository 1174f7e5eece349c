"""PostgreSQL is restarted, clocks are set, the disk of the state is full: during a run."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from faults.case import Case, Run, Size
from faults.harness import DATABASES, Harness, NotRunError, PostgresServer, settable_clock
from faults.judge import Result, judged
from faults.processes import LIMIT, PER_S, RATE, received
from faults.project import Destination, Project, made
from faults.records import Records
from faults.replies import unanswered

RESTARTS, JUMPS, DISKS = 4, 4, 4
RECORDS = 300
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
T = TypeVar("T")
TASK = Destination("create_task", "native", concurrency=4)
PERSON = Destination("upsert_person", "flat", concurrency=4)


def cases(size: Size) -> Iterator[Case]:
    for number in range(size.of(RESTARTS)):
        name = f"environment/postgresql-restarts/{number}"
        yield Case(name, _restarted(name, PERSON if number % 2 else TASK))
    for number in range(size.of(JUMPS)):
        for database in DATABASES:
            name = f"environment/clock-jumps/{database}/{number}"
            yield Case(name, _clock_set(name, database))
    for number in range(size.of(DISKS)):
        name = f"environment/disk-full/{number}"
        yield Case(name, _disk_full(name, PERSON if number % 2 else TASK))


def _restarted(name: str, its: Destination) -> Run:
    def run(harness: Harness, dice: random.Random) -> Result:
        server = PostgresServer()
        try:
            with made(harness, its, "sqlite", "--latency", "20") as project:
                project.commands.database = server.database()
                project.write_records(Records.of(RECORDS))
                process = project.commands.start("run", "it")
                received(project, process, dice.randint(20, 120))
                server.control("restart")
                times = [time.time()]
                ended = project.commands.end(process)
                result = Result(name, faults=1, unknown_first=unanswered(project))
                if ended.code not in (0, 3):
                    result.problems.append(f"the run whose database was restarted ended with {ended.code}")
                project.finish()
                return judged(project, result, times)
        finally:
            server.close()

    return run


def _clock_set(name: str, database: str) -> Run:
    """The time of day is set an hour forward or back inside a window of the rate limit, for all processes alike."""

    def run(harness: Harness, dice: random.Random) -> Result:
        its = Destination("upsert_person", "flat", concurrency=4, rate=RATE)
        hours = dice.choice([1, -1])
        with harness.folder() as folder:
            clock = settable_clock(folder)
            flags = ("--rate", f"{LIMIT}/{PER_S}s")
            chosen = next(each for each in DATABASES if each == database)
            with made(harness, its, chosen, *flags, environ=clock.environ) as project:
                project.write_records(Records.of(LIMIT * 4))
                process = project.commands.start("run", "it", *project.wait)
                received(project, process, dice.randint(LIMIT + 2, 2 * LIMIT))
                clock.set(hours)
                ended = project.commands.end(process)
                result = Result(name, faults=1)
                if ended.code != 0 or ended.document["duration_s"] > 30:
                    result.problems.append(f"the run ended with {ended.code}: {ended.document}")
                return judged(project, result)

    return run


def _disk_full(name: str, its: Destination) -> Run:
    def run(harness: Harness, dice: random.Random) -> Result:
        def inside() -> Result:
            with made(harness, its, "sqlite", "--latency", "5") as project:
                project.commands.as_program = True
                state = project.commands.folder / ".penstock"
                state.mkdir(mode=0o700)
                mount("-t", "tmpfs", "-o", f"size={dice.randint(650, 760)}k,mode=700", "penstock-faults", state)
                return filled(project, state, Result(name, faults=1))

        return with_own_mounts(inside)

    return run


def filled(project: Project, state: Path, result: Result) -> Result:
    project.write_records(Records.of(4 * RECORDS))
    ended = project.commands.end(project.commands.start("run", "it"))
    times = [time.time()]
    result.unknown_first = unanswered(project)
    if ended.code != 3 or ended.document["errors"][0]["code"] != "disk-full":
        result.problems.append(f"the disk was full, and the run ended with {ended.code}: {ended.document}")
    mount("-o", "remount,size=100m", state)
    project.finish()
    return judged(project, result, times)


def with_own_mounts(inside: Callable[[], T]) -> T:
    """Call it in a thread whose mounts end with it. Raises NotRunError where the kernel refuses."""

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(NEW_MOUNTS) != 0:
            raise NotRunError(f"the kernel gives no mounts of its own: {os.strerror(ctypes.get_errno())}")
        mount("--make-rprivate", "/")

    with ThreadPoolExecutor(1) as thread:
        thread.submit(enter).result()
        return thread.submit(inside).result()


def mount(*words: str | Path) -> None:
    done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotRunError(f"mount is refused here: {done.stderr.strip()}")
