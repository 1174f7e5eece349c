"""`OutputFile`: a file while a run writes it, beside the finished one, which it replaces when the run has ended.

Its name begins with a point and ends in `.part`, so that no reader of `*.csv` finds it. What a process wrote after it
last stored the length is cut off by the next one. The functions raise OSError.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from penstock.delivery.files.row_formats import RowFormat
from penstock.render.file_names import extension_of

END = b"\n"
HEADER = 1 << 24  # the most bytes of a line of it


@dataclass(slots=True)
class OutputFile:
    """`final` is the finished file, `run` names the unfinished one. `append`: to what the finished file has."""

    final: Path
    run: str
    append: bool
    rows: RowFormat | None = None  # None: nothing more is written
    length: int = 0
    _stream: BinaryIO | None = field(default=None, repr=False)

    @property
    def part(self) -> Path:
        """What has been written so far."""
        return self.final.with_name(f".{self.final.name}.{self.run}.part")

    @property
    def ready(self) -> Path:
        """The complete file, before it has its name."""
        made_of_it = (
            self.append or (self.rows is not None and self.rows.converts) or extension_of(self.final.name) == ".parquet"
        )
        return self.part.with_suffix(".ready.part") if made_of_it else self.part

    @property
    def _has_header(self) -> bool:
        return extension_of(self.final.name) == ".csv"

    def other_header(self) -> str | None:
        """The header of the finished file, where records with other columns would be added to it."""
        if self.rows is None or not (self.append and self._has_header and self.final.exists()):
            return None
        with self.final.open("rb") as file:
            found = _header(file).removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", END)
        return None if found.rstrip(END) in (b"", self.rows.head().rstrip(END)) else found.decode(errors="replace")

    def holds(self, length: int) -> bool:
        """Whether an earlier process's part is still there, with so many bytes."""
        return self.part.exists() and self.part.stat().st_size >= length

    def begin(self, length: int | None) -> None:
        """Begin the file, or (`length`) continue after what an earlier process wrote for records with an outcome."""
        self.final.parent.mkdir(parents=True, exist_ok=True)
        assert self.rows is not None
        if length is None:
            self.part.write_bytes(self.rows.head())
        else:
            os.truncate(self.part, length)
        self.length = self.part.stat().st_size
        self._stream = self.part.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Add these bytes. A part of them may be there when the disk fails: it does not count."""
        assert self._stream is not None
        rest = memoryview(data)
        while rest:
            rest = rest[self._stream.write(rest) :]
        self.length += len(data)

    def sync(self) -> None:
        """Return when what was written is on the disk."""
        if self._stream is not None:
            os.fdatasync(self._stream.fileno())

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def complete(self, length: int) -> None:
        """Make the complete file of the first `length` bytes that were written; it has not its name yet."""
        self.close()
        os.truncate(self.part, length)
        if self.ready == self.part:
            _sync(self.part)
            return
        if self.append:
            self._append()
        else:
            assert self.rows is not None
            self.rows.convert(self.part, self.ready)
        _sync(self.ready)

    def _append(self) -> None:
        with self.ready.open("wb") as target:
            begun = False
            if self.final.exists():
                with self.final.open("rb") as before:
                    shutil.copyfileobj(before, target, 1 << 20)
                begun = target.tell() > 0
            if begun and _last_byte(self.final) != END:
                target.write(END)
            with self.part.open("rb") as added:
                if begun and self._has_header:
                    _header(added)
                shutil.copyfileobj(added, target, 1 << 20)
        if self.final.exists():
            shutil.copymode(self.final, self.ready)

    def publish(self) -> None:
        """Give the complete file its name, and remove what it was made of."""
        if self.ready.exists():
            self.ready.replace(self.final)
        self.part.unlink(missing_ok=True)
        folder = os.open(self.final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self) -> None:
        """Remove everything but the finished file."""
        self.close()
        self.part.unlink(missing_ok=True)
        if self.ready != self.part:
            self.ready.unlink(missing_ok=True)


def _header(file: BinaryIO) -> bytes:
    """Reads the header, which may have line breaks between quotes; the rows follow."""
    found = b""
    while (line := file.readline(HEADER)) and (found.count(b'"') + line.count(b'"')) % 2:
        found += line
    return found + line


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
