"""kill -9 at moments that the progress of a run decides, again and again, until a run comes to its end.

A case writes records, starts a run, kills it, starts it again … and lets it end; then the next versions follow, or new
records where one must not be sent twice. To add a moment, add an entry to `MOMENTS`; to add a command that is killed
after the runs have ended, one to `COMMANDS`.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from faults.case import Case, Size
from faults.harness import DATABASES, KILLED_RUN, CaseError, Database, Harness, until
from faults.judge import Result, judged
from faults.project import Destination, Project, made
from faults.records import DIALECTS, TEMPLATES, Records, marks, marks_of

KILLS, RECORDS = 11, 60  # of a case, and of each version in it
IN_A_ROW = 4  # kills before a run may come to its end
Strike = Callable[[Project, random.Random], bool]


@dataclass(frozen=True)
class Moment:
    """A moment to kill a run at. `strike` returns whether it was killed; False: the run came to its end before."""

    strike: Strike
    fits: Callable[[Project], bool] = lambda _: True


def held(*, commit: bool) -> Strike:
    """While a request is under way that the API executes, or does not."""

    def strike(project: Project, dice: random.Random) -> bool:
        project.commands.sandbox.fault(
            slow=60, method="POST", commit=commit, times=1, after=dice.randrange(RECORDS // (2 * IN_A_ROW))
        )
        return killed_when_fired(project, project.commands.start("run", "it", *project.wait))

    return strike


def planted(moment: str, most: int) -> Strike:
    """Where no request is under way: the process kills itself at a place in Penstock's code."""

    def strike(project: Project, dice: random.Random) -> bool:
        program = (str(KILLED_RUN), moment, str(dice.randint(1, most)))
        ended = project.commands.start("run", "it", *project.wait, program=program)
        ended.communicate(timeout=100)
        project.commands.lease_ended()
        if ended.returncode not in (-signal.SIGKILL, 0, 1):
            raise CaseError(f"a run that was to be killed ended with {ended.returncode}")
        return ended.returncode == -signal.SIGKILL

    return strike


def while_settling(fault: Mapping[str, str], method: str) -> Strike:
    """A request has no reply; the run is killed while it reads back, or while it sends once more."""

    def strike(project: Project, dice: random.Random) -> bool:
        sandbox = project.commands.sandbox
        known = {number for entry in sandbox.requests() for number, _ in marks(entry["body"])}
        new = sorted(project.newest.keys() - known)
        if not new:
            return False
        number = dice.choice(new)
        its = {"containing": f"rec-{number}-v{project.newest[number]}"}
        sandbox.fault(**fault, **its, method="POST", times=1)
        sandbox.fault(slow=60, method=method, times=1, **({"path": project.template.path} if method == "GET" else its))
        return killed_when_fired(project, project.commands.start("run", "it", *project.wait))

    return strike


def killed_when_fired(project: Project, process: subprocess.Popen[str]) -> bool:
    """Kill the process when the newest fault has changed a request; False if it ends before."""
    sandbox = project.commands.sandbox
    until(lambda: sandbox.fired()[-1] or process.poll() is not None)
    was_running = process.poll() is None
    if was_running:
        project.commands.kill(process)
    else:
        project.commands.end(process)
    sandbox.clear_faults()
    return was_running


def is_settled(project: Project) -> bool:
    return project.is_once and project.can_tell


MOMENTS: Mapping[str, Moment] = {
    "in flight, executed": Moment(held(commit=True)),
    "in flight, not executed": Moment(held(commit=False)),
    "before the bytes leave": Moment(planted("before the bytes leave", 8)),
    "between reply and verdict": Moment(planted("between reply and verdict", 8)),
    "between verdict and commit": Moment(planted("between verdict and commit", 8)),
    "inside the commit": Moment(planted("inside the commit", 1)),
    "between commit and next chunk": Moment(planted("after the commit", 1)),
    "before a chunk": Moment(planted("before a chunk", 1)),
    "between accepted and confirmed": Moment(
        planted("between accepted and confirmed", 3), lambda project: "batch" in project.destination.keys
    ),
    "in settle, reading": Moment(while_settling({"cut": "after"}, "GET"), is_settled),
    "in settle, sending again": Moment(while_settling({"cut": "before"}, "POST"), is_settled),
}


