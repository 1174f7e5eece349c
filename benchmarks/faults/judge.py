"""What became of the records, by the sandbox's own log and objects; what Penstock says is compared with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from faults.project import Project
from faults.records import marks, marks_of, number_of


@dataclass
class Result:
    """What a case measured. `problems` are broken laws, in words; `not_run` says why a case could not run."""

    case: str
    seed: int = 0
    faults: int = 0
    records: int = 0
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    unknown_first: int = 0
    unknown_end: int = 0
    quarantined: int = 0  # at the end, with the reason of the API
    cannot_tell: int = 0  # of `unknown_end`: the API has no way to read them back
    refused_429: int = 0
    share: float | None = None
    recover_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    not_run: str | None = None
    took_s: float = 0.0

    @property
    def kind(self) -> str:
        return self.case.partition("/")[0]

    @property
    def passed(self) -> bool:
        wrong = self.lost + self.doubled + self.out_of_order + self.refused_429 + self.quarantined
        return not (self.not_run or wrong or self.problems or self.unknown_end > self.cannot_tell)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"passed": self.passed, "recover_s": [round(each, 3) for each in self.recover_s]}


def judged(project: Project, result: Result, kills: Sequence[float] = (), *, quiet: bool = True) -> Result:
    """Complete the result of a case whose commands have all ended. `kills` are the times of processes that were killed.

    `quiet`: a further run must have nothing to send.
    """
    sandbox, newest = project.commands.sandbox, project.newest
    result.problems += conservation(project)
    listed = project.commands.run("quarantine", "list")
    open_ = {number_of(entry["key"]) for entry in listed}
    unknown = {number_of(entry["key"]) for entry in listed if entry["outcome"] == "unknown"}
    result.unknown_end += len(unknown)
    result.quarantined += len(listed) - len(unknown)
    if not project.can_tell:
        result.cannot_tell += len(unknown)
    if quiet:
        result.problems += further_runs(project, left=len(open_))
    log = sandbox.requests()
    copies, versions = stored(sandbox.state()[project.template.stored])
    arrived = {number for number, version in newest.items() if versions.get(number) == version}
    left = versions.keys() - newest.keys()
    if left:
        result.problems.append(f"Custify has {len(left)} objects of records that are not in the dataset any more")
    result.records += len(newest)
    result.delivered += len(arrived)
    result.lost += len(newest.keys() - arrived - open_)
    result.doubled += sum(times - 1 for times in copies.values())
    result.out_of_order += out_of_order(log, project.commands.starts, versions)
    result.refused_429 += sandbox.stats()["refused_429"]
    result.recover_s += recovery(log, kills)
    return result


def stored(objects: Iterable[Any]) -> tuple[Counter[int], dict[int, int]]:
    """How many objects there are of each record, and its version."""
    copies: Counter[int] = Counter()
    versions: dict[int, int] = {}
    for each in objects:
        for number, version in marks_of(each):
            copies[number] += 1
            versions[number] = version
    return copies, versions


def out_of_order(log: Sequence[Mapping[str, Any]], starts: Sequence[int], versions: Mapping[int, int]) -> int:
    """Records of which an older version was written after a newer one by one process, or is what is stored now.

    A process that continues the run of a killed one may send again what was not yet committed: each has its own order.
    """
    wrong: set[int] = set()
    newest: dict[int, int] = {}
    for first, end in zip(starts, [*starts[1:], 2**62], strict=True):
        last: dict[int, int] = {}
        for entry in log:
            if first < entry["seq"] <= end and entry["committed"]:
                for number, version in marks(entry["body"]):
                    if version < last.get(number, 0):
                        wrong.add(number)
                    last[number] = max(version, last.get(number, 0))
        newest |= {number: max(version, newest.get(number, 0)) for number, version in last.items()}
    return len(wrong | {number for number, version in versions.items() if version < newest.get(number, 0)})


def recovery(log: Sequence[Mapping[str, Any]], kills: Sequence[float]) -> list[float]:
    """The seconds from each fault to the next record that was delivered: written, and answered with 2xx."""
    good = [e["time"] for e in log if e["committed"] and e["fault"] is None and 200 <= (e["status"] or 0) < 300]
    faults = [entry["time"] for entry in log if entry["fault"] is not None and entry["method"] != "GET"]
    found: list[float] = []
    place = 0
    for moment in sorted([*faults, *kills]):
        while place < len(good) and good[place] <= moment:
            place += 1
        if place < len(good):
            found.append(good[place] - moment)
    return found


def conservation(project: Project) -> list[str]:
    """The law of the ledger: of each run, the outcomes add up to the records that were read."""
    wrong = []
    for run in project.commands.run("runs"):
        counts = dict(run["records"])
        read = counts.pop("read")
        if read != sum(counts.values()):
            wrong.append(f"run {run['run']}: {read} read, but outcomes {counts}")
        if run["status"] == "running":
            wrong.append(f"run {run['run']} counts as running, although no process is left")
    return wrong


def further_runs(project: Project, left: int) -> list[str]:
    """Further runs have nothing to send: by Penstock's memory, everything but `left` records was delivered."""
    reports = [project.commands.run("run", name, *project.wait) for name in project.names]
    requests = sum(report["requests"] for report in reports)
    counts = Counter[str]()
    for report in reports:
        counts.update(report["records"])
    reported = (counts["unchanged"], counts["delivered"], counts["unknown"] + counts["quarantined"])
    if left == 0 and requests:
        return [f"further runs sent {requests} requests; their outcomes: {dict(counts)}"]
    if reported != (len(project.newest) - left, 0, left):
        return [f"{left} records are listed in quarantine; outcomes of further runs: {dict(counts)}"]
    return []
