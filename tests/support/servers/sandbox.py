"""Starts the sandbox as a separate process, and sends requests to it and its admin routes by the standard library."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import pytest


@dataclass(frozen=True)
class Got:
    """A reply: `json()` parses its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sandbox:
    """A running sandbox. `url` is the native base, `flat_url` the flat one."""

    url: str
    flat_url: str
    admin_url: str
    api_key: str
    pid: int
    process: subprocess.Popen[str] = field(repr=False)

    def state(self) -> dict[str, Any]:
        """Every object by kind: people, companies, events, tasks, notes, subscriptions, invoices, deals, custom_data, …"""
        return self._admin("GET", "/state")

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        return self._admin("GET", f"/requests?since={since}")

    def stats(self) -> dict[str, Any]:
        return self._admin("GET", "/stats")

    def fault(self, **fault: Any) -> None:
        """For example `fault(status=503, path="/people", times=2)`, `fault(cut="after", method="POST")`, `fault(html=True)`."""
        self._admin("POST", "/faults", fault)

    def faults(self) -> list[dict[str, Any]]:
        return self._admin("GET", "/faults")

    def clear_faults(self) -> None:
        self._admin("DELETE", "/faults")

    def settings(self, **settings: Any) -> dict[str, Any]:
        """Changes settings (rate="100/10s", strict=, latency=ms, job_delay=, notes="html", visible_after=, …) and returns them all."""
        return self._admin("POST", "/settings", settings)

    def add_ui_objects(self, kind: str, *objects: dict[str, Any]) -> list[dict[str, Any]]:
        """Adds objects that only Custify's web UI creates: `add_ui_objects("surveys", {"name": "NPS"})`."""
        return self._admin("POST", "/ui_objects", {"kind": kind, "objects": objects})

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock on: rate windows end, batch results expire."""
        self._admin("POST", "/clock", {"advance": seconds})

    def reset(self) -> None:
        """Empties objects, log, windows and faults, and sets the clock right; keeps the settings."""
        self._admin("POST", "/reset")

    def stop(self) -> int:
        """Ends it and returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def call(self, line: str, body: str | bytes | None = None, *, key: str | None = None, **headers: str) -> Got:
        """One raw request, for example `call("POST /people", '{"user_id": "u1"}')`; header names with `_` for `-`."""
        method, target = line.split(" ", 1)
        sent = {"Authorization": f"Bearer {self.api_key if key is None else key}", "Accept": "application/json"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return _exchange(self.url, method, target, body, sent)

    def _admin(self, method: str, path: str, body: Any = None) -> Any:
        got = _exchange(self.url, method, f"/_admin{path}", None if body is None else json.dumps(body), {})
        if got.status != 200:
            raise AssertionError(f"the sandbox's admin route {method} {path} answered {got.status}: {got.body!r}")
        return got.json()


def start_sandbox(*flags: str) -> Sandbox:
    """Start one with a free port; it ends with this process at the latest. Raises RuntimeError if it does not start."""
    command = [sys.executable, "-m", "penstock_sandbox", "--with-parent", str(os.getpid()), *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, errors = process.communicate()
        raise RuntimeError(f"the sandbox did not start: {errors}")
    return Sandbox(**json.loads(line), pid=process.pid, process=process)


@contextmanager
def running_sandbox(*flags: str) -> Iterator[Sandbox]:
    sandbox = start_sandbox(*flags)
    try:
        yield sandbox
    finally:
        sandbox.stop()


@lru_cache(maxsize=1)
def _running() -> Sandbox:
    return start_sandbox("--rate", "off", "--job-delay", "0")


def stop() -> None:
    """Stop the shared sandbox, if it was started."""
    if _running.cache_info().currsize:
        _running().stop()
        _running.cache_clear()


@pytest.fixture(scope="session")
def shared_sandbox() -> Sandbox:
    """One sandbox for this test process, however many conftests import this; use the fixture `sandbox`, which empties it."""
    return _running()


_USUAL = {
    "rate": "off",
    "job_delay": 0,
    "strict": True,
    "latency": 0,
    "unknown_company": "skip",
    "assignee": "any",
    "batch_cost": "1",
    "notes": "text",
    "visible_after": 0,
    "ignore_filters": False,
}


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """A strict, empty sandbox without rate limit or job delay. Import both fixtures into a conftest."""
    shared_sandbox.settings(**_USUAL)
    shared_sandbox.reset()
    return shared_sandbox


def _exchange(base: str, method: str, target: str, body: str | bytes | None, headers: dict[str, str]) -> Got:
    parts = urlsplit(base)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        data = body.encode() if isinstance(body, str) else body
        connection.request(method, target, body=data, headers=headers)
        reply = connection.getresponse()
        return Got(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()
