"""The shared part of the service benchmarks: `penstock serve` as a process, its measurements, and a small client."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A service that answers. `ready_s` is the time from the start of its process until it is ready."""

    pid: int
    url: str
    ready_s: float
    ready_cpu_s: float

    def client(self) -> Client:
        return Client(self.url)

    def cpu_s(self) -> float:
        """Processor time that its process has taken so far."""
        return cpu_of(self.pid)

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Memory now, or at its highest (`VmHWM`)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
        raise LookupError(what)


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def served(
    folder: Path, *options: str, environ: dict[str, str] | None = None, database: str | None = None
) -> Iterator[Served]:
    """`penstock serve` on the state of `folder`, or on `database`, without sign-in."""
    database = database or f"sqlite:///{folder / '.penstock' / 'state.db'}"
    command = [sys.executable, "-m", "penstock", "--json", "--database", database]
    command += ["serve", "--port", "0", "--without-sign-in", *options]
    began = time.perf_counter()
    quiet = {**os.environ, "PENSTOCK_LOG_LEVEL": "error", **(environ or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=quiet) as process:
        assert process.stdout is not None
        ready = ""
        while not ready.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                raise SystemExit("it ended before it was ready")
            ready += line
        ready_s = time.perf_counter() - began
        try:
            yield Served(process.pid, json.loads(ready)["url"], ready_s, cpu_of(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


class Client:
    """A client with one connection that stays open."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """The document of the reply. SystemExit for a status other than 2xx."""
        body = None if document is None else json.dumps(document)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise SystemExit(f"{method} {path}: {reply.status} {text.decode()[:500]}")
        return json.loads(text) if text else None

    def times(self, times: int, method: str, path: str, document: Any = None) -> list[float]:
        """The sorted durations of this many requests, in milliseconds."""
        found = []
        for _ in range(times):
            began = time.perf_counter()
            self.ask(method, path, document)
            found.append((time.perf_counter() - began) * 1000)
        return sorted(found)


def apply(folder: Path, project: str) -> None:
    """Apply this project to the folder's state."""
    (folder / "penstock.yaml").write_text(project, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "penstock", "apply"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def share(found: Sequence[float], part: float) -> float:
    """The value below which this part of the sorted values is."""
    return found[min(int(len(found) * part), len(found) - 1)]


def report(**figures: float | str) -> None:
    """One JSON line."""
    rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in figures.items()}
    sys.stdout.write(json.dumps(rounded) + "\n")
    sys.stdout.flush()
