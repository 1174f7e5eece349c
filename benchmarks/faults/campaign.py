"""`python benchmarks/fault_campaign.py`: runs the cases, two at a time, prints each result, and writes the report."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import batch_jobs, environment, kills, notes, processes, replies, services, throttling
from faults.case import Case, Size
from faults.harness import Harness
from faults.judge import Result
from faults.report import KINDS, About, in_words, replay, shortfalls, table, written

MODULES = (kills, replies, throttling, batch_jobs, notes, processes, services, environment)
AT_ONCE = 2


def all_cases(size: Size = Size()) -> list[Case]:  # noqa: B008 - frozen
    return [case for module in MODULES for case in module.cases(size)]


def chosen(cases: Sequence[Case], only: str, share: float) -> list[Case]:
    """The cases whose names begin with `only`; of each kind about this share of them, spread over it, at least one."""
    wanted = [case for case in cases if case.name.startswith(only)]
    groups = ([case for case in wanted if case.name.startswith(kind)] for kind in KINDS)
    return [case for group in groups if group for case in _spread(group, share)]


def _spread(group: Sequence[Case], share: float) -> Iterator[Case]:
    number = max(1, round(len(group) * share))
    for place in range(number):
        yield group[place * len(group) // number]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="all random choices come from it")
    parser.add_argument("--only", default="", help="a kind of fault, or the beginning of a case's name")
    parser.add_argument("--share", type=float, default=1.0, help="the share of the cases of each kind that run")
    parser.add_argument("--size", type=float, default=1.0, help="how large the cases are; another size is another case")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many cases run at the same time")
    parser.add_argument("--to", type=Path, help="the folder for campaign.md and campaign.json")
    given = parser.parse_args()
    began = time.monotonic()
    moment = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    load = os.getloadavg()[0]
    results = run_all(chosen(all_cases(Size(given.size)), given.only, given.share), given.seed, given.at_once)
    if given.to is not None:
        command = f'make faults ARGS="{" ".join(word for word in sys.argv[1:] if word)}"'
        machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load average before {load:.1f}"
        written(given.to, results, About(command, moment, machine, time.monotonic() - began))
    print(*table(results), *shortfalls(results), sep="\n")
    sys.exit(0 if all(result.passed or result.not_run for result in results) else 1)


def run_all(cases: Sequence[Case], seed: int, at_once: int) -> list[Result]:
    harness = Harness()

    def run(case: Case) -> Result:
        result = case.result(harness, seed)
        print(line(result), flush=True)
        return result

    try:
        with ThreadPoolExecutor(at_once) as workers:
            return list(workers.map(run, cases))
    finally:
        harness.close()


def line(result: Result) -> str:
    state = "not run" if result.not_run else "ok" if result.passed else "FAILED"
    numbers = f"{result.faults} faults, {result.records} records, {result.delivered} delivered"
    unknown = f"unknown {result.unknown_first} → {result.unknown_end}"
    text = f"{state:7} {result.case}: {numbers}, {unknown}, {result.took_s:.1f} s"
    if result.not_run:
        return f"{text}\n        {result.not_run}"
    if not result.passed:
        problems = [*(f"        {each}" for each in result.problems), f"        {in_words(result)}"]
        return "\n".join([text, *problems, f"        {replay(result)}"])
    return text
