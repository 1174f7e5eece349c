"""The commands for webhook sources: their URLs, what they received, and their keys."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from penstock.cli.command import SET_UP, Given
from penstock.service.cli.service_app import open_project

Source = Annotated[str, Parameter(name="SOURCE", help="A webhook source of the project.")]


def add_to(app: App) -> None:
    hooks = App(name="hooks", help="List the webhook sources, and make their keys.", group=SET_UP, sort_key=4)
    hooks.command(list_, name="list")
    hooks.command(new_key, name="new-key")
    app.command(hooks)


def list_(*, command: Given) -> None:
    """List the webhook sources with their URLs, authentication and numbers of received records."""
    from penstock.service.cli.text import hooks_text  # noqa: PLC0415 - rich is slow to import

    with open_project(command) as app:
        found = app.intake.listed()
    command.show(found, lambda: hooks_text(found))


def new_key(source: Source, /, *, command: Given) -> None:
    """Make a new key or signing secret for a webhook source.

    It is shown once. The previous one stops working.
    """
    with open_project(command) as app:
        key = app.intake.new_key(source)
    command.show({"source": source, "key": key}, lambda: [key])
    if not command.json:
        command.remark(f"Senders need it to post to /hooks/{source}. It is stored sealed and is not shown again.")
