"""`make bench`: one table of Penstock beside hand-written loops and dlt, on the same input and in the same run.

    .venv/bin/python benchmarks/compare.py [--rounds N] [--quick]

Every measurement is a separate process, with wall time and peak memory from the operating system, imports included. The
table is printed, and written to benchmarks/RESULTS.md. `--quick` takes a tenth of the records and writes no file.
This process imports the standard library only: on Linux a child's peak memory is never below the memory of its parent.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
SIZE = 500
IN_FLIGHT = 50  # for one record a request
LATENCY_MS = 50
PAGE_WINDOW_S = 10  # seconds: the window that Custify documents
SETTINGS = "exclude: [internal_a, internal_b, internal_c, internal_d]"

# Records/s of the whole process that the peers reached on a quiet two-core machine: 100,000 records, 500 a request.
QUIET = {"requests loop": 37_922, "aiohttp + orjson loop": 60_569, "dlt, dicts": 8_724, "dlt, Arrow": 20_687}
PEER_SHARE = 0.7
QUIET_SINGLES = 5_977  # records/s of the aiohttp loop in (b) on the machine for which the targets were set

HEAD = (
    "| | what | sender | wall s | CPU s | records/s, whole process | records/s, steady | peak MB | target | reached"
    " | met |"
)


@dataclass(frozen=True)
class Done:
    """One finished process: wall time and CPU time in seconds, peak memory in MB, and the document in its last line."""

    wall: float
    cpu: float
    peak: float
    document: dict[str, Any]

    @property
    def records(self) -> int:
        return int(self.document["records"])

    @property
    def inside(self) -> float:
        """Records/s without the imports."""
        return self.records / float(self.document["seconds"])


@dataclass
class Report:
    judge: bool = True  # the targets are for all records, not for a tenth
    speed: float | None = None  # of this machine, by the aiohttp loop of (b); the targets are for 1
    lines: list[str] = field(default_factory=lambda: [HEAD, "|---|---|---|---:|---:|---:|---:|---:|---|---:|---|"])

    def row(
        self, what: str, sender: str, done: Done | None = None, steady: float | None = None, goal: Goal | None = None
    ) -> None:
        part, _, title = what.partition(" ")
        measured = (f"{done.wall:.2f}", f"{done.cpu:.2f}", f"{done.records / done.wall:,.0f}") if done else ("", "", "")
        goal = goal if goal and self.judge else Goal("", goal.reached if goal else "", met=None)
        met = "" if goal.met is None else "yes" if goal.met else "**no**"
        cells = (part, title, sender, *measured, f"{steady:,.0f}" if steady else "", f"{done.peak:.0f}" if done else "")
        line = "| " + " | ".join((*cells, goal.target, goal.reached, met)) + " |"
        self.lines.append(line)
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Goal:
    target: str
    reached: str
    met: bool | None


def at_least(least: float, reached: float, form: str = "{:,.0f}") -> Goal:
    return Goal(f"≥ {form.format(least)}", form.format(reached), met=reached >= least)


def at_most(most: float, reached: float, form: str) -> Goal:
    return Goal(f"≤ {form.format(most)}", form.format(reached), met=reached <= most)


def python(script: str, *arguments: object) -> Done:
    """Run a script of this folder to its end. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, HERE / script, *map(str, arguments)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{script} {arguments} ended with {process.returncode}")
    last = output.strip().rpartition("\n")[2]
    return Done(
        wall,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        json.loads(last) if last.startswith("{") else {"output": output},
    )


