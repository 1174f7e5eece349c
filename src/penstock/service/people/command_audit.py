"""Writes commands that change something to the audit log of the state that they changed."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path
from typing import Any

from penstock.clock import SystemClock
from penstock.service.people.audit import Audit
from penstock.store.database import Database
from penstock.store.migrations import HEAD
from penstock.usecases.applied_project.applied_project import PROJECT_FILE, state_url


def note_command(
    command: Sequence[str], names: Sequence[Any], result: str, file: Path | None, database: str | None
) -> None:
    """Write the audit entry of a command that has ended. EnvironmentFailure when the state cannot be written.

    `file` and `database` are the options of the command. A state of an older version, which only a backup leaves as it
    is, is not brought up to date for it.
    """
    path = file or PROJECT_FILE
    folder = (path if path.is_dir() else path.parent) / ".penstock"
    state = Database.look_at(state_url(path, database, os.environ), folder)
    try:
        if state.schema_version() != HEAD:
            return
        Audit(state, SystemClock()).note(
            who=_system_user(),
            action=f"penstock {' '.join(command)}",
            what=" ".join(str(name) for name in names if isinstance(name, str | Path)),
            origin=f"command line on {socket.gethostname()}",
            result=result,
        )
    finally:
        state.close()


def _system_user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
