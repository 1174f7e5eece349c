"""The Python API: `Project`, a project file with its state and use-cases. Calls the same `App` as the command line."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

from penstock.app import App
from penstock.model.reports import CheckReport, Preview, QuarantineEntry, TestReport
from penstock.model.runs import Listener, PlanReport, RunReport


class Project:
    """One project; use it as a context manager, or call `close`.

    Every method raises `penstock.model.errors.InputError` for wrong input or configuration, and `EnvironmentFailure`
    if the host, credential, disk or lock fails. Both have `problems` with place, found value and hint.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    @classmethod
    def load(
        cls,
        file: str | PathLike[str] = "penstock.yaml",
        *,
        database: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Read a project file or a folder of them. `database` is the state's URL, `environ` resolves `${env:…}`."""
        return cls(App.open(Path(file), database, environ=environ))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the state database."""
        self._app.close()

    def check(self, credential: str, *, refresh: bool = False) -> CheckReport:
        """Check with the API whether a credential works, and find its base URL."""
        return self._app.check(credential, refresh=refresh)

    def preview(self, destination: str, *, limit: int | None = 5, everything: bool = False) -> Preview:
        """The exact requests for the sample records, or for all records. Sends nothing; reads sources of Custify."""
        return self._app.preview(destination, limit=limit, everything=everything)

    def test(self, destination: str, *, sample: int = 1, body: str | None = None) -> TestReport:
        """Send one sample record now, or `body` instead. Changes no counts, and remembers nothing as sent."""
        return self._app.test(destination, sample=sample, body=body)

    def plan(self, target: str) -> PlanReport:
        """What a run of this destination or flow would do now."""
        return self._app.plan(target)

    def run(
        self,
        target: str,
        *,
        wait: bool = False,
        listener: Listener | None = None,
        begins_at: str | None = None,
        allow_deletes: str | None = None,
        limit: int | None = None,
    ) -> RunReport:
        """Run a destination or flow, or continue its unfinished run.

        `begins_at` reads a source with a cursor again: from `start`, or from a value of the cursor. `allow_deletes` is
        the `deletes_hash` of a plan: exactly the deletions that it lists are approved. `limit` is the number of records
        of a destination after which the run stops; the next run with a limit begins behind them.
        """
        how: dict[str, Any] = {"begins_at": begins_at, "allow_deletes": allow_deletes, "limit": limit}
        return self._app.run(target, wait=wait, listener=listener, **how)

    def activate(self, destination: str) -> None:
        """Let runs send to a destination."""
        self._app.activate(destination)

    def pause(self, destination: str) -> None:
        """Stop runs from sending to a destination."""
        self._app.pause(destination)

    def quarantine(self, *, destination: str | None = None) -> list[QuarantineEntry]:
        """The records in quarantine."""
        return self._app.quarantine(destination=destination)
