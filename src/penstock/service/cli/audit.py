"""Writes commands that change something to the audit log of the state they changed."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from penstock.cli.command import Command
from penstock.cli.exits import Exit

CHANGING = frozenset(
    {
        ("activate",),
        ("apply",),
        ("backup",),
        ("cancel",),
        ("credential", "rotate-key"),
        ("credential", "set"),
        ("flow", "pause"),
        ("flow", "resume"),
        ("hooks", "new-key"),
        ("pause",),
        ("people", "add"),
        ("people", "remove"),
        ("people", "reset"),
        ("people", "role"),
        ("people", "setup-link"),
        ("prune",),
        ("quarantine", "discard"),
        ("quarantine", "edit"),
        ("quarantine", "resend"),
        ("quarantine", "settle"),
        ("restore",),
        ("retention",),
        ("roll-back",),
        ("run",),
        ("test",),
        ("token", "add"),
        ("token", "remove"),
    }
)


def note(command: Sequence[str], names: Sequence[Any], ended: Exit, face: Command) -> None:
    """Write down that a command was followed. EnvironmentFailure when the state cannot be written.

    A state of an older version, which only a backup leaves as it is, is not brought up to date for it.
    """
    from penstock.clock import SystemClock  # noqa: PLC0415 - only commands that change something need it
    from penstock.service.people.audit import Audit  # noqa: PLC0415
    from penstock.store.database import Database  # noqa: PLC0415
    from penstock.store.migrations import HEAD  # noqa: PLC0415
    from penstock.usecases.applied_project.applied_project import PROJECT_FILE, state_url  # noqa: PLC0415

    path = face.file or PROJECT_FILE
    folder = (path if path.is_dir() else path.parent) / ".penstock"
    database = Database.look_at(state_url(path, face.database, os.environ), folder)
    try:
        if database.schema_version() != HEAD:
            return
        Audit(database, SystemClock()).note(
            who=_system_user(),
            action=f"penstock {' '.join(command)}",
            what=" ".join(str(name) for name in names if isinstance(name, str | Path)),
            origin=f"command line on {socket.gethostname()}",
            result="ok" if ended is Exit.WELL else f"exit {int(ended)}",
        )
    finally:
        database.close()


def _system_user() -> str:
    from getpass import getuser  # noqa: PLC0415

    try:
        return getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
