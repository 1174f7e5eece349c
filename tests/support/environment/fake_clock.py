"""A clock that a test sets while processes run: libfaketime, for the time of day of each process that is given it."""

import os
from dataclasses import dataclass
from pathlib import Path

from support.environment.kernel import not_run

LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@dataclass(frozen=True)
class FakeClock:
    """`environ` is for processes; seconds that they measure are not changed, as on a machine whose clock is set."""

    file: Path
    environ: dict[str, str]

    def set(self, hours: int) -> None:
        """The time of day is now so many hours after the real one."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{hours:+d}h\n")
        new.rename(self.file)


def fake_clock(folder: Path) -> FakeClock:
    """A clock that shows the real time until it is set. The test is not run where libfaketime is not installed."""
    if not LIBRARIES:
        not_run("libfaketime is not installed")
    file = folder / "clock"
    environ = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    clock = FakeClock(file, {**os.environ, **environ})
    clock.set(0)
    return clock


def fast_clock(times: int) -> dict[str, str]:
    """The environment of processes for which time passes so many times as fast, also where they measure seconds."""
    if not LIBRARIES:
        not_run("libfaketime is not installed")
    return {**os.environ, "LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME": f"+0 x{times}"}
