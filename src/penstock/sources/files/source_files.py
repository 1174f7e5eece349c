"""The files of a source: which ones match, whether the project may read them, and their bytes, unzipped.

A file is checked before and after it is opened: links are resolved, then `model.reach` decides. `formats` returns which
format a file has.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from penstock.bounds import MAX_CELL, MAX_COLUMNS, bounds, in_megabytes
from penstock.deadline import check_deadline
from penstock.model.errors import InputError, Problem
from penstock.model.reach import PERSONAL, Denial, FileFacts, Inode, Reach, file_denial, is_own_name
from penstock.model.settings_text import settings_text
from penstock.model.spec import FileSource
from penstock.model.text import did_you_mean

BLOCK = 1 << 20  # bytes read at once
SAMPLE = 1 << 18  # bytes looked at to detect format, encoding and delimiter
GLOB = re.compile(r"[*?\[]")
SIDES = ("", "-wal", "-shm", "-journal")  # what follows the name of a SQLite file in the names of its companions


def file_error(source: FileSource, message: str, code: str, **more: object) -> InputError:
    """The error that names a file source; `more` are further fields of Problem."""
    return InputError(Problem(f"sources.{source.name}", message, code, **more))  # type: ignore[arg-type]


def too_long(source: FileSource, path: Path, line: int | None, what: str, bound: int | None = None) -> InputError:
    """The error of a line, cell or value beyond the bound, or beyond another one."""
    most = in_megabytes(bound or bounds().cell)
    where = path.name if line is None else f"{path.name}, line {line}"
    hint = "a quote or a line end may be missing" + ("" if bound else f"; if it is meant, raise {MAX_CELL}")
    return file_error(
        source, f"{where}: {what} is longer than {most}", "too-long", hint=hint, line=line, file=str(path)
    )


def refuse_wide(source: FileSource, path: Path, columns: int, line: int | None = None) -> None:
    """Raise InputError `too-many-columns` when the file has more columns than the bound."""
    most = bounds().columns
    if columns > most:
        where = path.name if line is None else f"{path.name}, line {line}"
        message = f"{where}: more than {most:,} columns"
        hint = f"check the delimiter and the header; if they are meant, raise {MAX_COLUMNS}"
        raise file_error(
            source, message, "too-many-columns", hint=hint, found=f"{columns:,}", line=line, file=str(path)
        )


@dataclass(frozen=True, slots=True)
class ReachedFile(FileSource):
    """A file source whose files are checked again once they are open."""

    reach: Reach = PERSONAL

    @staticmethod
    def of(source: FileSource, reach: Reach) -> ReachedFile:
        """The same source, within this reach."""
        return ReachedFile(**{each.name: getattr(source, each.name) for each in fields(FileSource)}, reach=reach)


def matching_files(source: FileSource, reach: Reach) -> list[Path]:
    """The files that the source's path names, in natural order: `c-9` before `c-10`. InputError when there is none,
    and for a file that is out of reach.
    """
    _refuse(source, pattern_denial(source.base, source.path, reach))
    files = _matching(source)
    for file in files:
        _refuse(source, denial_of(file, reach))
    return files


def _refuse(source: FileSource, denial: Denial | None) -> None:
    if denial is not None:
        raise file_error(source, denial.reason, "file-not-allowed", found=source.path, hint=denial.hint)


def _matching(source: FileSource) -> list[Path]:
    path = source.base / source.path
    if path.is_file():
        return [path]
    if path.is_dir():
        hint = f"name the files in it: {source.path.rstrip('/')}/*.csv"
        raise file_error(source, f"{source.path} is a folder", "not-a-file", found=source.path, hint=hint)
    found = glob.glob(source.path, root_dir=source.base, recursive=True)  # noqa: PTH207 - the pattern may be absolute
    files = sorted((source.base / match for match in found if (source.base / match).is_file()), key=natural_key)
    if files:
        return files
    raise file_error(
        source, f"no file {source.path}", "missing-file", found=source.path, hint=_missing_hint(source, path)
    )


def natural_key(path: Path) -> tuple[object, ...]:
    """Orders paths part by part, digits as the numbers they write; what is equal then, by its text."""
    parts = [_runs(part) for part in path.parts]
    return (*parts, str(path))


def _runs(text: str) -> tuple[tuple[int, str], ...]:
    """The text in runs of digits (with their number) and of other characters."""
    runs = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((int(run), "") if run[0] in "0123456789" else (-1, run) for run in runs)


def sample(source: FileSource, path: Path, size: int = SAMPLE) -> bytes:
    """The first bytes of the file, unzipped."""
    return next(raw_blocks(source, path), b"")[:size]


def open_bytes(source: FileSource, path: Path) -> BinaryIO:
    """The file's bytes, unzipped when it is a gzip file. Raises InputError when it cannot be opened."""
    try:
        stream = path.open("rb")
        try:
            if isinstance(source, ReachedFile):
                _refuse(source, opened_denial(stream, path, source.reach))
            zipped = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return cast("BinaryIO", _Unzipped(stream)) if zipped else stream
    except OSError as error:
        raise file_error(
            source, f"{path.name} cannot be read: {error.strerror}", "unreadable-file", file=str(path)
        ) from None


class _Unzipped(gzip.GzipFile):
    """A gzip file that closes the file it reads."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(fileobj=stream)
        self._stream = stream

    def close(self) -> None:
        super().close()
        self._stream.close()


def raw_blocks(source: FileSource, path: Path) -> Iterator[bytes]:
    """The file's bytes, unzipped, block by block. A torn gzip file raises InputError."""
    with open_bytes(source, path) as stream:
        while True:
            check_deadline()
            try:
                block = stream.read(BLOCK)
            except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
                message = f"{path.name} breaks off or is damaged: {error}"
                raise file_error(source, message, "torn-file", file=str(path)) from None
            if not block:
                return
            yield block


def files_identity(files: list[Path], *settings: object) -> str:
    """A short text that changes when a file or a setting changes."""
    digest = hashlib.blake2b(settings_text(settings).encode(), digest_size=12)
    for path in files:
        stat = path.stat()
        digest.update(f"{os.path.abspath(path)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())  # noqa: PTH100 - keeps links
    return digest.hexdigest()


def _missing_hint(source: FileSource, path: Path) -> str:
    if glob.has_magic(source.path):
        return "no file matches the pattern"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    there = (entry.name for entry in path.parent.iterdir())
    return did_you_mean(path.name, there, f"write a path relative to {source.base.absolute()}")


# ── what the project may read ─────────────────────────────────────────────────


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
    """Why the project must not read what was opened at this path: a link may have been made after it was checked."""
    status = os.fstat(file.fileno())
    try:
        real = Path(os.readlink(f"/proc/self/fd/{file.fileno()}"))  # noqa: PTH115 - of the open file, not of a path
    except OSError:  # a system that does not report it
        real = Path(os.path.realpath(path))
    own = frozenset(_own_inodes(reach, linked=status.st_nlink > 1))
    return file_denial(reach, FileFacts(real, (status.st_dev, status.st_ino)), own)


def pattern_denial(base: Path, pattern: str, reach: Reach) -> Denial | None:
    """Why the project must not look for files of this pattern; None when it may. Each match is checked by itself."""
    parts = Path(base / pattern).parts
    fixed = next((place for place, part in enumerate(parts) if GLOB.search(part)), len(parts))
    return denial_of(Path(*parts[:fixed]), reach) if ".." not in parts[fixed:] else _parent_denial(reach)


def _parent_denial(reach: Reach) -> Denial | None:
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
