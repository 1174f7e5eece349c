"""Whether runs may send a destination: what the project file says, and what a person said last."""

from __future__ import annotations

from penstock.model.errors import InputError
from penstock.model.spec import DestinationSpec
from penstock.run.context import Context
from penstock.store.project import resources


def is_active(ctx: Context, spec: DestinationSpec) -> tuple[bool, str]:
    """Whether runs may send, and why (not): a person's pause beats the file, the file beats an earlier activation."""
    with ctx.database.read() as conn:
        return activity(spec, resources.switch_of(conn, spec.name))


def active_names(ctx: Context) -> frozenset[str]:
    """The destinations that runs may send to."""
    specs = ctx.project.destinations
    with ctx.database.read() as conn:
        switches = resources.switches_of(conn, list(specs))
    return frozenset(name for name, spec in specs.items() if activity(spec, switches.get(name))[0])


def activity(spec: DestinationSpec, switch: resources.Activation | None) -> tuple[bool, str]:
    """The same, where a person's last choice is known."""
    if switch is not None and switch.state == "paused":
        return False, f"{spec.name} was paused at {switch.at}"
    if spec.active is not None:
        return spec.active, "" if spec.active else f"{spec.name} is a draft: `active: false` in the project file"
    if switch is not None:
        return True, ""
    return False, f"{spec.name} is a draft"


def is_paused(ctx: Context, spec: DestinationSpec) -> bool:
    """Whether a person paused it; a draft is not paused."""
    with ctx.database.read() as conn:
        switch = resources.switch_of(conn, spec.name)
    return switch is not None and switch.state == "paused"


def require_active(ctx: Context, spec: DestinationSpec) -> None:
    """InputError when the destination is a draft or paused."""
    active, reason = is_active(ctx, spec)
    if not active:
        path = f"destinations.{spec.name}.active"
        how = "write `active: true`" if spec.active is False else f"`penstock activate {spec.name}`"
        hint = f"look at `penstock plan {spec.name}`, then {how}"
        state = "paused" if is_paused(ctx, spec) else "draft"
        raise InputError(ctx.problem(path, f"nothing is sent: {reason}", "not-active", hint=hint, found=state))
