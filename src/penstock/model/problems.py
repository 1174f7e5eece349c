"""Problems as JSON. Imports nothing of ours but the ground floor, and nothing heavy: every command may need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.model.errors import Choice, Problem


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem as it stands in `{"errors": […]}`.

    `file` only when the project is a folder of files, `choices` only where a person has to choose.
    """
    document: dict[str, Any] = {
        "path": problem.path,
        "line": problem.line,
        "code": problem.code,
        "found": problem.found,
        "message": problem.message,
        "hint": problem.hint,
    }
    if problem.choices:
        document["choices"] = [{"value": choice.value, "shows": choice.shows} for choice in problem.choices]
    return document if problem.file in (None, "") else {**document, "file": problem.file}


def problem_of(document: Mapping[str, Any]) -> Problem:
    """The problem that `problem_json` wrote."""
    known = {name: document[name] for name in ("path", "message", "code", "hint", "found", "line")}
    choices = tuple(Choice(**choice) for choice in document.get("choices", ()))
    return Problem(**known, file=document.get("file"), choices=choices)