@contextmanager
def listening(*command: str) -> Iterator[str]:
    """A server in a separate process; yields its first line."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def ask(port: int, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@dataclass
class Bench:
    """The folder of this run, the number of rounds (the fastest counts), and the divisor of the records."""

    folder: Path
    rounds: int
    divisor: int
    report: Report = field(default_factory=Report)

    def parquet(self, rows: int) -> Path:
        path = self.folder / f"{rows}.parquet"
        if not path.exists():
            python("records.py", path, rows)
        return path

    def best(self, measure: Callable[[], Done], port: int, size: int) -> Done:
        """The fastest of the rounds. RuntimeError if the sink did not get every request."""
        found = []
        for _ in range(self.rounds):
            ask(port, "/count")
            done = measure()
            came, due = ask(port, "/count")["requests"], -(-int(done.document.get("delivered", done.records)) // size)
            # dlt and the loops end a batch at the page they read; Penstock never makes more requests than needed.
            if not due <= came <= due + 20:
                raise RuntimeError(f"{came} requests arrived where {due} were due: {done.document}")
            found.append(done)
        return min(found, key=lambda done: done.wall)

    def project(self, rows: int, credential: str, destination: str) -> Path:
        """A fresh project folder, its state empty."""
        folder = self.folder / "project"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "penstock.yaml").write_text(f"""
credentials: {{it: {{{credential}}}}}
sources: {{f: {{type: file, path: "{self.parquet(rows)}"}}}}
datasets: {{d: {{source: f, key: customer_id}}}}
destinations:
  it: {{dataset: d, credential: it, active: true, {destination}}}
