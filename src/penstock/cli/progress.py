"""How a run shows that it lives: a moving line on a terminal, a plain line every few seconds elsewhere. On stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from penstock.model.reports import Progress

PLAIN_EVERY_S = 5.0
SHOWN = ("delivered", "accepted", "unchanged", "quarantined", "unknown", "waiting")


class Display:
    """Listens to runs; a context manager, so that the terminal is left tidy."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, float] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"))
            self._bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Hear where a run stands."""
        if self._bar is None:
            self._show_plainly(progress)
            return
        task = self._tasks.get(progress.target)
        if task is None:
            task = self._tasks[progress.target] = self._bar.add_task(progress.target, total=None, words="")
        done = progress.counts["read"]
        self._bar.update(task, completed=done, total=progress.total, words=words(progress))

    def _show_plainly(self, progress: Progress) -> None:
        last = self._last.setdefault(progress.target, 0.0)
        if progress.elapsed_s - last >= PLAIN_EVERY_S:
            self._last[progress.target] = progress.elapsed_s
            sys.stderr.write(f"{progress.target}: {words(progress)}\n")


def words(progress: Progress) -> str:
    """`1,200 of 7,043 · 1,180 delivered · 20 quarantined · 3 requests`."""
    done = f"{progress.counts['read']:,}" + (f" of {progress.total:,}" if progress.total is not None else "")
    told = [f"{progress.counts[name]:,} {name}" for name in SHOWN if progress.counts[name]]
    return " · ".join([done, *told, f"{progress.requests:,} requests"])
