"""A project that sends people or notes by `penstock` processes to a sandbox of its own, and what a user can see of it."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from support.cli import forked_process
from support.cli.project import Project
from support.deadline import until
from support.servers.sandbox import Sandbox

Kind = Literal["people", "notes"]
LONGEST_S = 100


@dataclass(frozen=True)
class EndedCommand:
    """A command of `penstock` that has ended; `document` is the JSON on its stdout."""

    code: int
    document: Any
    stderr: str

    def problem(self) -> dict[str, Any]:
        """The one problem that it reports."""
        [problem] = self.document["errors"]
        return problem


@dataclass(frozen=True)
class Sending:
    """`people` are sent again when that is safe; a note that was sent twice is in Custify twice."""

    project: Project
    kind: Kind
    count: int
    options: Sequence[str] = ()  # of every command
    as_program: bool = False  # in the namespaces and with the libraries of the test, where that matters
    prefix: Sequence[str] = ()  # a command that starts the program
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def sandbox(self) -> Sandbox:
        return self.project.sandbox

    @property
    def state(self) -> Path:
        return self.project.folder / ".penstock"

    def start(self, *words: str) -> subprocess.Popen[str]:
        arguments = ["-m", "penstock", *words, *self.options, "--json"]
        options: dict[str, Any] = {
            "cwd": self.project.folder,
            "env": {**self.project.environ, **self.environ},
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        if self.as_program or self.environ or self.prefix:
            return subprocess.Popen([*self.prefix, sys.executable, *arguments], **options)
        return forked_process.Process(arguments, **options)

    def run(self, *words: str) -> EndedCommand:
        return self.end(self.start(*(words or ("run", "it"))))

    def end(self, process: subprocess.Popen[str]) -> EndedCommand:
        out, err = process.communicate(timeout=LONGEST_S)
        return EndedCommand(process.returncode, json.loads(out), err)

    @contextmanager
    def interrupted(self, *, after: int, words: Sequence[str] = ("run", "it")) -> Iterator[subprocess.Popen[str]]:
        """A run of which the API has received `after` requests, and is still sending; ended with the block."""
        process = self.start(*words)
        try:
            until(lambda: self.received() >= after or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def received(self) -> int:
        """How many requests to create something the API has received."""
        return self.sandbox.stats()["requests"]

    # ── what a user sees ─────────────────────────────────────────────────────

    def failed_clearly(self, ended: EndedCommand, place: str, code: str) -> None:
        """Exit code 3, and one error that names the place and what to do; no traceback."""
        assert ended.code == 3, (ended.code, ended.document, ended.stderr)
        assert "Traceback" not in ended.stderr
        assert "never retrieved" not in ended.stderr
        problem = ended.problem()
        assert (place in problem["path"], problem["code"]) == (True, code), problem
        assert problem["message"]
        assert problem["hint"]

    def completed(self, ended: EndedCommand) -> None:
        """The run that ended is the one that completes everything: no record is lost, none was sent twice.

        A record whose reply was lost is `unknown` and listed for a person, until it is settled.
        """
        assert ended.code in (0, 1), (ended.code, ended.document, ended.stderr)
        records = ended.document["records"]
        assert records["read"] == self.count == sum(records.values()) - records["read"], records
        assert records["read"] == records["delivered"] + records["unchanged"] + records["unknown"], records
        listed = self.in_quarantine() if records["unknown"] else set()
        assert len(listed) == records["unknown"]
        arrived = self.arrived()
        assert {key: times for key, times in arrived.items() if times > 1} == {}, "sent twice"
        assert {f"r{n}" for n in range(self.count)} - arrived.keys() - listed == set(), "lost"
        again = self.run()
        assert again.document["requests"] == 0, "a further run has nothing to send"

    def in_quarantine(self) -> set[str]:
        return {entry["key"] for entry in self.run("quarantine", "list").document}

    def arrived(self) -> Counter[str]:
        """How often Custify has each record, by its key."""
        name = "user_id" if self.kind == "people" else "text"
        return Counter(each[name] for each in self.sandbox.state()[self.kind])


def sending(sandbox: Sandbox, folder: Path, kind: Kind, count: int, *, credential: str = "", **more: Any) -> Sending:
    """A project in a new folder with one destination `it`; `credential` is more YAML of its credential."""
    folder.mkdir(exist_ok=True)
    project = Project(folder, sandbox)
    if kind == "people":
        project.write("rows.csv", "id,name\n" + "".join(f"r{n},Person {n}\n" for n in range(count)))
        project.destination("rows.csv", "upsert_person", "user_id: id, name: name", base=sandbox.flat_url)
    else:
        sandbox.call("POST /company", '{"company_id": "acme"}')
        project.write("rows.csv", "id,company_id,text\n" + "".join(f"r{n},acme,r{n}\n" for n in range(count)))
        project.destination("rows.csv", "create_note", "company_id: company_id, text: text", base=sandbox.flat_url)
    if credential:
        change(project, "{connector: custify,", f"{{connector: custify, {credential},")
    return Sending(project, kind, count, **more)


def change(project: Project, before: str, after: str) -> None:
    """Change a place of the project file."""
    text = (project.folder / "penstock.yaml").read_text(encoding="utf-8")
    assert text.count(before) == 1
    project.write("penstock.yaml", text.replace(before, after))
