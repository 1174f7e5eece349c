"""Problems as JSON. Imports nothing of ours but the ground floor, and nothing heavy: every command may need it."""

from __future__ import annotations

from typing import Any

from penstock.model.errors import Problem


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
