"""Uploaded files for file sources. They are stored beside the state under unique names."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from penstock.bounds import MAX_UNPACK_RATIO, bounds
from penstock.model.errors import InputError, Problem, not_stored
from penstock.model.spec import FileSource
from penstock.run.context import Context
from penstock.sources.files.formats import FORMATS, PACKED, file_format
from penstock.store.project import resources

FOLDER = "uploads"
LARGEST = 512 * 1024 * 1024
WORKBOOKS = (".xls", ".xlsb", ".ods", ".numbers")
ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".z")
UNUSED_S = 7 * 86_400.0  # for which a file without a source is stored: its source may not be saved yet
LONGEST = 100  # characters of a name
UNPACKED_PIECE = 1 << 20  # bytes
_PATHS = re.compile(r'^ +path: "?(.*?)"?$', re.MULTILINE)
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An uploaded file; `path` and `format` are the values for a file source."""

    path: str
    bytes: int
    format: str


class IncomingFile:
    """A file that is being received. It gets its name in `finish`."""

    def __init__(self, folder: Path, base: Path, name: str) -> None:
        self._folder, self._base, self._name = folder, base, name
        with _plain(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, path = mkstemp(prefix=".", suffix=".part", dir=folder)  # 0600
        self._path = Path(path)
        self._file: BinaryIO = os.fdopen(handle, "wb")
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Append to the file. InputError when it becomes too large."""
        self._size += len(piece)
        if self._size > LARGEST:
            raise too_large()
        with _plain(self._folder):
            self._file.write(piece)

    def finish(self) -> Uploaded:
        """Store the file. InputError for an empty file, and for one that decompresses to too much."""
        if not self._size:
            raise InputError(Problem("body", "the file is empty", "empty-file", "send the file as the body"))
        with _plain(self._folder):
            self._file.flush()
            os.fsync(self._file.fileno())
        if self._name.endswith(PACKED):
            _refuse_bomb(self._path, self._size)
        with _plain(self._folder):
            final = self._named()
        shown = final.relative_to(self._base) if final.is_relative_to(self._base) else final
        try:
            kind = file_format(FileSource(final.stem, str(shown), self._base), final)
        except InputError:
            final.unlink()
            raise
        return Uploaded(str(shown), self._size, kind.name)

    def close(self) -> None:
        """Delete the file if it was not finished."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _named(self) -> Path:
        """Link the file under the first free name: `contacts.csv`, `contacts-2.csv`, …"""
        stem, dot, rest = self._name.partition(".")
        number = 1
        while True:
            final = self._folder / (self._name if number == 1 else f"{stem}-{number}{dot}{rest}")
            with suppress(FileExistsError):
                os.link(self._path, final)
                return final
            number += 1


@dataclass(frozen=True, slots=True)
class Uploads:
    """The use-cases of uploads."""

    ctx: Callable[[], Context]

    def begin(self, filename: str, announced: int | None = None) -> IncomingFile:
        """Begin to receive a file; its name is derived from `filename`, `announced` is its size in bytes if known.

        InputError for a file that is too large, and for a format that no source reads.
        """
        if announced is not None and announced > LARGEST:
            raise too_large()
        ctx = self.ctx()
        return IncomingFile((ctx.folder / FOLDER).resolve(), ctx.project.base.resolve(), safe_name(filename))


def forget_uploads(ctx: Context) -> list[str]:
    """Delete old files that no version of the project names; returns their names."""
    folder, oldest = ctx.folder / FOLDER, ctx.clock.now().timestamp() - UNUSED_S
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    old = [path for path in there if path.is_file() and path.stat().st_mtime < oldest]
    if not old:
        return []
    with ctx.database.read() as conn:
        texts = resources.version_texts(conn)
    if not texts:  # the project is a file, whose other versions are unknown
        return []
    gone = [path for path in old if not any(_names_file(path.name, text) for text in texts)]
    for path in gone:
        path.unlink(missing_ok=True)
    return [path.name for path in gone]


def _names_file(name: str, text: str) -> bool:
    """Whether a project's text (with one value per line) names the file, or has a pattern that matches it."""
    return name in text or any(fnmatch(name, path.rpartition("/")[2]) for path in _PATHS.findall(text))


def safe_name(filename: str) -> str:
    """The file name without folders and special characters, with the same extension. InputError for a format that no
    source reads.
    """
    last = re.split(r"[/\\]", filename)[-1]
    plain = last.lower().removesuffix(PACKED)
    extensions = dict.fromkeys(each for form in FORMATS if form.can_upload for each in form.extensions)
    extension = next((each for each in extensions if plain.endswith(each)), None)
    if extension is None:
        hint = f"upload one of: {', '.join(extensions)}, each also with {PACKED}"
        if plain.endswith(WORKBOOKS):
            hint = f"save it as .xlsx, and upload that file; {hint}"
        if plain.endswith(ARCHIVES):
            hint = f"unpack it, and upload the file in it; {hint}"
        message = "no source can read files of this format"
        raise InputError(Problem("filename", message, "unknown-format", hint, last[:LONGEST]))
    ending = extension + (PACKED if last.lower().endswith(PACKED) else "")
    stem = _UNSAFE.sub("-", last[: -len(ending)]).strip(".-")[:LONGEST]
    return f"{stem.replace('.', '-') or 'file'}{ending}"


def _refuse_bomb(path: Path, packed: int) -> None:
    """InputError when the file decompresses to more than the bound. The reader reports a damaged file."""
    ratio, unpacked = bounds().unpack_ratio, 0
    with suppress(OSError, EOFError, zlib.error), gzip.open(path, "rb") as stream:
        while piece := stream.read(UNPACKED_PIECE):
            unpacked += len(piece)
            if unpacked > packed * ratio:
                message = f"the file decompresses to more than {ratio} times its size"
                hint = f"upload it uncompressed, or raise {MAX_UNPACK_RATIO} of the service"
                raise InputError(Problem("body", message, "unpacks-too-far", hint, f"{packed:,} bytes"))


def too_large() -> InputError:
    message = f"the file has more than {LARGEST // 1024 // 1024} MiB"
    return InputError(Problem("body", message, "too-large", "compress it (.gz) or split it"))


@contextmanager
def _plain(folder: Path) -> Iterator[None]:
    """Raise errors of the disk as StateUnavailable."""
    try:
        yield
    except OSError as error:
        raise not_stored(str(folder), "the file", error) from error
