"""Replies that are lost, and connections that are cut before or after the API executed the request."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from faults.case import Case, Size
from faults.harness import DATABASES, Database, Harness
from faults.judge import Result, judged
from faults.project import Destination, Project, made
from faults.records import DIALECTS, TEMPLATES, Records, marks

LOST = 250  # replies of a case, of twice as many records
CREATES: Sequence[tuple[str, Database]] = (
    ("create_task/native", "sqlite"),
    ("create_task/native", "postgres"),
    ("create_note/native", "sqlite"),
    ("create_note/native", "postgres"),
    ("create_task/flat", "sqlite"),
    ("create_note/flat", "postgres"),
    ("insert_event/flat", "sqlite"),
    ("insert_event/flat", "postgres"),
)
CUT = 50  # before, and as many after the request was executed
VERSIONS, KEYS = 5, 60
UPDATES = ("upsert_person", "upsert_company", "upsert_subscription", "upsert_deal")


def cases(size: Size) -> Iterator[Case]:
    for what, database in CREATES:
        template, _, dialect = what.partition("/")
        name = f"replies/lost/{what}/{database}"
        yield Case(name, _lost(name, _its(template, dialect), database, size.of(LOST)))
    for place, template in enumerate(TEMPLATES):
        for dialect in DIALECTS:
            database = DATABASES[(place + (dialect == "flat")) % 2]
            name = f"replies/cut/{template}/{dialect}/{database}"
            yield Case(name, _cut(name, _its(template, dialect), database, size.of(CUT)))
    for place, template in enumerate(UPDATES):
        name = f"replies/order/{template}/{DIALECTS[place % 2]}/{DATABASES[place // 2]}"
        yield Case(name, _order(name, _its(template, DIALECTS[place % 2]), DATABASES[place // 2], size.of(KEYS)))


def _its(template: str, dialect: str, **keys: str) -> Destination:
    chosen = next(each for each in DIALECTS if each == dialect)
    batched = TEMPLATES[template].batched
    batch = {"batch": "{size: 2}" if chosen in batched else "off"} if batched else {}
    return Destination(template, chosen, concurrency=20, keys=batch | keys)


def _lost(name: str, its: Destination, database: Database, lost: int) -> Callable[[Harness, random.Random], Result]:
    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, database, most=2 * lost) as project:
            project.write_records(Records.of(2 * lost))
            project.commands.sandbox.fault(cut="after", method="POST", requests=numbers(dice, lost, 2 * lost))
            return ended(project, Result(name))

    return run


def _cut(name: str, its: Destination, database: Database, cut: int) -> Callable[[Harness, random.Random], Result]:
    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, database, most=8 * cut) as project:
            project.write_records(Records.of(4 * cut * (2 if its.keys.get("batch", "off") != "off" else 1)))
            project.commands.sandbox.fault(cut="before", method="POST", requests=numbers(dice, cut, 3 * cut))
            project.commands.sandbox.fault(cut="after", method="POST", requests=numbers(dice, cut, 2 * cut))
            return ended(project, Result(name))

    return run


def _order(name: str, its: Destination, database: Database, keys: int) -> Callable[[Harness, random.Random], Result]:
    """Each record in several versions, which are all sent; retries must not change their order."""

    def run(harness: Harness, dice: random.Random) -> Result:
        destination = Destination(its.template, its.dialect, concurrency=20, keys={**its.keys, "mode": "all"})
        with made(harness, destination, database, most=keys) as project:
            rows = [number for number in range(keys) for _ in range(VERSIONS)]
            dice.shuffle(rows)
            version = dict.fromkeys(range(keys), 0)
            ordered = []
            for number in rows:
                version[number] += 1
                ordered.append((number, version[number]))
            project.newest = dict.fromkeys(range(keys), VERSIONS)
            project.write_rows(ordered)
            share = round(keys * VERSIONS / 5)
            project.commands.sandbox.fault(cut="before", method="POST", requests=numbers(dice, share, 2 * share))
            project.commands.sandbox.fault(cut="after", method="POST", requests=numbers(dice, share, 2 * share))
            return ended(project, Result(name), quiet=False)

    return run


def numbers(dice: random.Random, faults: int, of: int) -> str:
    """Some of so many requests, as the sandbox's `requests`."""
    return "at:" + "+".join(str(number) for number in sorted(dice.sample(range(of), faults)))


def ended(project: Project, result: Result, *, quiet: bool = True) -> Result:
    """Run to the end with the faults that are set, and judge."""
    project.finish()
    result.faults += sum(project.commands.sandbox.fired())
    result.unknown_first += unanswered(project)
    project.commands.sandbox.clear_faults()
    return judged(project, result, quiet=quiet)


def unanswered(project: Project) -> int:
    """Records of requests that must not be sent twice and got no reply, or one that does not say what was done."""
    if not project.is_once:
        return 0
    log = project.commands.sandbox.requests()
    without = [entry for entry in log if entry["method"] == "POST" and (entry["status"] or 599) in range(500, 600)]
    return sum(len(marks(entry["body"])) for entry in without)
