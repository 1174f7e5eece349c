"""The check of a file that a project names, before and after opening: resolves links, then applies `model.reach`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from penstock.model.reach import Denial, FileFacts, Inode, Reach, file_denial, is_own_name

GLOB = re.compile(r"[*?\[]")
SIDES = ("", "-wal", "-shm", "-journal")


def denial_of(path: Path, reach: Reach) -> Denial | None:
    """Why the project must not read the file at this path, whether it exists or not; None when it may."""
    real = Path(os.path.realpath(path))
    try:
        status = real.stat()
    except OSError:
        return file_denial(reach, FileFacts(real))
    own = frozenset(_own_inodes(reach, linked=status.st_nlink > 1))
    return file_denial(reach, FileFacts(real, (status.st_dev, status.st_ino)), own)


def opened_denial(file: IO[Any], path: Path, reach: Reach) -> Denial | None:
    """Why the project must not read what was opened at this path: a link may have been made after it was judged."""
    status = os.fstat(file.fileno())
    try:
        real = Path(os.readlink(f"/proc/self/fd/{file.fileno()}"))  # noqa: PTH115 - of the open file, not of a path
    except OSError:  # a system that does not report it
        real = Path(os.path.realpath(path))
    own = frozenset(_own_inodes(reach, linked=status.st_nlink > 1))
    return file_denial(reach, FileFacts(real, (status.st_dev, status.st_ino)), own)


def pattern_denial(base: Path, pattern: str, reach: Reach) -> Denial | None:
    """Why the project must not look for files of this pattern; None when it may. Each match is judged by itself."""
    parts = Path(base / pattern).parts
    fixed = next((place for place, part in enumerate(parts) if GLOB.search(part)), len(parts))
    return denial_of(Path(*parts[:fixed]), reach) if ".." not in parts[fixed:] else _upwards(reach)


def _upwards(reach: Reach) -> Denial | None:
    if reach.roots is None:
        return None
    return Denial("a pattern must not lead upwards after a placeholder", "write the path without `..`")


def _own_inodes(reach: Reach, *, linked: bool) -> Iterator[Inode]:
    """The files of the state and the keys. All of them only for a file with several names: a hard link may be one."""
    files = [Path(file) for file in reach.secret_files]
    if reach.database is not None:
        files += [Path(f"{reach.database}{side}") for side in SIDES]
    if reach.folder is not None:
        folder = Path(reach.folder)
        files += [file for file in _entries(folder) if file.name.startswith("secret.key")]
        if linked:
            files += _all_own(reach, folder)
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        yield status.st_dev, status.st_ino


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _all_own(reach: Reach, folder: Path) -> Iterator[Path]:
    """Every file of the state but those of `uploads`, which a replaced state shares with the present one."""
    for entry in _entries(folder):
        if not is_own_name(reach, entry.name):
            continue
        for parent, folders, names in os.walk(entry):
            folders[:] = [name for name in folders if name != "uploads"]
            yield from (Path(parent, name) for name in names)
        yield entry
