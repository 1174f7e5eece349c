"""Exit codes, and how a failed command reports its problems. A wrong command line is reported like other problems."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import IntEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App, CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from penstock.cli.command import OUTPUT_FAILED, as_document, write
from penstock.model.errors import NO_ROOM, EnvironmentFailure, InputError, PenstockError, Problem, problem_json
from penstock.model.text import did_you_mean
from penstock.version import __version__

if TYPE_CHECKING:
    from cyclopts.argument import ArgumentCollection

    from penstock.model.runs import RunReport


DEBUG_VARIABLE = "PENSTOCK_DEBUG"
STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)  # and characters that change the direction of text
DEFECTS = Path(".penstock") / "defects.log"

ENVIRONMENT_STOPS = frozenset({"credential", "unreachable", "error"})
INPUT_STOP = "input"


class Exit(IntEnum):
    """The exit codes; scripts rely on them."""

    WELL = 0  # all records are sent or unchanged
    NOT_ALL_WELL = 1  # some records are not; or the fuse stopped the run; or a test got no 2xx
    INPUT = 2  # wrong input or configuration, or the destination is a draft or paused
    ENVIRONMENT = 3  # credential refused, host unreachable, state locked or its disk full
    CANCELLED = 130  # stopped by ^C


def exit_of_run(report: RunReport) -> Exit:
    """The exit code of a run; for a failed flow, by the worst reason that stopped a destination."""
    match report.status:
        case "succeeded":
            return Exit.WELL
        case "cancelled":
            return Exit.CANCELLED
        case "failed":
            stops = {report.stopped_by, *(part.stopped_by for part in report.destinations)}
            if stops & ENVIRONMENT_STOPS or stops == {None}:
                return Exit.ENVIRONMENT
            return Exit.INPUT if INPUT_STOP in stops else Exit.NOT_ALL_WELL
        case _:
            return Exit.NOT_ALL_WELL


def exit_of_error(error: PenstockError) -> Exit:
    return Exit.ENVIRONMENT if isinstance(error, EnvironmentFailure) else Exit.INPUT


def print_problems(problems: Sequence[Problem], *, json: bool) -> None:
    """Print the problems: with --json as one document on stdout, else as lines on stderr.

    If stdout cannot be written, the document goes to stderr.
    """
    if json:
        is_mute = any(problem.code == OUTPUT_FAILED for problem in problems)
        write(
            sys.stderr if is_mute else sys.stdout,
            as_document({"errors": [problem_json(problem) for problem in problems]}),
        )
    elif problems:
        title = "" if len(problems) == 1 else f"{len(problems)} problems:\n"
        write(sys.stderr, title + "".join(f"{printable(str(problem))}\n" for problem in problems))


def print_on_stderr(problems: Sequence[Problem], *, json: bool) -> Exit:
    """Print the problems on stderr because stdout cannot be written; an error of stderr is ignored."""
    with suppress(EnvironmentFailure):
        print_problems(problems, json=json)
    return Exit.ENVIRONMENT


def full_disk(error: BaseException) -> Problem | None:
    """The problem if the error, or an error that caused it, is a full disk; else None."""
    for chained in _with_causes(error):
        if isinstance(chained, OSError) and chained.errno in NO_ROOM:
            place = "disk" if chained.filename is None else str(chained.filename)
            message = f"cannot be written: {chained.strerror}"
            return Problem(place, message, "disk-full", "free disk space, then run the command again")
    return None


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """The error, the one that caused it, and so on."""
    chained: BaseException | None = error
    seen: set[int] = set()
    while chained is not None and id(chained) not in seen:
        seen.add(id(chained))
        yield chained
        chained = chained.__cause__ or chained.__context__


def print_defect(error: Exception, *, json: bool, file: Path | None) -> Exit:
    """Report an unexpected error as a defect of Penstock, with the path of its traceback."""
    where = _keep_traceback(error, file)
    message = f"this is a defect in Penstock {__version__}: {type(error).__name__}"
    hint = f"your input is not the cause; please report it with {where}"
    print_problems([Problem("penstock", message, "defect", hint)], json=json)
    return Exit.ENVIRONMENT


def print_cancelled(*, json: bool) -> Exit:
    """Report ^C outside a run, where no request is in flight."""
    print_problems([Problem("penstock", "stopped by ^C", "cancelled")], json=json)
    return Exit.CANCELLED


def _keep_traceback(error: Exception, file: Path | None) -> str:
    """Write the traceback to a file beside the state, else to stderr; returns where it is."""
    text = traceback_without_values(error)
    project = file or Path()
    path = (project if project.is_dir() else project.parent) / DEFECTS
    if not os.environ.get(DEBUG_VARIABLE) and path.parent.is_dir():
        try:
            with path.open("a", encoding="utf-8") as log:
                log.write(text)
        except OSError:  # the disk may be the cause: write to stderr
            pass
        else:
            return f"the end of {path}"
    write(sys.stderr, text)
    return "the lines above"


def traceback_without_values(error: BaseException) -> str:
    """Files, lines, functions and classes of errors; no messages, because they can contain a record or a secret."""
    lines = [f"Penstock {__version__}, Python {sys.version.split()[0]}\n"]
    for chained in _with_causes(error):
        lines += [
            f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n'
            for frame in traceback.extract_tb(chained.__traceback__)
        ]
        lines.append(f"{type(chained).__module__}.{type(chained).__qualname__}\n")
    return "".join(lines)


def not_written(path: str, message: str, hint: str, error: OSError, found: str | None = None) -> PenstockError:
    """The error for a file that cannot be written: EnvironmentFailure if its disk is full, else InputError."""
    text = f"{message}: {error.strerror}"
    if error.errno in NO_ROOM:
        return EnvironmentFailure(
            Problem(path, text, "disk-full", "free disk space, or name another place", found=found)
        )
    return refuse(path, text, "file-not-written", hint, found)


def printable(text: str) -> str:
    """The text with control characters escaped, so that it cannot control a terminal."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def refuse(path: str, message: str, code: str, hint: str = "", found: str | None = None) -> InputError:
    """The error for a command line that can be parsed but not executed."""
    return InputError(Problem(path, message, code, hint, found=found))


