"""`Command`: where a command reads its project from, and where it writes text for people or one JSON document.

Also the groups in which `penstock --help` lists the commands, in the order of a person's day, and the arguments and
options that several commands share.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TextIO

from cyclopts import Group, Parameter

from penstock.model.errors import EnvironmentFailure, Problem

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from penstock.app import App

    Opener = Callable[[Path | None, str | None], App]


OUTPUT_FAILED = "output-failed"
ENDLESS = 4096  # columns without a terminal: a table that a program reads is not folded

TRY = Group("Try it", sort_key=1)
SET_UP = Group("Set up", sort_key=2)
LOOK = Group("Look before anything is sent", sort_key=3)
SEND = Group("Send", sort_key=4)
AFTERWARDS = Group("Afterwards", sort_key=5)
SERVE = Group("Let it run by itself", sort_key=6)
PEOPLE = Group("Who may do it", sort_key=7)
CARE = Group("Look after the state", sort_key=8)
EVERYWHERE = Group("Options of every command", sort_key=10)

Destination = Annotated[str, Parameter(name="DEST", help="A destination of the project.")]
Target = Annotated[str, Parameter(name="TARGET", help="A destination or flow of the project.")]
RunId = Annotated[str, Parameter(name="RUN", help="The id of a run, such as r-20260131-120000-x7f2m9.")]
EntryId = Annotated[str, Parameter(name="ID", help="The id of a held record, such as q-3.")]
EntryIds = Annotated[str, Parameter(name="ID", help="Ids of held records, such as q-3 q-4.")]
OfCause = Annotated[str | None, Parameter(name="--cause", help="All that are held for this cause.")]
AllHeld = Annotated[bool, Parameter(name="--all", help="All that are held.")]
Refresh = Annotated[bool, Parameter(name="--refresh", help="Decide anew, also when an answer is stored.")]


def open_app(file: Path | None, database: str | None) -> App:
    """The real App; it costs a third of a second to import, so only commands that need it do."""
    from penstock.app import App  # noqa: PLC0415 - see above

    return App.open(file, database)


class Penstock(NamedTuple):
    """The whole command, for a command that shows others.

    `execute` follows a command line and answers its exit code; `serve` serves a state to whoever is at this machine,
    until ^C, and calls back with its address; `address` says where it will serve, as far as that is known before.
    """

    execute: Callable[[Sequence[str]], int]
    serve: Callable[[str, Callable[[str], None]], None]
    address: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Command:
    """The options given with a command. `opener` opens the App; tests pass another. `penstock` is the whole command."""

    file: Path | None = None
    database: str | None = None
    json: bool = False
    opener: Opener = open_app
    penstock: Penstock | None = None

    def open(self) -> App:
        """The project and its state; raises InputError or EnvironmentFailure."""
        return self.opener(self.file, self.database)

    def applied(self) -> App:
        """The project in the database, whatever the file says; InputError when there is none."""
        from penstock.app import App  # noqa: PLC0415 - see `open_app`

        return App.open_applied(App.state_url(self.file, self.database))

    def show(self, document: Any, text: Callable[[], Iterable[RenderableType]]) -> None:
        """The result: `document` under --json, else what `text` makes of it. Nothing else writes to stdout."""
        if self.json:
            write(sys.stdout, as_document(document))
        else:
            self.say(text())

    @staticmethod
    def say(parts: Iterable[RenderableType]) -> None:
        """Text for people, on stdout."""
        _print(sys.stdout, parts)

    @staticmethod
    def remark(*parts: RenderableType) -> None:
        """Text that is not the result, on stderr."""
        _print(sys.stderr, parts)


def as_document(value: Any) -> str:
    """One JSON document and a line end; strict JSON, non-ASCII text as it is."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only \\u can express
        text = json.dumps(value, allow_nan=False, indent=2)
    return text + "\n"


def console(stream: TextIO) -> Console:
    """A console that takes text as it is: no mark-up, and colours only on a terminal that wants them."""
    from rich.console import Console  # noqa: PLC0415 - costs a tenth of a second

    width = None if stream.isatty() or "COLUMNS" in os.environ else ENDLESS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False, legacy_windows=False)


def _print(stream: TextIO, parts: Iterable[RenderableType]) -> None:
    with _failing_clearly(stream):  # rich flushes the stream, even while it captures
        text = "".join(f"{part}\n" if isinstance(part, str) else _rendered(stream, part) for part in parts)
        write(stream, text)


def _rendered(stream: TextIO, part: RenderableType) -> str:
    target, is_table = console(stream), hasattr(part, "columns")
    with target.capture() as captured:
        target.print(part, soft_wrap=not is_table)  # only tables fold; long lines are left to the terminal
    text = captured.get()
    return "".join(f"{line.rstrip(' ')}\n" for line in text.splitlines()) if is_table else text


def write(stream: TextIO, text: str) -> None:
    """Write bytes of UTF-8, whatever the locale. A reader that has gone (`| head`) does not stop the command."""
    with _failing_clearly(stream):
        if hasattr(stream, "buffer"):
            stream.flush()
            stream.buffer.write(text.encode("utf-8", errors="backslashreplace"))
        else:
            stream.write(text)
        stream.flush()


@contextmanager
def _failing_clearly(stream: TextIO) -> Iterator[None]:
    """A reader that has gone is no failure; EnvironmentFailure where the stream takes no more."""
    try:
        yield
    except BrokenPipeError:
        _to_nowhere(stream)
    except OSError as error:
        _to_nowhere(stream)
        message = f"the output cannot be written: {error.strerror}"
        hint = "make room where the output goes, or send it elsewhere"
        raise EnvironmentFailure(Problem("output", message, "output-failed", hint)) from error


def _to_nowhere(stream: TextIO) -> None:
    """What is still buffered goes nowhere, also when the interpreter flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


Given = Annotated[Command, Parameter(parse=False)]  # where to read and write: made of the options of every command
