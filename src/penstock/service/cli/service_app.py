"""Opens the ServiceApp for a command, and sets the garbage collector of long-running processes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.cli.command import Command
    from penstock.service.app import ServiceApp


def app_class() -> type[ServiceApp]:
    from penstock.service.app import ServiceApp  # noqa: PLC0415 - half a second, which help must not wait for

    return ServiceApp


def open_project(command: Command) -> ServiceApp:
    """Open the project file and its state. Raises InputError or EnvironmentFailure."""
    return app_class().open(command.file, command.database)


def open_applied(command: Command) -> ServiceApp:
    """Open the project in the database, without the project file; it is empty while none was applied."""
    return app_class().open_applied(state_url_of(command))


def state_url_of(command: Command) -> str:
    """The URL of the state."""
    return app_class().state_url(command.file, command.database)


def pause_collection() -> None:
    """Disable garbage collection during imports (a sixth of their time). Call `freeze_collection` afterwards."""
    gc.disable()


def freeze_collection() -> None:
    """Enable garbage collection again; it ignores the objects that exist now, because they stay."""
    gc.freeze()
    gc.enable()