def usage_problem(error: CycloptsError, shared: ArgumentCollection) -> Problem:
    """The problem with a command line; `shared` are the options of every command."""
    command = " ".join(("penstock", *(error.command_chain or ())))
    see = f"see `{command} --help`"
    error.verbose = False  # its verbose text names source files
    match error:
        case UnknownOptionError():
            option = error.token.keyword or error.token.value
            return _unknown_option(option, command, chain(error.argument_collection, shared))
        case UnknownCommandError():
            return _unknown_command(error, command, shared)
        case UnusedCliTokensError():
            extra = (error.unused_tokens or [""])[0]
            return Problem(extra, f"{command} takes no further argument", "extra-argument", see, found=extra)
        case MissingArgumentError() if error.argument is not None:
            name = error.keyword or error.argument.name
            what = "needs a value" if name.startswith("-") else "is missing"
            return Problem(name, f"{name} {what}", "missing-argument", see)
        case RepeatArgumentError():
            name = error.token.keyword or error.token.value
            return Problem(name, f"{name} is given more than once", "repeated-option", "write it once")
        case CoercionError() if error.token is not None and error.argument is not None:
            name = error.token.keyword or error.argument.name
            wanted = "a whole number" if error.target_type is int else "another value"
            return Problem(name, f"{name} needs {wanted}", "wrong-value", see, found=error.token.value)
        case _:
            return Problem(command, str(error), "usage", see)


def missing_command(group: App, chain_of_names: Iterable[str]) -> Problem:
    """The problem that a group of commands is named without a command."""
    command = " ".join(("penstock", *chain_of_names))
    return Problem(command, f"{command} needs a command", "missing-command", f"one of {', '.join(_commands(group))}")


def _unknown_option(option: str, command: str, known: Iterable[object]) -> Problem:
    name = option.split("=", 1)[0]
    names = [known_name for argument in known for known_name in getattr(argument, "names", ()) if known_name[0] == "-"]
    hint = did_you_mean(name, [*names, "--help"], f"see `{command} --help`")
    return Problem(name, f"{command} has no option {name}", "unknown-option", hint, found=name)


def _unknown_command(error: UnknownCommandError, command: str, shared: ArgumentCollection) -> Problem:
    found = (error.unused_tokens or [""])[0]
    if found.startswith("-"):
        return _unknown_option(found, command, shared)
    known = [] if error.app is None else _commands(error.app)
    hint = did_you_mean(found, known, f"commands: {', '.join(known)}")
    return Problem(found, f"{command} has no command {found}", "unknown-command", hint, found=found)


def _commands(app: App) -> list[str]:
    return [name for name in app if not name.startswith("-")]