# ── commands that are killed ─────────────────────────────────────────────────


@dataclass(frozen=True)
class KilledCommand:
    """A command that is killed while a request of it is under way.

    `left` leaves it something to do, and `fault` selects the request during which it is killed. `finish` completes what
    it left.
    """

    words: tuple[str, ...]
    destination: Destination
    fault: Mapping[str, object]
    left: Callable[[Project], None]
    finish: Callable[[Project], None]
    records: int = 40
    more: Callable[[Project], tuple[str, ...]] = lambda _: ()  # words that are known when something is left


def leave_unknown(cut: str) -> Callable[[Project], None]:
    def leave(project: Project) -> None:
        project.commands.sandbox.fault(cut=cut, method="POST", requests="0.3")
        project.commands.run("run", "it", *project.wait)
        project.commands.sandbox.clear_faults()

    return leave


def leave_drift(project: Project) -> None:
    """After everything was sent, somebody changes every third object in Custify."""
    project.commands.run("run", "it", *project.wait)
    sandbox, kind = project.commands.sandbox, project.template.stored
    for stored in sandbox.state()[kind]:
        for number, _ in marks_of(stored):
            if number % 3 == 0 and kind == "tasks":
                sandbox.call("PUT", f"/task/{stored['id']}", {"name": "changed"})
            elif number % 3 == 0:
                sandbox.call("POST", "/company", {"company_id": stored["company_id"], "name": "changed"})


def fix(project: Project) -> None:
    project.commands.run("reconcile", "it", "--fix", codes=(0,))


def leave_deletions(project: Project) -> None:
    """After everything was sent, every second record leaves the dataset."""
    project.commands.run("run", "it", *project.wait)
    project.write_records(Records({number: 1 for number in project.newest if number % 2}))


def run_again(project: Project) -> None:
    project.commands.run("run", "it", *project.wait, codes=(0,))


def approval(project: Project) -> tuple[str, ...]:
    """Too many records have left the dataset: their deletion needs the hash that the plan shows."""
    return ("--allow-deletes", project.commands.run("plan", "it")["deletes_hash"])


def settle(project: Project) -> None:
    project.commands.run("settle", "it", codes=(0,))


PLAIN = {ord(" "): "-", ord(","): None, ord("("): None, ord(")"): None}  # names that need no quotes
MIRROR = {"mode": "mirror", "mirror_max_share": "1", "batch": "off"}
HOLD = {"on_unknown": "hold"}
COMMANDS: dict[str, KilledCommand] = {
    f"settle, {what} ({template})": KilledCommand(
        ("settle", "it"),
        Destination(template, "native", keys=HOLD),
        {"method": method} | ({"path": TEMPLATES[template].path} if method == "GET" else {"commit": commit}),
        leave_unknown(cut),
        settle,
    )
    for template in ("create_task", "create_note")
    for what, cut, method, commit in (
        ("reading", "after", "GET", True),
        ("sending again, executed", "before", "POST", True),
        ("sending again, not executed", "before", "POST", False),
    )
} | {
    f"reconcile fix, {what} ({template})": KilledCommand(
        ("reconcile", "it", "--fix"), Destination(template, "native", keys=keys), fault, leave_drift, fix
    )
    for template, path, method, keys in (
        ("upsert_company", "/company/all", "POST", {"batch": "off"}),
        ("create_task", "/task", "PUT", {}),
    )
    for what, fault in (
        ("reading", {"method": "GET", "path": path}),
        ("sending, executed", {"method": method, "commit": True}),
        ("sending, not executed", {"method": method, "commit": False}),
    )
}
COMMANDS |= {
    f"mirror, {what} ({template})": KilledCommand(
        ("run", "it"),
        Destination(template, "native", keys={**MIRROR, "on_delete": on_delete}),
        fault,
        leave_deletions,
        run_again,
    )
    for template, what, on_delete, fault in (
        ("upsert_company", "deleting, executed", "delete", {"method": "DELETE", "commit": True}),
        ("upsert_company", "deleting, not executed", "delete", {"method": "DELETE", "commit": False}),
        ("upsert_person", "deleting, executed", "delete", {"method": "DELETE", "commit": True}),
    )
}
COMMANDS |= {
    f"mirror allowed, {what}": KilledCommand(
        ("run", "it"),
        Destination("upsert_company", "native", keys={**MIRROR, "mirror_max_share": "0.05", "on_delete": on_delete}),
        fault,
        leave_deletions,
        run_again,
        more=approval,
    )
    for what, on_delete, fault in (
        ("deleting, executed", "delete", {"method": "DELETE", "commit": True}),
        ("deleting, not executed", "delete", {"method": "DELETE", "commit": False}),
    )
}


