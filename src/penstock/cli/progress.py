"""The progress of a run on stderr: bars on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.cli.command import console, write
from penstock.cli.text.words import COLOURS, duration
from penstock.model.outcome import COUNT_NAMES

if TYPE_CHECKING:
    from rich.progress import TaskID

    from penstock.model.delivery import Waiting
    from penstock.model.runs import Listener, Progress

PLAIN_EVERY_S = 5.0
SENDING = "sending"


@contextmanager
def progress_display() -> Iterator[Listener]:
    """The listener that displays a run's progress."""
    if sys.stderr.isatty():
        with _bars() as listener:
            yield listener
    else:
        yield PlainLines()


@contextmanager
def _bars() -> Iterator[Listener]:
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn  # noqa: PLC0415 - only on a terminal
    from rich.progress import Progress as Bars  # noqa: PLC0415 - only on a terminal

    columns = (
        SpinnerColumn(finished_text="·"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console(sys.stderr), transient=True) as bars:

        def listener(progress: Progress) -> None:
            if progress.target not in tasks:
                tasks[progress.target] = bars.add_task(progress.target, total=None, words="")
            bars.update(
                tasks[progress.target], completed=decided(progress), total=progress.total, words=words(progress)
            )

        yield listener


class PlainLines:
    """Prints a line for each target every 5 seconds, and when it waits or stops; nothing for a short run."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._phases: dict[str, str] = {}

    def __call__(self, progress: Progress) -> None:
        last = self._last.setdefault(progress.target, progress.elapsed_s)
        before = self._phases.get(progress.target, SENDING)
        self._phases[progress.target] = progress.phase
        if progress.phase not in {before, SENDING}:
            write(sys.stderr, f"{progress.target}: {progress.phase}\n")
        elif progress.elapsed_s - last >= PLAIN_EVERY_S:
            self._last[progress.target] = progress.elapsed_s
            total = "" if progress.total is None else f" of {progress.total:,}"
            write(sys.stderr, f"{progress.target}: {decided(progress):,}{total} records · {words(progress)}\n")


def decided(progress: Progress) -> int:
    """How many records have an outcome."""
    return sum(progress.counts.get(name, 0) for name in COUNT_NAMES[1:])


def words(progress: Progress) -> str:
    """`1,180 delivered · 20 quarantined · 14 requests · 236 records/s · 25 s left`."""
    parts = [f"{progress.counts[name]:,} {name}" for name in COLOURS if progress.counts.get(name, 0)]
    parts.append(f"{progress.requests:,} requests")
    done = decided(progress)
    rate = done / progress.elapsed_s if progress.elapsed_s > 0 else 0.0
    if rate:
        parts.append(f"{rate:,.0f} records/s" if rate >= 10 else f"{rate:.1f} records/s")
    if progress.waiting_for is not None:
        parts.append(waiting_words(progress.waiting_for))
    elif progress.phase != SENDING:
        parts.append(progress.phase)
    if progress.left_s:
        parts.append(f"{duration(progress.left_s)} left")
    return " · ".join(parts)


def waiting_words(waiting: Waiting) -> str:
    """`503: attempt 3 in 8 s`, `waiting 4 s for the rate limit`, `batch job 65f1 polled again in 2 s`."""
    after = duration(waiting.seconds)
    if waiting.kind == "rate limit":
        return f"waiting {after} for the rate limit"
    if waiting.kind == "batch job":
        return f"batch job {waiting.job} polled again in {after}"
    return f"{waiting.status or 'no answer'}: attempt {waiting.attempt} in {after}"
