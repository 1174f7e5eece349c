"""Opens the App of the service for a command; and how a process that stays treats what it imports."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.cli.command import Command
    from penstock.service.app import ServiceApp


def open_project(command: Command) -> ServiceApp:
    """The project of the file and its state. InputError or EnvironmentFailure."""
    from penstock.service.app import ServiceApp  # noqa: PLC0415 - half a second, which help must not wait for

    return ServiceApp.open(command.file, command.database)


def open_applied(command: Command) -> ServiceApp:
    """The project in the database, whatever the file says; an empty one while none was applied."""
    from penstock.service.app import ServiceApp  # noqa: PLC0415 - see `open_project`

    return ServiceApp.open_applied(state_url_of(command))


def state_url_of(command: Command) -> str:
    """Where the state is."""
    from penstock.service.app import ServiceApp  # noqa: PLC0415 - see `open_project`

    return ServiceApp.state_url(command.file, command.database)


def pause_collection() -> None:
    """Collect no garbage while modules are imported: that takes a sixth of the start. Then `freeze_collection`."""
    gc.disable()


def freeze_collection() -> None:
    """Collect garbage again, but never look at what is there by now: it stays."""
    gc.freeze()
    gc.enable()
