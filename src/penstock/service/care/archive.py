"""The file of a backup: a tar file with a manifest. It is written whole or not at all, and checked when it is read.

state.db         a consistent, checked copy of the database
frozen/…         the inputs of runs that have not ended
uploads/…        files that people uploaded
secret.key       the sealing key, only with --with-key
manifest.json    sizes and SHA-256 of the other files; the last member, so that a truncated file is noticed
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import orjson

from penstock.model.errors import EnvironmentFailure, InputError, Problem

FORMAT = 1
MANIFEST, DATABASE, KEY, FROZEN, UPLOADS = "manifest.json", "state.db", "secret.key", "frozen", "uploads"
PIECE = 1 << 20
ROOM = 16 << 20  # bytes that must be left on the disk afterwards
_NAME = re.compile(rf"{DATABASE}|{KEY}|(?:{FROZEN}|{UPLOADS})/(?:[^/\0]+/)*[^/\0]+")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a backup. `folder` is where the state was; `files` has size, hash and time of each file."""

    penstock: str
    made_at: str
    schema: str
    folder: str
    files: Mapping[str, Mapping[str, Any]]
    key_ids: Sequence[str]  # of the keys with which its secrets are sealed
    format: int = FORMAT


@contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """A private folder beside `target`, on the same disk, deleted afterwards."""
    try:
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
            yield Path(name)
    except FileNotFoundError as error:
        if target.parent.is_dir():
            raise
        hint = "name an existing folder"
        raise InputError(Problem(str(target.parent), "the folder does not exist", "no-folder", hint)) from error


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Raise errors of the disk as EnvironmentFailure."""
    try:
        yield
    except OSError as error:
        message = f"it cannot be written: {error.strerror or error}"
        hint = "free some space, or check the permissions"
        raise EnvironmentFailure(Problem(str(place), message, "disk", hint)) from error
    except sqlite3.OperationalError as error:
        message = "the copy of the database cannot be made"
        hint = "free some space on the disk"
        raise EnvironmentFailure(Problem(str(place), message, "disk", hint, str(error))) from error


def require_room(place: Path, size: int) -> None:
    """EnvironmentFailure when the disk has less free space than `size` bytes and a reserve."""
    free = shutil.disk_usage(place).free
    if free < size + ROOM:
        message = f"{_in_megabytes(size)} are needed there, but only {_in_megabytes(free)} are free"
        raise EnvironmentFailure(Problem(str(place), message, "disk-full", "free some space, or name another place"))


def _in_megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def pack(target: Path, files: Mapping[str, IO[bytes] | Path], manifest: Manifest) -> Manifest:
    """Write the tar file, whole or not at all, readable only for its owner; returns the manifest with its files.

    InputError when `target` already exists.
    """
    part, described = target.with_name(f".{target.name}.part"), {}
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name, content in files.items():
                    if not isinstance(content, Path):
                        described[name] = _add(tar, name, content)
                    elif content.exists():  # else someone has deleted it in the meantime
                        with content.open("rb") as opened:
                            described[name] = _add(tar, name, opened)
                whole = Manifest(**{**_plain(manifest), "files": described})
                text = orjson.dumps(asdict(whole), option=orjson.OPT_INDENT_2)
                _add(tar, MANIFEST, io.BytesIO(text), len(text))
            file.flush()
            os.fsync(file.fileno())
        _publish(part, target)
    finally:
        part.unlink(missing_ok=True)
    return whole


def _publish(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike a rename, this never replaces a file
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # a file system without links
        if target.exists():
            raise _exists(target) from None
        part.rename(target)


def _exists(target: Path) -> InputError:
    hint = "name another file, or delete this one"
    return InputError(Problem(str(target), "the file already exists", "file-exists", hint, str(target)))


class _HashedFile:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int | None = None) -> dict[str, Any]:
    info, time = tarfile.TarInfo(name), 0
    info.mode = 0o600
    if size is None:
        found = os.fstat(content.fileno())
        size, time = found.st_size, found.st_mtime_ns
    info.size, info.mtime = size, time // 10**9
    counted = _HashedFile(content)
    tar.addfile(info, counted)
    return {"bytes": size, "sha256": counted.hash.hexdigest(), "mtime_ns": time}


def unpack(source: Path, folder: Path) -> Manifest:
    """Unpack a backup into an empty folder and check its files. InputError if it is no backup, truncated or changed."""
    require_room(folder, 2 * _size(source))
    found: dict[str, str] = {}
    text: bytes | None = None
    try:
        with tarfile.open(source, mode="r:") as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise _not_a_backup(source, member.name)
                if member.name == MANIFEST:
                    text = stream.read(64 << 20)
                else:
                    found[member.name] = _extract(source, member.name, stream, folder)
        manifest = _manifest(source, text)
    except (tarfile.TarError, EOFError, orjson.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
        raise _not_a_backup(source, str(error)) from error
    expected = {name: of["sha256"] for name, of in manifest.files.items()}
    if expected != found:
        names = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        message = "the backup was truncated or changed after it was written"
        raise InputError(Problem(str(source), message, "damaged-backup", "use another backup", ", ".join(names)))
    for name, of in manifest.files.items():
        os.utime(folder / name, ns=(of["mtime_ns"], of["mtime_ns"]))
    return manifest


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError as error:
        raise InputError(
            Problem(str(source), f"the backup cannot be read: {error.strerror}", "no-such-file", found=str(source))
        ) from error


def _extract(source: Path, name: str, stream: IO[bytes], folder: Path) -> str:
    if not _NAME.fullmatch(name) or {".", ".."} & set(name.split("/")):
        raise _not_a_backup(source, name)
    path, counted = folder / name, _HashedFile(stream)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(counted, file, PIECE)
        file.flush()
        os.fsync(file.fileno())
    return counted.hash.hexdigest()


def _manifest(source: Path, text: bytes | None) -> Manifest:
    if text is None:
        raise _not_a_backup(source, "no manifest: the file is truncated")
    document = orjson.loads(text)
    if document["format"] != FORMAT:
        message = "a newer Penstock made this backup"
        raise InputError(Problem(str(source), message, "newer-backup", "upgrade Penstock", str(document["format"])))
    return Manifest(**document)


def _not_a_backup(source: Path, found: str) -> InputError:
    message = "this is not a complete backup of `penstock backup`"
    return InputError(Problem(str(source), message, "not-a-backup", "name another file", found))


def _plain(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in manifest.__slots__}
