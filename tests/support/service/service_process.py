"""A served project for the browser: `penstock serve` and the sandbox, as real processes."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from support.cli import forked_process
from support.deadline import until

PENSTOCK = (sys.executable, "-m", "penstock")
CONTACTS = """\
id,email,name,company,signed_up,seats
007,ada@example.com,Ada O'Brien,acme,2025-03-01,12
8,grace@example.com,Grace,acme,2025-04-12,0
9,not-an-address,Nobody,acme,2025-04-13,3
"""
# one row with a value for each field of the templates
ANYTHING = """\
id,user_id,email,name,company_id,plan,mrr,start_date,renewal_date,status,amount,due_date,stage,value,close_date,text,type,created_at,assignee_email
r-1,u-1,ada@example.com,Ada,acme,team,100,2025-01-01,2027-01-01,active,250.5,2026-02-01,won,5000,2026-01-15,Called them,usage,2026-01-02T03:04:05Z,csm@example.com
r-2,u-2,grace@example.com,Grace,acme,business,0,2025-02-01,2027-02-01,trialing,99,2026-03-01,proposal,0,2026-02-15,Sent the offer,usage,2026-01-03T03:04:05Z,csm@example.com
"""
PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "{key}", base_url: "{url}"}}
  page: {{connector: custify, api_key: "{key}", base_url: "{flat_url}"}}
sources:
  crm: {{type: file, path: contacts.csv}}
  all: {{type: file, path: anything.csv}}
datasets:
  contacts: {{source: crm, key: id}}
  anything: {{source: all, key: id}}
"""


def first_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON document that a process prints when it is ready."""
    text = ""
    assert process.stdout is not None
    for line in process.stdout:
        text += line
        try:
            return json.loads(text)
        except ValueError:
            continue
    raise AssertionError(f"it ended before it was ready: {text}")


def start_service(
    folder: Path,
    *options: str,
    port: int = 0,
    environ: dict[str, str] | None = None,
    program: tuple[str, ...] | None = PENSTOCK,
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """`penstock serve` in a folder, as a process, and the document that it prints when it is ready. Its log is `serve.log`.

    `program`: the command that is `penstock`; None: it is forked from a process that has imported everything.
    """
    own = {**os.environ, "PENSTOCK_LOG_LEVEL": "warning", **(environ or {})}
    words = ["serve", "--port", str(port), "--json", *options]
    with (folder / "serve.log").open("a") as log:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": log, "text": True}
        if program is None:
            process = forked_process.Process(["-m", "penstock", *words], cwd=folder, env=own, **streams)
        else:
            process = subprocess.Popen([*program, *words], cwd=folder, env=own, **streams)
    return process, first_document(process)


@dataclass
class ServiceProcess:
    """The project in a folder; its processes end with the `with` statement."""

    folder: Path
    options: tuple[str, ...] = ("--without-sign-in",)
    more: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    as_program: bool = False  # where the namespaces of the test, or the time of a start, matter
    ready_document: dict[str, Any] = field(default_factory=dict)
    sandbox: dict[str, Any] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.terminate()
            process.communicate(timeout=30)

    @property
    def url(self) -> str:
        return str(self.ready_document["url"])

    def begin(self) -> None:
        self._sandbox()
        (self.folder / "contacts.csv").write_text(CONTACTS)
        (self.folder / "anything.csv").write_text(ANYTHING)
        (self.folder / "penstock.yaml").write_text(
            PROJECT.format(**self.sandbox, key=self.sandbox["api_key"]) + self.more
        )
        self.command("apply")
        # a note is about a company that exists in Custify
        _ask("POST", f"{self.sandbox['url']}/company", {"company_id": "acme"}, key=self.sandbox["api_key"])
        self.serve(0)

    def begin_empty(self) -> None:
        """A service with no project."""
        self.serve(0)

    def begin_company(self) -> str:
        """A service with the sample company, which was run once and has one destination left to activate; the run."""
        self.begin_empty()
        self.call("POST", "/demo")
        run = self.call("POST", "/runs", {"target": "everything"})["run"]
        self.until(lambda: self.call("GET", f"/runs/{run}")["status"] not in {"queued", "running"}, within_s=120)
        return str(run)

    def command(self, *words: str) -> str:
        command = ["-m", "penstock", *words]
        return forked_process.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def _sandbox(self) -> None:
        command = [sys.executable, "-m", "penstock_sandbox", "--port", "0", "--rate", "off", "--with-parent"]
        self.processes["sandbox"] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.sandbox = first_document(self.processes["sandbox"])

    def serve(self, port: int) -> None:
        self.processes["serve"], self.ready_document = start_service(
            self.folder,
            *self.options,
            port=port,
            environ=self.environ,
            program=PENSTOCK if self.as_program else None,
        )

    def stop(self) -> int:
        """Stop the service; returns its port, so that it can start there again."""
        self.processes["serve"].terminate()
        self.processes["serve"].communicate(timeout=30)
        return int(self.url.rpartition(":")[2])

    def export(self) -> str:
        """The project as a file."""
        with urllib.request.urlopen(f"{self.url}/api/v1/project/export", timeout=60) as reply:
            return str(reply.read().decode())

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the API, without sign-in."""
        return _ask(method, f"{self.url}/api/v1{path}", body)

    def until(self, true: Callable[[], bool], within_s: float = 60) -> None:
        """Look again until it is so."""
        until(true, within_s)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the admin routes of the sandbox."""
        return _ask(method, f"{self.sandbox['admin_url']}{path}", body)

    def custify(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request to the sandbox, as another user of the Custify account."""
        return _ask(method, f"{self.sandbox['url']}{path}", body, key=self.sandbox["api_key"])


def _ask(method: str, url: str, body: Any, key: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    asked = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(asked, timeout=30) as reply:
        text = reply.read()
    return json.loads(text) if text else None