""")
        return folder

    def manual(self, rows: int, port: int, mode: str, size: int, *, idempotent: bool = False) -> Path:
        credential = (
            f'connector: http, api_key: k, base_url: "http://127.0.0.1:{port}",'
            " rate_limit: {requests: 1000000, per: 1s}"
        )
        batch = f", batch: {{size: {size}, grouping: {{algorithm: property, property: batch}}}}" if size > 1 else ""
        flight = 10 if size > 1 else IN_FLIGHT
        request = f"request: {{method: POST, url: /in, idempotent: {str(idempotent).lower()}{batch}}}"
        return self.project(rows, credential, f"mode: {mode}, concurrency: {flight}, {SETTINGS}, {request}")

    def penstock(self, rows: int, port: int, mode: str, size: int, *, idempotent: bool = False) -> Done:
        done = python("send.py", self.manual(rows, port, mode, size, idempotent=idempotent))
        if done.document["status"] != "succeeded" or done.document["delivered"] != rows:
            raise RuntimeError(f"Penstock: {done.document}")
        return done

    def loop(self, peer: str, rows: int, port: int, size: int) -> Done:
        return python("peers_loops.py", peer, self.parquet(rows), port, size, 10 if size > 1 else IN_FLIGHT)

    def dlt(self, kind: str, rows: int, port: int, size: int) -> Done:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            return python("peers_dlt.py", kind, self.parquet(rows), port, size, folder)

    def batches(self, port: int) -> None:
        """(a) and (d): many records, 500 a request, to a sink that answers at once."""
        few, many, tiny = 100_000 // self.divisor, 1_000_000 // self.divisor, 10_000 // self.divisor
        senders: dict[str, tuple[Callable[[int], Done], int, int]] = {
            "requests loop": (lambda rows: self.loop("requests", rows, port, SIZE), few, many),
            "aiohttp + orjson loop": (lambda rows: self.loop("aiohttp", rows, port, SIZE), few, many),
            "dlt, dicts": (lambda rows: self.dlt("dicts", rows, port, SIZE), tiny, few),
            "dlt, Arrow": (lambda rows: self.dlt("arrow", rows, port, SIZE), tiny, few),
            "Penstock, mode all": (lambda rows: self.penstock(rows, port, "all", SIZE), few, many),
            "Penstock, mode changed": (lambda rows: self.penstock(rows, port, "changed", SIZE), few, many),
        }
        steady: dict[str, float] = {}
        peak: dict[tuple[int, str], float] = {}
        for name, (measure, low, high) in senders.items():
            done = {rows: self.best(lambda r=rows, m=measure: m(r), port, SIZE) for rows in (low, high)}  # type: ignore[misc]
            steady[name] = (high - low) / (done[high].wall - done[low].wall)
            peak |= {(rows, name): done[rows].peak for rows in (low, high)}
            for rows in (low, high):
                goal = None
                if rows == few and name in QUIET:
                    goal = at_least(QUIET[name] * PEER_SHARE, rows / done[rows].wall)
                if name.startswith("Penstock"):
                    room = 300 if name.endswith("all") else 300 + rows * 50 / 1024 / 1024  # MB
                    goal = (
                        at_least(50_000, steady[name]) if rows == high else at_most(room, done[rows].peak, "{:.0f} MB")
                    )
                self.report.row(f"(a) {rows:,}", name, done[rows], steady[name] if rows == high else None, goal)
            if name == "Penstock, mode all":
                growth = Goal(
                    "flat: ≤ 1.1 x",
                    f"{done[high].peak / done[low].peak:.2f} x",
                    met=done[high].peak <= 1.1 * done[low].peak,
                )
                self.report.row("(a) memory, 1 M", name, goal=at_most(300, done[high].peak, "{:.0f} MB"))
                self.report.row("(a) memory, 1 M over 100 k", name, goal=growth)
            if name == "Penstock, mode changed":
                room = 300 + many * 50 / 1024 / 1024
                self.report.row("(a) memory, 1 M", name, goal=at_most(room, done[high].peak, "{:.0f} MB"))
        again = self.best(lambda: python("send.py", self.folder / "project"), port, SIZE)
        if again.document["unchanged"] != many:
            raise RuntimeError(f"something was sent again: {again.document}")
        more, fewer = (peak[rows, "Penstock, mode changed"] - peak[rows, "Penstock, mode all"] for rows in (many, few))
        key = (more - fewer) * 1024 * 1024 / (many - few)
        self.report.row("(a) memory per key", "Penstock, mode changed", goal=at_most(50, key, "{:.0f} bytes"))
        for peer, least in (
            ("dlt, dicts", 5),
            ("dlt, Arrow", 1.2),
            ("requests loop", 1.2),
            ("aiohttp + orjson loop", 0.6),
        ):
            share = steady["Penstock, mode all"] / steady[peer]
            self.report.row("(a) steady, over", peer, goal=at_least(least, share, "{:.2f} x"))
        self.report.row(
            f"(d) {many:,}, nothing changed",
            "Penstock, mode changed",
            again,
            again.inside,
            at_most(3, again.wall, "{:.2f} s"),
        )

    def singles(self, port: int, latency: int) -> None:
        """(b): one record a request, 50 in flight."""
        rows = 10_000 // self.divisor
        what = f"(b) {rows:,} single, {latency} ms"
        ceiling = IN_FLIGHT * 1000 / latency if latency else 0
        peers: dict[str, Callable[[], Done]] = {
            "aiohttp + orjson loop": lambda: self.loop("aiohttp", rows, port, 1),
            "Penstock, idempotent": lambda: self.penstock(rows, port, "all", 1, idempotent=True),
            "Penstock, not idempotent": lambda: self.penstock(rows, port, "all", 1),
        }
        if not latency:
            peers["requests loop"] = lambda: self.loop("requests", rows, port, 1)
            peers["dlt, dicts"] = lambda: self.dlt("dicts", rows, port, 1)
        for name, measure in peers.items():
            done = self.best(measure, port, 1)
            if name.startswith("aiohttp") and not latency:
                self.report.speed = done.inside / QUIET_SINGLES
            goal = at_least(0.9, done.inside / ceiling, "{:.1%}") if latency else at_least(4_000, done.inside)
            self.report.row(what, name, done, done.inside, goal if name.startswith("Penstock") else None)

    def render(self) -> None:
        """(c): the kernel alone, on one core."""
        output = python("render.py", 40_000 // self.divisor).document["output"]
        for title, dialect, rate in re.findall(
            r"^(\w[\w ]*?) +(native|flat) +([\d,]+) records/s", output, re.MULTILINE
        ):
            number = float(rate.replace(",", ""))
            self.report.row(
                f"(c) render only, {title}", f"Penstock, {dialect}", steady=number, goal=at_least(65_000, number)
            )
        alone = re.search(r"one record alone ([\d.]+) ms", output)
        assert alone is not None
        self.report.row("(c) render one record", "Penstock", goal=at_most(1, float(alone[1]), "{:.2f} ms"))

    def allowance(self, limit: int, seconds: int, windows: int) -> None:
        """(e): the used share of a rate limit, with the sandbox and 50 ms latency."""
        flags = ("--rate", f"{limit}/{seconds}s", "--latency", str(LATENCY_MS), "--with-parent", str(os.getpid()))
        rows = limit * windows
        with listening("-m", "penstock_sandbox", *flags) as line:
            sandbox = json.loads(line)
            credential = (
                f'connector: custify, dialect: native, api_key: {sandbox["api_key"]}, base_url: "{sandbox["url"]}",'
                f" rate_limit: {{requests: {limit}, per: {seconds}s}}"
            )
            names = "fields: {user_id: customer_id, email: email, name: name}"
            shape = f"template: upsert_person, batch: off, mode: all, concurrency: {IN_FLIGHT}, {names}"
            done = python("send.py", self.project(rows, credential, shape))
            port = int(sandbox["url"].split(":")[2].split("/")[0])
            log, refused = ask(port, "/_admin/requests?since=0"), ask(port, "/_admin/stats")["refused_429"]
        if done.document["delivered"] != rows:
            raise RuntimeError(f"Penstock: {done.document}")
        # From the first request to the one that opens the last window: `windows - 1` windows, used in full.
        moments = [entry["time"] for entry in log]
        opened = len(moments) - limit
        share = opened / limit * seconds / (moments[opened] - moments[0])
        what = f"(e) {limit} per {seconds} s, {windows} windows"
        judged = seconds == PAGE_WINDOW_S  # shorter windows lose more at their ends
        met = share >= 0.98 and not refused if judged else None
        goal = Goal("≥ 98 %, 0 x 429" if judged else "", f"{share:.1%}, {refused} x 429", met=met)
        self.report.row(what, "Penstock", done, done.inside, goal)


NOTES = f"""
- (a) {SIZE} records a request, 15 of 19 columns, manual batch to a local sink that answers at once; 10 in flight (dlt:
  its 20 workers; `requests`: one). The loops and dlt check nothing and store no outcomes. The target of peers is
  {PEER_SHARE} x what they reached on an idle machine with two cores.
