"""Replies 429 with every form of `Retry-After`, and 5xx for minutes; all clocks run faster (libfaketime).

The clock of PostgreSQL, by which the rate limit of a shared state is counted, does not: there, a storm of 429 is small
and in real time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from faults.case import Case, Size
from faults.harness import DATABASES, Database, Harness, fast_clock, until
from faults.judge import Result, judged
from faults.project import Destination, made
from faults.records import Dialect, Records
from faults.replies import ended, numbers, unanswered

STORM, OUTAGE = 200, 150  # faults of a case
SHARED_STORM = 20
MINUTES = 3
FASTER = 20
FORMS: Mapping[str, str | float] = {
    "seconds": 2,
    "date": "date:2",
    "past": "date:-60",
    "absent": "none",
    "zero": 0,
    "no-number": "soon",
    "negative": "-5",
    "ten-minutes": 590,
    "a-day": 86400,
    "absurd": "9" * 25,
}
SOON = ("seconds", "date", "past", "absent", "zero", "no-number", "negative")
WHERE: tuple[tuple[str, Dialect, Database], ...] = (
    ("upsert_person", "flat", "sqlite"),
    ("create_task", "native", "postgres"),
)


def cases(size: Size) -> Iterator[Case]:
    for form in FORMS:
        for template, dialect, _ in WHERE:
            name = f"throttling/429-{form}/{template}/{dialect}/sqlite"
            faults = size.of(STORM) if form in SOON else 2
            yield Case(name, _storm(name, _its(template, dialect), "sqlite", form, faults))
    name = "throttling/429-seconds/create_task/native/postgres"
    yield Case(name, _storm(name, Destination("create_task", "native"), "postgres", "seconds", size.of(SHARED_STORM)))
    for status in (500, 502, 503, 504):
        for template, dialect, _ in WHERE:
            database = DATABASES[status % 2]
            name = f"throttling/{status}-for-minutes/{template}/{dialect}/{database}"
            yield Case(name, _outage(name, _its(template, dialect), database, status, size.of(OUTAGE)))


def _its(template: str, dialect: Dialect) -> Destination:
    """Half a minute for a reply, and three seconds before a read counts, by the clock of the machine."""
    return Destination(template, dialect, timeout=f"{30 * FASTER}s", settle_after=f"{3 * FASTER}s")


def _storm(
    name: str, its: Destination, database: Database, form: str, faults: int
) -> Callable[[Harness, random.Random], Result]:
    def run(harness: Harness, dice: random.Random) -> Result:
        environ = fast_clock(FASTER) if database == "sqlite" else {}
        with made(harness, its, database, "--latency", "100", environ=environ) as project:
            project.write_records(Records.of(max(10, faults)))
            project.commands.sandbox.fault(
                status=429,
                retry_after=FORMS[form],
                method="POST",
                requests=numbers(dice, faults, round(1.3 * max(10, faults))),
            )
            return ended(project, Result(name))

    return run


def _outage(
    name: str, its: Destination, database: Database, status: int, records: int
) -> Callable[[Harness, random.Random], Result]:
    """Every request gets this status for minutes, then none."""

    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, database, "--latency", "100", environ=fast_clock(FASTER)) as project:
            project.write_records(Records.of(records))
            sandbox = project.commands.sandbox
            sandbox.fault(status=status, commit=dice.random() < 0.5, after=records // 3)
            process = project.commands.start("run", "it", *project.wait)
            until(lambda: sandbox.fired()[0] > 0 or process.poll() is not None)
            first = sandbox.last_time()
            until(lambda: process.poll() is not None or _passed(sandbox.last_time(), first), 100, every_s=0.1)
            result = Result(name, faults=sandbox.fired()[0])
            sandbox.clear_faults()
            project.commands.end(process)
            project.finish()
            if project.commands.run("quarantine", "list"):
                project.commands.run("quarantine", "resend", "--all")
            result.unknown_first = unanswered(project)
            return judged(project, result)

    return run


def _passed(now: float, since: float) -> bool:
    return now - since > MINUTES * 60
