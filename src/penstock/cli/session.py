"""What every command shares: where the project and its state are, and how answers leave the process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.engine.app import App


@dataclass(frozen=True, slots=True)
class Session:
    """The options that every command takes."""

    file: Path | None = None
    database: str | None = None
    json: bool = False

    @contextmanager
    def app(self) -> Iterator[App]:
        """The App of the project; imported here, because help must not wait for it."""
        from penstock.engine.app import App  # noqa: PLC0415

        with App.open(self.file, self.database) as app:
            yield app

    def answer(self, document: Any, text: str) -> None:
        """Print the one document of `--json`, or the text for people."""
        if self.json:
            sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        elif text:
            sys.stdout.write(text + "\n")

    def say(self, text: str) -> None:
        """A word beside the answer: always on stderr."""
        sys.stderr.write(text + "\n")


_current = [Session()]


def session() -> Session:
    """The session of this command."""
    return _current[0]


def begin(new: Session) -> None:
    """Make `new` the session of this process: called once, before the command."""
    _current[0] = new