- *Steady* in (a) is the difference in records between the larger and the smaller file ÷ the difference in wall time
  (dlt: 100,000 and 10,000). In (b), (d) and (e) it is records ÷ seconds of the run, without imports.
- On a busy machine compare the CPU seconds, since wall time then includes other processes.
- Memory with mode changed may be 300 MB and 50 bytes a key more; *per key* is its memory above mode all, as
  the slope from the smaller to the larger file, because mode changed also has a fixed cost (the fingerprints).
- (b) {IN_FLIGHT} in flight; the share is of concurrency ÷ latency. *Not idempotent* stores the intent of each request
  before it is sent. (e) {LATENCY_MS} ms latency, the sandbox's windows; the share is over the full windows.
"""


def header(rounds: int, load: float, speed: float | None) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"# Benchmark\n\n`make bench` (`.venv/bin/python benchmarks/compare.py --rounds {rounds}`), {now}; {machine};"
        f" load average before the start {load:.1f}; {rounds} rounds, of which the fastest counts.\n\n"
        f"**This machine has {speed or 1:.2f} x the speed** of the one for which the targets in records/s, seconds"
        f" and ms were set, by the aiohttp loop of (b), which made {QUIET_SINGLES:,} records/s there. The table"
        " compares without this factor; divide a rate by it (multiply a time) before you compare. Shares and ratios"
        " need no factor.\n"
    )


def main() -> None:
    options = argparse.ArgumentParser(description="Penstock beside hand-written loops and dlt.")
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--quick", action="store_true", help="a tenth of the records, no file written")
    chosen = options.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        bench = Bench(Path(folder), chosen.rounds, 10 if chosen.quick else 1, Report(judge=not chosen.quick))
        with listening(str(HERE / "sink.py")) as port:
            bench.batches(int(port))
            bench.singles(int(port), 0)
        with listening(str(HERE / "sink.py"), str(LATENCY_MS)) as port:
            bench.singles(int(port), LATENCY_MS)
        bench.render()
        bench.allowance(20, 1, 6)
        if not chosen.quick:
            bench.allowance(100, 10, 4)
    text = "\n".join((header(chosen.rounds, load, bench.report.speed), *bench.report.lines, NOTES))
    print(text)
    if not chosen.quick:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
