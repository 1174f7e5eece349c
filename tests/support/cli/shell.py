"""`penstock` in a project's folder, run in this process to save the imports."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock.main import execute
from support.cli import forked_process


class Shell:
    """`text` and `json` run a command in this process; `start` runs one as a separate process, for signals and terminals."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = ["-m", "penstock", *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return forked_process.Process(command, cwd=self.folder, text=True, **pipes)

    def text(self, line: str, code: int = 0, stdin: str = "") -> str:
        """What the command prints, having ended with this code."""
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        answer = execute(line.split())
        out, err = self.capsys.readouterr()
        assert answer == code, out + err
        return out

    def json(self, line: str, code: int = 0, stdin: str = "") -> Any:
        return json.loads(self.text(f"{line} --json", code, stdin))
