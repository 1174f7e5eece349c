"""Commands that a later version answers: known by name, so that scripts and people hear what is the matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter

from penstock.cli.groups import LATER
from penstock.model.errors import NotAvailableYet, Problem

COMMANDS = {
    "serve": "Serve the web UI and the REST API.",
}


def add_to(app: App) -> None:
    for name, about in COMMANDS.items():
        app.command(_not_yet(name), name=name, help=about, group=LATER)


def _not_yet(name: str) -> Callable[..., None]:
    def command(*_words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)]) -> None:
        hint = "commands read the project file themselves: `penstock run` needs nothing else"
        raise NotAvailableYet(Problem(name, f"penstock {name} is not available yet", "not-available-yet", hint))

    return command
