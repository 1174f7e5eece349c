"""A project in a folder, on which the command line runs as a process."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.cli import forked_process
from support.servers.sandbox import Sandbox

HERE = Path(__file__).parents[3] / "benchmarks" / "faults"  # the folder of `killed_run.py`


@dataclass(frozen=True)
class Project:
    folder: Path
    sandbox: Sandbox

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "SANDBOX_KEY": self.sandbox.api_key, "COLUMNS": "120", "NO_COLOR": "1"}

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def destination(self, data: str, template: str, fields: str, *, base: str, more: str = "", key: str = "id") -> None:
        """A project file with one active destination named `it`, its dataset read from `data`."""
        self.write(
            "penstock.yaml",
            f"""\
credentials:
  sandbox:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  file: {{type: file, path: {data}}}
datasets:
  data: {{source: file, key: {key}}}
destinations:
  it:
    dataset: data
    credential: sandbox
    template: {template}
    fields: {{{fields}}}
    attributes: none
    active: true
    {more}
""",
        )


def run_penstock(project: Project, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return forked_process.run(
        ["-m", "penstock", *arguments],
        cwd=project.folder,
        env=project.environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
