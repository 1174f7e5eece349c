"""A control group that limits the memory of the processes in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.deadline import until

ROOT = Path("/sys/fs/cgroup")
# of version 2, and of version 1: where groups are made, and the file with the limit
KINDS = ((ROOT, "memory.max"), (ROOT / "memory", "memory.limit_in_bytes"))
ENTER = 'echo $$ > "$0" && exec "$@"'


@contextmanager
def limited_memory(size: int) -> Iterator[tuple[str, ...]]:
    """The beginning of a command line that starts a program with at most `size` bytes; empty where no group can be made.

    A program that needs more is killed by the kernel.
    """
    group = next((found for parent, limit in KINDS if (found := _group(parent, limit, size)) is not None), None)
    if group is None:
        yield ()
        return
    try:
        yield ("/bin/sh", "-c", ENTER, str(group / "cgroup.procs"))
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def _group(parent: Path, limit: str, size: int) -> Path | None:
    group = parent / f"penstock-tests-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        with (group / limit).open("r+") as file:  # the kernel makes it, in a group that can limit memory
            file.write(str(size))
    except OSError:
        group.rmdir()
        return None
    return group
