"""Care for the state: backup, restore, retention, the sealing key, and what is wrong with all of it.

It works without a project file, and `restore` and `diagnose` without a state: they are for the day something is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.clock import Clock
from penstock.engine.care_backup import BackedUp, back_up
from penstock.engine.care_restore import RestoredState, Wanted, restore
from penstock.engine.truth import PROJECT_FILE, state_url


@dataclass(frozen=True, slots=True)
class Care:
    """What is done to a state as a whole. `url` names it, `file` is the project file or folder, there or not."""

    url: str
    file: Path
    environ: Mapping[str, str]
    clock: Clock

    @staticmethod
    def of(file: Path | None, database: str | None, environ: Mapping[str, str], clock: Clock) -> Care:
        """As the options of every command say."""
        path = file or PROJECT_FILE
        return Care(state_url(path, database, environ), path, environ, clock)

    def back_up(self, target: Path, *, with_key: bool = False) -> BackedUp:
        """Write a backup of a SQLite state to a new file, while others use the state."""
        return back_up(self.url, target, with_key=with_key, environ=self.environ, clock=self.clock)

    def restore(self, wanted: Wanted) -> RestoredState:
        """Put a backup in the place of the state, which nobody may have open."""
        return restore(self.url, wanted, environ=self.environ, clock=self.clock)
