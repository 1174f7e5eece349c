"""Runs `penstock …` and kills its own process with signal 9 at one chosen moment. Run as a script:

    python killed_run.py MOMENT COUNT run people --json -f penstock.yaml

MOMENT is one of `MOMENTS`; the process dies the COUNT-th time it gets there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

MOMENTS = (
    "before the bytes leave",
    "between bytes out and reply",
    "between reply and verdict",
    "between verdict and commit",
    "inside the commit",
    "after the commit",
    "before a chunk",
    "between accepted and confirmed",
    "before the file is in place",
    "after the file is in place",
)
Here = Callable[[str], None]
Place = tuple[Any, str, str, bool]  # owner, name, moment, whether it comes before the call


def main() -> None:
    moment, times, *arguments = sys.argv[1:]
    reached = count(1)

    def here(name: str) -> None:
        if name == moment and next(reached) == int(times):
            os.kill(os.getpid(), signal.SIGKILL)

    _plant(here, moment)
    from penstock.main import main as penstock

    sys.argv = ["penstock", *arguments]
    penstock()


def _plant(here: Here, moment: str) -> None:
    from penstock.delivery.files.output_file import OutputFile
    from penstock.delivery.http.client import Client
    from penstock.delivery.sender import BatchJobs
    from penstock.run.diff.diff import Classifier
    from penstock.run.recording.commit import CommitSchedule
    from penstock.run.recording.recorder import Recorder
    from penstock.store.runs import runs

    _around_attempts(Client, here, moment)
    waiting: tuple[Place, ...] = (
        (BatchJobs, "end_of", "between accepted and confirmed", True),
        (CommitSchedule, "_commit_together", "after the commit", False),
    )
    for owner, name, shown, is_before in waiting:
        _wrap_waiting(owner, name, _call(here, shown), is_before=is_before)
    others: tuple[Place, ...] = (
        (Recorder, "settle", "between verdict and commit", False),
        (CommitSchedule, "commit", "after the commit", False),
        (runs, "save", "inside the commit", True),
        (Classifier, "classify", "before a chunk", True),
        (OutputFile, "publish", "before the file is in place", True),
        (OutputFile, "publish", "after the file is in place", False),
    )
    for owner, name, shown, is_before in others:
        _wrap(owner, name, _call(here, shown), is_before=is_before)


def _around_attempts(client: Any, here: Here, moment: str) -> None:
    attempt = client._attempt  # noqa: SLF001 - the bytes leave in it

    async def dying(*args: Any, **kwargs: Any) -> Any:
        here("before the bytes leave")
        sending = asyncio.ensure_future(attempt(*args, **kwargs))
        if moment == "between bytes out and reply":
            await asyncio.wait({sending}, timeout=0.02)  # the sandbox replies later than that
            here("between bytes out and reply")
        answer = await sending
        here("between reply and verdict")
        return answer

    client._attempt = dying  # noqa: SLF001


def _call(here: Here, name: str) -> Callable[[], None]:
    return lambda: here(name)


def _wrap(owner: Any, name: str, die: Callable[[], None], *, is_before: bool) -> None:
    inner = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if is_before:
            die()
        result = inner(*args, **kwargs)
        if not is_before:
            die()
        return result

    setattr(owner, name, dying)


def _wrap_waiting(owner: Any, name: str, die: Callable[[], None], *, is_before: bool) -> None:
    inner = getattr(owner, name)

    async def dying(*args: Any, **kwargs: Any) -> Any:
        if is_before:
            die()
        result = await inner(*args, **kwargs)
        if not is_before:
            die()
        return result

    setattr(owner, name, dying)


if __name__ == "__main__":
    main()
