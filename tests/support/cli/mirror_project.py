"""A project with mirrors: files of rows that lose and regain rows, and what Custify has."""

import json
import os
import signal
from typing import Any

import psycopg

from support.cli.shell import Shell
from support.servers.sandbox import Sandbox

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", rate_limit: {{requests: 100000, per: 1s}}}}
  other: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
{sources}
datasets:
{datasets}
destinations:
{destinations}
flows:
  all: {{destinations: [{names}]}}
"""


class MirrorProject:
    """`rows` writes the file of a destination; `add` declares one."""

    def __init__(self, shell: Shell, sandbox: Sandbox) -> None:
        self.shell, self.sandbox = shell, sandbox
        self.destinations: dict[str, str] = {}
        self.base, self.concurrency = sandbox.url, 4
        self.credential = "sandbox"
        self.sources: dict[str, str] = {}  # those that are no files: as in the project file

    def add(self, name: str, how: str, rows: list[dict[str, Any]], mode: str = "mirror", more: str = "") -> None:
        """A destination of its own file; `how` are its further keys, on one line."""
        self.destinations[name] = f"{how}, mode: {mode}" + (f", {more}" if more else "")
        self.rows(name, rows)
        self.write()

    def change(self, name: str, how: str) -> None:
        self.destinations[name] = how
        self.write()

    def rows(self, name: str, rows: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.shell.folder / f"{name}.ndjson").write_text(text)

    def write(self) -> None:
        names = list(self.destinations)
        common = f"credential: {self.credential}, active: true, concurrency: {self.concurrency}"
        text = PROJECT.format(
            base=self.base,
            sources="\n".join(
                f"  {name}: " + self.sources.get(name, f"{{type: file, path: {name}.ndjson}}") for name in names
            ),
            datasets="\n".join(f"  {name}: {{source: {name}, key: id}}" for name in names),
            destinations="\n".join(
                f"  {name}: {{dataset: {name}, {common}, {how}}}" for name, how in self.destinations.items()
            ),
            names=", ".join(names),
        )
        (self.shell.folder / "penstock.yaml").write_text(text)

    def run(self, what: str = "it", code: int = 0) -> Any:
        return self.shell.json(f"run {what}", code)

    def plan(self, what: str = "it") -> Any:
        return self.shell.json(f"plan {what}")

    def deleted_in(self, run: str) -> list[Any]:
        """The keys of the DELETE requests of a run that were carried out, in order."""
        found = self.shell.json(f"deliveries {run}")
        done = [each for each in found if each["method"] == "DELETE" and each["outcome"] == "delivered"]
        assert all(len(each["records"]) == 1 for each in done)
        return [each["records"][0] for each in done]

    def has(self, kind: str, by: str) -> list[str]:
        """What Custify has of a kind."""
        return sorted(str(stored[by]) for stored in self.sandbox.state()[kind])

    def paths(self, method: str) -> list[str]:
        """The paths of the requests with this method, in order."""
        return [entry["path"] for entry in self.sandbox.requests() if entry["method"] == method]

    def kill(self, command: str, *, after: int = 0, **fault: Any) -> None:
        """Run a command, and kill it with signal 9 while a request that this fault delays is under way."""
        self.sandbox.fault(slow="60s", after=after, times=1, **fault)
        process = self.shell.start(*command.split(), "--json")
        while self.sandbox.faults()[-1]["fired"] == 0:
            assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        self.sandbox.clear_faults()
        if "PENSTOCK_DATABASE_URL" in os.environ:
            with psycopg.connect(os.environ["PENSTOCK_DATABASE_URL"]) as connection:
                connection.execute("update leases set expires = 0")  # that of the killed process has ended