# ── cases ────────────────────────────────────────────────────────────────────


def cases(size: Size) -> Iterator[Case]:
    for template in TEMPLATES:
        for dialect in DIALECTS:
            for database in DATABASES:
                name = f"kills/{template}/{dialect}/{database}"
                yield Case(name, _runs(name, destination(template, dialect), database, size.of(KILLS)))
    for what in COMMANDS:
        for database in DATABASES:
            name = f"kills/{what.translate(PLAIN)}/{database}"
            yield Case(name, _command(name, COMMANDS[what], database))


def destination(template: str, dialect: str) -> Destination:
    keys = {"batch": "{size: 5}"} if dialect in TEMPLATES[template].batched else {"batch": "off"}
    if not TEMPLATES[template].batched:
        keys = {}
    chosen = next(each for each in DIALECTS if each == dialect)
    return Destination(template, chosen, concurrency=4, keys=keys)


def _runs(name: str, its: Destination, database: Database, wanted: int) -> Callable[[Harness, random.Random], Result]:
    def run(harness: Harness, dice: random.Random) -> Result:
        result = Result(name)
        times: list[float] = []
        with made(harness, its, database, "--latency", "10", "--job-delay", "20ms", most=RECORDS * 12) as project:
            fitting = [moment for moment in MOMENTS.values() if moment.fits(project)]
            for version in range(1, 13):
                next_version(project, version)
                for _ in range(IN_A_ROW):
                    if len(times) == wanted or not dice.choice(fitting).strike(project, dice):
                        break
                    times.append(time.time())
                    result.unknown_first += undecided(project)
                project.commands.sandbox.clear_faults()
                project.finish()
                if len(times) == wanted:
                    break
            result.faults = len(times)
            return judged(project, result, times)

    return run


def next_version(project: Project, version: int) -> None:
    """New versions of all records; new records where the same one may be sent only once in its life."""
    if project.template.name in ("create_task", "create_note", "insert_event"):
        project.write_records(Records.of(RECORDS * version))
    else:
        project.write_records(Records.of(RECORDS, version))


def undecided(project: Project) -> int:
    """How many records of the killed run may have arrived: the API received them, and the run has not counted them."""
    if not project.is_once:
        return 0
    sent = {number for entry in project.commands.sandbox.requests() for number, _ in marks(entry["body"])}
    counts = [run["records"] for run in project.commands.run("runs")]
    return max(0, len(sent) - sum(int(each["delivered"]) + int(each["unknown"]) for each in counts))


def _command(name: str, its: KilledCommand, database: Database) -> Callable[[Harness, random.Random], Result]:
    def run(harness: Harness, dice: random.Random) -> Result:
        with made(harness, its.destination, database, most=its.records) as project:
            project.write_records(Records.of(its.records))
            its.left(project)
            listed = project.commands.run("quarantine", "list")
            result = Result(name, unknown_first=len(listed))
            place = 0 if its.fault["method"] == "GET" else dice.randrange(4)
            project.commands.sandbox.fault(slow=60, times=1, after=place, **its.fault)
            if killed_when_fired(
                project,
                project.commands.start(
                    *its.words, *its.more(project), *(project.wait if its.words[0] == "run" else ())
                ),
            ):
                result.faults += 1
            times = [time.time()] if result.faults else []
            its.finish(project)
            return judged(project, result, times)

    return run
