"""The App: every use-case of Penstock behind one door. The faces (command line, Python, REST) translate to it and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.clock import Clock
from penstock.model.errors import Problem
from penstock.model.outcome import RunReport
from penstock.model.reports import (
    CheckReport,
    DatasetReport,
    DeliveryReport,
    PlanReport,
    Preview,
    Progress,
    QuarantineDetail,
    QuarantineEntry,
    TestReport,
)

Listener = Callable[[Progress], None]


class App:
    """One project, its state and its surroundings. Use it as a context manager; all methods are synchronous.

    Every method raises `InputError` (exit 2) or `EnvironmentFailure` (exit 3) with the problems found.
    """

    @classmethod
    def open(
        cls,
        file: Path | None = None,
        database: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> App:
        """Read the project file (default `penstock.yaml` here) and open its state (default `.penstock/state.db` beside it)."""
        raise NotImplementedError

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None: ...

    @staticmethod
    def validate(file: Path | None = None, *, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
        """All problems of a project file, none when it is fine."""
        raise NotImplementedError

    @staticmethod
    def file_schema() -> dict[str, Any]:
        """The JSON Schema of the project file, for editors."""
        raise NotImplementedError

    def dataset(self, name: str, *, refresh: bool = False) -> DatasetReport:
        """The detected schema of a dataset; `refresh` reads and decides it anew."""
        raise NotImplementedError

    def set_credential(self, name: str, secret: str) -> None:
        """Seal the API key of a credential in the state database."""
        raise NotImplementedError

    def check(self, credential: str, *, refresh: bool = False) -> CheckReport:
        """Ask the API whether the credential works, and which base answers."""
        raise NotImplementedError

    def preview(self, destination: str, *, limit: int | None = 5, everything: bool = False) -> Preview:
        """The requests that the cached samples (or the whole dataset) would make. Calls no API."""
        raise NotImplementedError

    def test(self, destination: str, *, sample: int = 1, body: str | None = None) -> TestReport:
        """Send the request of the `sample`-th sample record (from 1), or the edited `body`, now."""
        raise NotImplementedError

    def plan(self, target: str) -> PlanReport:
        """What `run` of this destination or flow would do now."""
        raise NotImplementedError

    def run(
        self,
        target: str,
        *,
        wait: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
    ) -> RunReport:
        """Run a destination or flow from its checkpoint to its end (resumes an unfinished run).

        `wait` waits for another run that holds the destination; `listener` hears the progress a few times a second;
        `handle_signals` lets SIGINT and SIGTERM stop the run cleanly after the requests in flight.
        """
        raise NotImplementedError

    def activate(self, destination: str) -> None:
        """Let runs send this destination."""
        raise NotImplementedError

    def pause(self, destination: str) -> None:
        """Stop runs from sending this destination, until it is activated again."""
        raise NotImplementedError

    def runs(self, *, run: str | None = None, limit: int = 50) -> list[RunReport]:
        """The runs, newest first; or the one named."""
        raise NotImplementedError

    def deliveries(self, run: str) -> list[DeliveryReport]:
        """The requests of a run."""
        raise NotImplementedError

    def quarantine(self, *, destination: str | None = None, cause: str | None = None) -> list[QuarantineEntry]:
        """The records held for a person."""
        raise NotImplementedError

    def quarantined(self, entry: str) -> QuarantineDetail:
        """One held record, whole."""
        raise NotImplementedError

    def edit(self, entry: str, *, changes: Mapping[str, Any] | None = None, record: Any = None) -> QuarantineDetail:
        """Change the held record: some of its members (dotted paths reach into nested values), or all of it."""
        raise NotImplementedError

    def resend(
        self,
        entries: Sequence[str] = (),
        *,
        cause: str | None = None,
        everything: bool = False,
        listener: Listener | None = None,
        handle_signals: bool = False,
    ) -> list[RunReport]:
        """Send the held records now, under run ids of their own: one run per destination."""
        raise NotImplementedError

    def discard(
        self,
        entries: Sequence[str] = (),
        *,
        cause: str | None = None,
        everything: bool = False,
        reason: str = "",
    ) -> int:
        """Never send these versions; answers how many there were."""
        raise NotImplementedError

    def settle(self, entry: str, *, delivered: bool) -> None:
        """A person knows that an unknown record arrived: remember it as sent."""
        raise NotImplementedError
