"""Who runs a destination: a lock on a file beside the database, which the system frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from penstock.model.errors import Problem, StateLocked


@contextmanager
def hold(folder: Path, name: str, holder: str) -> Iterator[None]:
    """Hold `name` for the block. StateLocked, naming the holder, when another process has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{_file_name(name)}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(folder, handle, name)
        os.ftruncate(handle, 0)
        os.pwrite(handle, holder.encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def is_held(folder: Path, name: str) -> bool:
    """Whether a living process holds `name`."""
    try:
        handle = os.open(folder / f"{_file_name(name)}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        with _gate(folder):
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(handle, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def any_holder(folder: Path) -> str | None:
    """Who holds anything now; None when nobody does."""
    for path in sorted(folder.glob("*.lock")):
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            with _gate(folder):
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                fcntl.flock(handle, fcntl.LOCK_UN)
        except BlockingIOError:
            return os.pread(handle, 1000, 0).decode(errors="replace") or "another process"
        finally:
            os.close(handle)
    return None


def _lock(folder: Path, handle: int, name: str) -> None:
    try:
        with _gate(folder):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 1000, 0).decode(errors="replace") or "another process"
        message = f"{name} is held by {holder}"
        raise StateLocked(Problem(name, message, "held", "wait for it with --wait, or stop it", holder)) from None


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """One try at a time, for microseconds: so that who only looks is never taken for a holder."""
    gate = os.open(folder / "gate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


def _file_name(name: str) -> str:
    """A name that every file system takes, and that no other name shares."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name)[:60]
    return f"{plain}-{blake2b(name.encode(), digest_size=4).hexdigest()}"
