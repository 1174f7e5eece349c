"""A real `penstock serve` in a process of its own, whose time and memory are measured while it is attacked."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import cpu_count, environ, getloadavg
from pathlib import Path
from typing import Any, Self

import httpx

from support.cli import forked_process
from support.deadline import until
from support.service.service_process import PENSTOCK, start_service

MEMORY_MB = 300  # above the value at rest
KEPT_MB = 200  # above the value at rest, soon after an attack: what the heap keeps
TIME_S = 10
LARGEST_ANSWER = 10**6  # bytes
READY_S = 1  # the time in which /readyz replies meanwhile
# Asks again and again, in a process of its own: what the test itself computes must not count as the service's delay.
WATCHER = """
import sys, time, httpx
with httpx.Client(timeout=60) as client:
    while True:
        began = time.monotonic()
        client.get(sys.argv[1])
        print(began, time.monotonic() - began, flush=True)
        time.sleep(0.1)
"""
# The service with another limit on the time of a query: the first argument, in seconds.
LIMITED = """
import runpy, sys
from penstock import deadline
deadline.LOOK_S = float(sys.argv.pop(1))
runpy.run_module("penstock", run_name="__main__", alter_sys=True)
"""
PROJECT = "sources: {crm: {type: file, path: crm.csv}}\ndatasets: {crm: {source: crm, key: id}}\n"


@dataclass
class MeasuredService:
    """Serves a small project in `folder`, without sign-in. Files for attacks are in that folder, too."""

    folder: Path
    project: str = PROJECT
    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    look_s: float | None = None  # how long a query may take; None: the limit of the product
    url: str = ""
    at_rest_mb: float = 0.0

    def __enter__(self) -> Self:
        (self.folder / "penstock.yaml").write_text(self.project)
        (self.folder / "crm.csv").write_text("id,email\n1,ada@example.com\n")
        own = {"PENSTOCK_DEBUG": "1", **self.variables}
        command = ["-m", "penstock", "apply"]
        forked_process.run(command, cwd=self.folder, env={**environ, **own}, check=True, capture_output=True)
        program = PENSTOCK if self.look_s is None else (sys.executable, "-c", LIMITED, str(self.look_s))
        self.process, ready = start_service(
            self.folder, "--without-sign-in", *self.options, environ=own, program=program
        )
        self.url = ready["url"]
        self.client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=60)
        with (self.folder / "readyz.log").open("w") as log:
            asking = [sys.executable, "-c", WATCHER, f"{self.url}/readyz"]
            self.watcher = subprocess.Popen(asking, stdout=log, stderr=subprocess.DEVNULL)
        self._rest()
        self.watcher.send_signal(signal.SIGSTOP)  # it asks only during attacks: its requests take processor time
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.watcher.kill()
        self.watcher.wait(timeout=30)
        self.process.kill()
        self.process.communicate(timeout=30)

    def _rest(self) -> None:
        """Wait until its memory no longer grows: it imports in the background what runs need."""
        calm = 0
        while calm < 5:
            before = self.memory_mb()
            time.sleep(0.2)
            is_ready = self.client.get(f"{self.url}/readyz").is_success
            calm = calm + 1 if is_ready and self.memory_mb() <= before + 1 else 0
        self.at_rest_mb = self.memory_mb()

    def look(self) -> None:
        """Look at data once as people do, so that libraries are loaded: what they take counts as at rest from then on."""
        value = {"source": "crm", "key": "id", "sql": "select * from source"}
        self.client.post("/datasets/preview", json={"name": "x", "value": value}).raise_for_status()
        self._rest()

    def memory_mb(self) -> float:
        """The resident memory of the process now."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """The most resident memory since the last attack began."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))

    @contextmanager
    def attack(self, *, within_s: float = TIME_S, memory_mb: float = MEMORY_MB) -> Iterator[None]:
        """The block ends within the time, the memory keeps its bound, and /readyz answers within a second meanwhile.

        It begins when the memory of the attack before was given back: what is at rest then is what the bound counts
        from.
        """
        self.until(lambda: self.memory_mb() - self.at_rest_mb < KEPT_MB, within_s=90)
        at_rest_mb = self.memory_mb()
        self.watcher.send_signal(signal.SIGCONT)
        resumed = time.monotonic()
        self.until(lambda: self._asked()[-1][0] >= resumed, within_s=60)
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # resets the peak
        began = time.monotonic()
        try:
            yield
        finally:
            ended = time.monotonic()
        self.until(lambda: self._asked()[-1][0] > ended, within_s=60)
        self.watcher.send_signal(signal.SIGSTOP)
        slowest = max((took for at, took in self._asked() if at + took > began and resumed <= at <= ended), default=0.0)
        more, busy = self.peak_mb() - at_rest_mb, _busy()
        assert ended - began <= within_s * busy, f"it took {ended - began:.1f} s"
        assert more <= memory_mb, f"it took {more:.0f} MB more than at rest"
        assert slowest <= READY_S * busy, f"/readyz took {slowest:.1f} s meanwhile"

    def _asked(self) -> list[tuple[float, float]]:
        """The times of the requests to /readyz so far, with the duration of each."""
        lines = (self.folder / "readyz.log").read_text().splitlines(keepends=True)
        whole = [line.split() for line in lines if line.endswith("\n")]
        return [(float(began), float(took)) for began, took in whole] or [(0.0, 0.0)]

    def check(self, source: dict[str, Any]) -> Any:
        """The reply of `sources/check` for an unsaved source."""
        reply = self.client.post("/sources/check", json={"name": "x", "value": source})
        assert reply.status_code == 200, reply.text[:500]
        assert len(reply.content) < LARGEST_ANSWER
        return reply.json()

    def until(self, true: Any, within_s: float = 30) -> None:
        """Look again until it is so."""
        until(true, within_s)


def _busy() -> float:
    """The factor by which this machine is slower now because of other work."""
    return max(1.0, 2 * getloadavg()[0] / (cpu_count() or 1))
