"""The errors that Penstock raises, and their JSON form.

PenstockError
├── InputError              wrong input or configuration                                              exit 2
│   ├── ConflictError       someone else changed it meanwhile, or the name is taken                             exit 2
│   ├── TooManyTries        too many attempts to sign in                                               exit 2
│   └── NotAvailableYet     a key or command that a later version supports                             exit 2
└── EnvironmentFailure      something outside Penstock fails                                           exit 3
    ├── CredentialRefused   401 or 403
    ├── HostUnreachable     no connection, no TLS, or the answer is not from an API
    ├── StateLocked         another run holds the destination
    └── StateUnavailable    the state database cannot be opened or written (disk full, no permission)

Every command may need this module, so it imports nothing slow.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired

from typing_extensions import TypedDict

from penstock.model.text import visible

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # of an OSError: a disk, a quota or a limit is full


@dataclass(frozen=True, slots=True)
class Choice:
    """One fix of a problem: the `value` to write, and what the input `shows` with it."""

    value: str
    shows: str


@dataclass(frozen=True, slots=True)
class Problem:
    r"""One thing that is wrong, where it is, and what to write instead.

    `path` is the place in the project file (`destinations.people.fields.email`) or the name of the input that is
    wrong; `line` is 1-based; `code` is a stable word for programs (`unknown-key`); `found` is what is there,
    shortened and without secrets; `message` says what is wrong; `hint` what to write instead. `choices` are the
    likeliest values, the likeliest first, if only a person can decide. Invisible characters are shown as `\u200b`.
    """

    path: str
    message: str
    code: str
    hint: str = ""
    found: str | None = None
    line: int | None = None
    file: str | None = None
    choices: tuple[Choice, ...] = ()

    def __post_init__(self) -> None:
        for name in ("message", "hint", "found"):
            text = getattr(self, name)
            if text is not None and not text.isascii():
                object.__setattr__(self, name, visible(text))

    def __str__(self) -> str:
        """`file:line: path: message (found …) — hint`, without the parts that are not known."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        where = ": ".join(part for part in (place, self.path) if part)
        found = "" if self.found is None or self.found in self.message else f" (found {self.found})"
        hint = f" — {self.hint}" if self.hint else ""
        return f"{where}: {self.message}{found}{hint}" if where else f"{self.message}{found}{hint}"


class PenstockError(Exception):
    """The root of all errors that Penstock raises on purpose; carries one or more problems."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class InputError(PenstockError):
    """Wrong input or configuration; every problem found is in `problems`."""


class ConflictError(InputError):
    """Someone else changed the same thing meanwhile, or the name is taken."""


class TooManyTries(InputError):  # noqa: N818 - it is an answer more than an error
    """Too many attempts to sign in; the next is accepted after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = math.ceil(retry_after_s)
        message = f"too many attempts: the next is accepted in {self.retry_after_s} s"
        super().__init__(Problem("session", message, "too-many-tries", "wait, then try again"))


class NotAvailableYet(InputError):  # noqa: N818 - it is an answer more than an error
    """The project file or command uses something that a later version of Penstock supports."""


class EnvironmentFailure(PenstockError):  # noqa: N818
    """Something outside Penstock fails: host, credential, disk or lock."""


class CredentialRefused(EnvironmentFailure):
    """The API answered 401 or 403 to this credential."""


class HostUnreachable(EnvironmentFailure):
    """No connection, no TLS, or the answer is not from an API."""


class StateLocked(EnvironmentFailure):
    """Another process holds this destination; the message names it."""


class StateUnavailable(EnvironmentFailure):
    """The state database cannot be opened or written."""


def not_stored(place: str, what: str, error: OSError) -> StateUnavailable:
    """The error for a file beside the state that cannot be written; `what` is in it, `place` is its folder."""
    if error.errno in NO_ROOM:
        code, hint = "disk-full", "free disk space, then run the same command again"
    else:
        code, hint = "cannot-write", "check the permissions of the folder"
    return StateUnavailable(Problem(place, f"{what} cannot be stored: {error.strerror}", code, hint))


class ChoiceJson(TypedDict):
    """A value that solves a problem, and a part of the input as it reads with this value."""

    value: str
    shows: str


class ProblemJson(TypedDict):
    """A problem: where it is, what was found, and what to write instead.

    `file` is set if the project is a folder of files. `choices` are the likeliest values, the likeliest first, if only
    a person can decide (the encoding of a file).
    """

    path: str
    line: int | None
    code: str
    found: str | None
    message: str
    hint: str
    file: NotRequired[str | None]
    choices: NotRequired[list[ChoiceJson]]


def problem_json(problem: Problem) -> ProblemJson:
    """A problem as it is in `{"errors": […]}`.

    `file` only when the project is a folder of files, `choices` only where a person has to choose.
    """
    document: ProblemJson = {
        "path": problem.path,
        "line": problem.line,
        "code": problem.code,
        "found": problem.found,
        "message": problem.message,
        "hint": problem.hint,
    }
    if problem.choices:
        document["choices"] = [{"value": choice.value, "shows": choice.shows} for choice in problem.choices]
    if problem.file not in (None, ""):
        document["file"] = problem.file
    return document


def problem_of(document: Mapping[str, Any]) -> Problem:
    """The problem that `problem_json` wrote."""
    known = {name: document[name] for name in ("path", "message", "code", "hint", "found", "line")}
    choices = tuple(Choice(**choice) for choice in document.get("choices", ()))
    return Problem(**known, file=document.get("file"), choices=choices)
