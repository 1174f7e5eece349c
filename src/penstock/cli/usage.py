"""Wrong usage in the words and the shape of every other problem."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import chain
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

from penstock.model.errors import Problem

if TYPE_CHECKING:
    from cyclopts.argument import ArgumentCollection


def usage_problem(error: CycloptsError, shared: ArgumentCollection) -> Problem:
    """The problem of a command line; `shared` are the options that every command has."""
    command = " ".join(("penstock", *(error.command_chain or ())))
    see = f"see `{command} --help`"
    error.verbose = False  # its words for programmers name our source files
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
            return Problem(name, f"{name} is given more than once", "repeated-option", "give it once")
        case CoercionError() if error.token is not None and error.argument is not None:
            name = error.token.keyword or error.argument.name
            wanted = "a whole number" if error.target_type is int else "another value"
            return Problem(name, f"{name} needs {wanted}", "wrong-value", see, found=error.token.value)
        case _:
            return Problem(command, str(error), "usage", see)


def missing_command(group: App, chain_of_names: Iterable[str]) -> Problem:
    """A group of commands was named, and none of it."""
    command = " ".join(("penstock", *chain_of_names))
    return Problem(command, f"{command} needs a command", "missing-command", f"one of {', '.join(_commands(group))}")


def _unknown_option(option: str, command: str, known: Iterable[object]) -> Problem:
    name = option.split("=", 1)[0]
    names = [known_name for argument in known for known_name in getattr(argument, "names", ()) if known_name[0] == "-"]
    near = get_close_matches(name, [*names, "--help"], n=1)
    hint = f"did you mean {near[0]}?" if near else f"see `{command} --help`"
    return Problem(name, f"{command} has no option {name}", "unknown-option", hint, found=name)


def _unknown_command(error: UnknownCommandError, command: str, shared: ArgumentCollection) -> Problem:
    found = (error.unused_tokens or [""])[0]
    if found.startswith("-"):
        return _unknown_option(found, command, shared)
    known = [] if error.app is None else _commands(error.app)
    near = get_close_matches(found, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"commands: {', '.join(known)}"
    return Problem(found, f"{command} has no command {found}", "unknown-command", hint, found=found)


def _commands(app: App) -> list[str]:
    return [name for name in app if not name.startswith("-")]
