"""Compares the public surface with golden files: what users and programs rely on, and what no restructuring may change.

`PENSTOCK_GOLDEN=write pytest tests/contract` rewrites the files: read the difference before you commit it.
The tests use the command line, the service and the package `penstock` from outside.
"""

import difflib
import io
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import golden as golden_files
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["sandbox", "shared_sandbox"]
GOLDEN = Path(__file__).parent / "golden"
TEXTS = {"description", "summary", "title"}
WIDTH = 110
LONGEST_DIFFERENCE = 80  # lines


def _lines(value: Any, indent: str = "") -> str:
    """JSON in few lines: a value that fits is on one line."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= WIDTH or not isinstance(value, dict | list) or not value:
        return short
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {_lines(inner, deeper)}" for key, inner in value.items()]
        return "{\n" + ",\n".join(deeper + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _lines(inner, deeper) for inner in value) + f"\n{indent}]"


@pytest.fixture(scope="session")
def golden() -> Callable[[str, Any], None]:
    """`golden(name, found)` asserts that `found` equals the golden file."""

    def compare(name: str, found: Any) -> None:
        text = _lines(found) + "\n"
        before = golden_files.golden(GOLDEN / f"{name}.json", text)
        if text != before:
            lines = difflib.unified_diff(before.splitlines(), text.splitlines(), "golden", "found", lineterm="", n=2)
            pytest.fail(f"{name} has changed:\n" + "\n".join(list(lines)[:LONGEST_DIFFERENCE]), pytrace=False)

    return compare


@pytest.fixture(scope="session")
def known() -> Callable[[str], Any]:
    """`known(name)` is the content of a golden file."""
    return lambda name: json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def without_names() -> Callable[[dict[str, Any]], Any]:
    """A document with the targets of its `$ref`s in their place, without descriptions.

    A shape that holds itself is cut there: `$recursive` is how many references further out it begins.
    """

    def resolve(document: dict[str, Any]) -> Any:
        def inner(node: Any, outer: tuple[str, ...] = ()) -> Any:
            if isinstance(node, list):
                return [inner(each, outer) for each in node]
            if not isinstance(node, dict):
                return node
            if "$ref" not in node:
                kept = {name: each for name, each in node.items() if not (name in TEXTS and isinstance(each, str))}
                return {name: inner(each, outer) for name, each in kept.items()}
            name = node["$ref"]
            if name in outer:
                return {"$recursive": len(outer) - outer.index(name)}
            target: Any = document
            for step in name.removeprefix("#/").split("/"):
                target = target[step]
            return inner({**target, **{key: each for key, each in node.items() if key != "$ref"}}, (*outer, name))

        return inner({name: part for name, part in document.items() if name not in ("components", "$defs")})

    return resolve


@dataclass
class Answer:
    """The output and the exit code of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Command:
    """`penstock` in a folder, run in this process, which saves the imports of each command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, stdin: str = "") -> Answer:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
        before = sys.argv, sys.stdin, sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM), Path.cwd()
        sys.argv, sys.stdin = ["penstock", *arguments], io.TextIOWrapper(io.BytesIO(stdin.encode()))
        sys.stdout, sys.stderr = streams
        os.chdir(self.folder)
        try:
            runpy.run_module("penstock", run_name="__main__")
            code: Any = 0
        except SystemExit as ended:
            code = ended.code
        finally:
            *_, handler, folder = before
            sys.argv, sys.stdin, sys.stdout, sys.stderr = before[:4]
            signal.signal(signal.SIGTERM, handler)
            os.chdir(folder)
        return Answer(int(code or 0), *(stream.buffer.getvalue().decode() for stream in streams if not stream.flush()))

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """As a process of its own."""
        command = [sys.executable, "-m", "penstock", *arguments]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True, **options)

    @contextmanager
    def running(self, *arguments: str, log: Path | None = None, **environ: str) -> Iterator[dict[str, Any]]:
        """`serve` or `worker` with --json, for the block; what it prints when it is ready."""
        with (log or Path(os.devnull)).open("w") as errors:
            options = {"stderr": errors, "env": {**os.environ, **environ}}
            process = self.start(*arguments, "--json", **options)
            try:
                yield _first_document(process)
            finally:
                process.terminate()
                process.communicate(timeout=30)


def _first_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    text = ""
    assert process.stdout is not None
    for line in process.stdout:
        text += line
        try:
            return json.loads(text)
        except ValueError:
            continue
    raise AssertionError(f"it ended before it was ready: {text}")


@contextmanager
def _own_settings(folder: Path) -> Iterator[Command]:
    """The command in a folder, without the environment of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("PENSTOCK_"):
                patch.delenv(name)
        patch.setenv("COLUMNS", "400")
        patch.setenv("NO_COLOR", "1")
        yield Command(folder)


@pytest.fixture
def penstock(tmp_path: Path) -> Iterator[Command]:
    """The command in an empty folder."""
    with _own_settings(tmp_path) as command:
        yield command


@pytest.fixture(scope="module")
def shared_penstock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command in one folder for all tests of a module."""
    with _own_settings(tmp_path_factory.mktemp("contract")) as command:
        yield command
