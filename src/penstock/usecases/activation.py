"""Activates and pauses destinations. Runs send only to active ones."""

from __future__ import annotations

from collections.abc import Callable

from penstock.clock import iso
from penstock.model.errors import InputError
from penstock.model.spec import DestinationSpec
from penstock.run.context import Context
from penstock.store.project import resources
from penstock.store.project.resources import SwitchState
from penstock.usecases.applied_project.applied_project import Edits


def activate(
    ctx: Context, edits: Edits, destination: str, by: str, compile_it: Callable[[DestinationSpec], object]
) -> None:
    """Let runs send to a destination.

    Raises InputError if the project file has `active: false`, and what `compile_it` raises.
    """
    spec = ctx.destination(destination)
    compile_it(spec)
    if spec.active is False and ctx.version is not None:
        edits.patch("destinations", destination, {"active": None}, author=by)
    elif spec.active is False:
        path = f"destinations.{destination}.active"
        message = f"the project declares {destination} a draft, which overrides its activation"
        raise InputError(
            ctx.problem(path, message, "file-decides", hint="write `active: true` in the file", found="false")
        )
    _switch(ctx, destination, "active", by)


def pause(ctx: Context, destination: str, by: str) -> None:
    """Stop runs from sending to a destination."""
    ctx.destination(destination)
    _switch(ctx, destination, "paused", by)


def _switch(ctx: Context, destination: str, state: SwitchState, by: str) -> None:
    with ctx.database.begin() as conn:
        resources.set_switch(conn, destination, state, by=by, at=iso(ctx.clock.now()))
        if state == "active":  # the person accepts what a restored state remembers
            resources.settle_restored(conn, destination)
