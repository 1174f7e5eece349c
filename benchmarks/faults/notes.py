"""Notes without an answer, which the API returns as text, HTML or trimmed, and shows only after some time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from faults.case import Case, Run, Size
from faults.harness import DATABASES, Database, Harness
from faults.judge import Result
from faults.project import Destination, made
from faults.records import Records
from faults.replies import ended, numbers

FORMS = ("text", "html", "trimmed")
FAULTS = 125  # replies that are lost, and as many requests that are not executed


def cases(size: Size) -> Iterator[Case]:
    for form in FORMS:
        for database in DATABASES:
            name = f"notes/{form}/{database}"
            yield Case(name, _case(name, form, database, size.of(FAULTS)))


def _case(name: str, form: str, database: Database, faults: int) -> Run:
    its = Destination("create_note", "native", concurrency=20, settle_after="1.5s")

    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its, database, "--notes", form, "--visible-after", "500ms") as project:
            project.commands.sandbox.advance(1)  # the companies are visible
            project.write_records(Records.of(4 * faults))
            sandbox = project.commands.sandbox
            sandbox.fault(cut="after", method="POST", requests=numbers(dice, faults, 3 * faults))
            sandbox.fault(cut="before", method="POST", requests=numbers(dice, faults, 2 * faults))
            return ended(project, Result(name))

    return run
