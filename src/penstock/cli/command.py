"""`Command`: the options of every command; it opens the App and prints the result.

Also the groups in which `penstock --help` lists the commands, and the arguments and options that several commands
share.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TextIO

from cyclopts import Group, Parameter

from penstock.model.errors import EnvironmentFailure, Problem

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from penstock.app import App

    Opener = Callable[[Path | None, str | None], App]


OUTPUT_FAILED = "output-failed"
WRITTEN_TOGETHER = 500
ENDLESS = 4096  # columns where there is no terminal, so that tables for programs are not folded

TRY = Group("Try it", sort_key=1)
SET_UP = Group("Set up", sort_key=2)
LOOK = Group("Check and preview", sort_key=3)
SEND = Group("Send", sort_key=4)
AFTERWARDS = Group("Runs and quarantine", sort_key=5)
SERVE = Group("Run as a service", sort_key=6)
PEOPLE = Group("Users and access", sort_key=7)
CARE = Group("Maintenance", sort_key=8)
EVERYWHERE = Group("Options of every command", sort_key=10)

Destination = Annotated[str, Parameter(name="DEST", help="A destination of the project.")]
Target = Annotated[str, Parameter(name="TARGET", help="A destination or flow of the project.")]
RunId = Annotated[str, Parameter(name="RUN", help="The id of a run, such as r-20260131-120000-x7f2m9.")]
EntryId = Annotated[str, Parameter(name="ID", help="The id of a record in quarantine, such as q-3.")]
EntryIds = Annotated[str, Parameter(name="ID", help="Ids of records in quarantine, such as q-3 q-4.")]
OfCause = Annotated[str | None, Parameter(name="--cause", help="All records in quarantine that have this cause.")]
AllHeld = Annotated[bool, Parameter(name="--all", help="All records in quarantine.")]
Refresh = Annotated[bool, Parameter(name="--refresh", help="Ignore the stored result and determine it again.")]


def open_app(file: Path | None, database: str | None) -> App:
    """Open the App. The import takes a third of a second, so only commands that need it call this."""
    from penstock.app import App  # noqa: PLC0415 - see above

    return App.open(file, database)


class Penstock(NamedTuple):
    """The whole command line, for a command that runs other commands.

    `execute` runs a command line and returns its exit code. `serve` serves a state on the loopback address until ^C,
    and calls back with its URL. `address` returns the URL that `serve` will use, where it is known before.
    """

    execute: Callable[[Sequence[str]], int]
    serve: Callable[[str, Callable[[str], None]], None]
    address: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Command:
    """The options of every command. `opener` opens the App; tests pass another. `penstock` runs other commands.

    `acts` is what else the audit entry of the command names; the command adds to it.
    """

    file: Path | None = None
    database: str | None = None
    json: bool = False
    opener: Opener = open_app
    penstock: Penstock | None = None
    acts: list[str] = field(default_factory=list)

    def open(self) -> App:
        """Open the project and its state. Raises InputError or EnvironmentFailure."""
        return self.opener(self.file, self.database)

    def applied(self) -> App:
        """Open the project in the database, without the project file. Raises InputError when there is none."""
        from penstock.app import App  # noqa: PLC0415 - see `open_app`

        return App.open_applied(App.state_url(self.file, self.database))

    def show(self, document: Any, text: Callable[[], Iterable[RenderableType]]) -> None:
        """Print the result: `document` with --json, else `text()`. Nothing else writes to stdout."""
        if self.json:
            write(sys.stdout, as_document(document))
        else:
            self.say(text())

    def show_parts(self, document: Iterable[str], text: Callable[[], Iterable[RenderableType]]) -> None:
        """As `show`, with the parts of the text of a large document."""
        if not self.json:
            self.say(text())
            return
        for parts in _joined(document):
            write(sys.stdout, parts)

    @staticmethod
    def say(parts: Iterable[RenderableType]) -> None:
        """Print text for people on stdout."""
        _print(sys.stdout, parts)

    @staticmethod
    def remark(*parts: RenderableType) -> None:
        """Print text that is not the result on stderr."""
        _print(sys.stderr, parts)


def as_document(value: Any) -> str:
    """One strict JSON document with a line end; non-ASCII text is not escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only a \\u escape can express
        text = json.dumps(value, allow_nan=False, indent=2)
    return text + "\n"


def _joined(parts: Iterable[str]) -> Iterator[str]:
    """The parts in texts of some hundred, so that few are written."""
    left = iter(parts)
    while some := list(islice(left, WRITTEN_TOGETHER)):
        yield "".join(some)


def console(stream: TextIO) -> Console:
    """A console that prints text as it is: no mark-up, and colours only on a terminal that supports them."""
    from rich.console import Console  # noqa: PLC0415 - costs a tenth of a second

    width = None if stream.isatty() or "COLUMNS" in os.environ else ENDLESS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False, legacy_windows=False)


def _print(stream: TextIO, parts: Iterable[RenderableType]) -> None:
    with _failing_clearly(stream):  # rich flushes the stream also while it captures
        text = "".join(f"{part}\n" if isinstance(part, str) else _rendered(stream, part) for part in parts)
        write(stream, text)


def _rendered(stream: TextIO, part: RenderableType) -> str:
    target, is_table = console(stream), hasattr(part, "columns")
    with target.capture() as captured:
        target.print(part, soft_wrap=not is_table)  # only tables fold; the terminal wraps other long lines
    text = captured.get()
    return "".join(f"{line.rstrip(' ')}\n" for line in text.splitlines()) if is_table else text


def write(stream: TextIO, text: str) -> None:
    """Write UTF-8 in every locale. A closed pipe (`| head`) does not stop the command."""
    with _failing_clearly(stream):
        if hasattr(stream, "buffer"):
            stream.flush()
            stream.buffer.write(text.encode("utf-8", errors="backslashreplace"))
        else:
            stream.write(text)
        stream.flush()


@contextmanager
def _failing_clearly(stream: TextIO) -> Iterator[None]:
    """Ignores a closed pipe; raises EnvironmentFailure when the stream cannot be written."""
    try:
        yield
    except BrokenPipeError:
        _discard_buffer(stream)
    except OSError as error:
        _discard_buffer(stream)
        message = f"the output cannot be written: {error.strerror}"
        hint = "free space where the output goes, or write it elsewhere"
        raise EnvironmentFailure(Problem("output", message, "output-failed", hint)) from error


def _discard_buffer(stream: TextIO) -> None:
    """Discard what is still buffered, also when the interpreter flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


Given = Annotated[Command, Parameter(parse=False)]  # made from the options of every command; not an argument
