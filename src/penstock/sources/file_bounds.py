"""The bounds on lines, cells and columns of files, checked before anything is built of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from penstock.bounds import MAX_CELL, MAX_COLUMNS, bounds, in_megabytes
from penstock.model.errors import InputError
from penstock.model.spec import FileSource
from penstock.sources.encoding import utf8_blocks
from penstock.sources.files import wrong

FEED, RETURN = ord("\n"), ord("\r")


def bounded_blocks(source: FileSource, path: Path) -> Iterator[bytes]:
    """The file's text as UTF-8 blocks. Raises InputError `too-long` that names the first line beyond the bound.

    A line that is whole within its block costs nothing: blocks are shorter than the bound, unless it is set very low.
    """
    most = bounds().cell
    line, begun = 1, 0  # the line that the last block broke off in, and its bytes so far
    for block in utf8_blocks(source, path):
        feed, back = block.find(b"\n"), block.find(b"\r")
        first = min(feed, back) if feed >= 0 <= back else max(feed, back)
        if begun + (len(block) if first < 0 else first) > most:
            raise too_long(source, path, line, "the line")
        if len(block) > most and (inside := _line_beyond(block, most)) is not None:
            raise too_long(source, path, line + inside, "the line")
        begun = begun + len(block) if first < 0 else len(block) - 1 - max(block.rfind(b"\n"), block.rfind(b"\r"))
        line += block.count(b"\n")
        yield block


def too_long(source: FileSource, path: Path, line: int | None, what: str, bound: int | None = None) -> InputError:
    """The error of a line, cell or value beyond the bound, or beyond another one."""
    most = in_megabytes(bound or bounds().cell)
    where = path.name if line is None else f"{path.name}, line {line}"
    hint = "a quote or a line end may be missing" + ("" if bound else f"; if it is meant, raise {MAX_CELL}")
    return wrong(source, f"{where}: {what} is longer than {most}", "too-long", hint=hint, line=line, file=str(path))


def refuse_wide(source: FileSource, path: Path, columns: int, line: int | None = None) -> None:
    """Raise InputError `too-many-columns` when the file has more columns than the bound."""
    most = bounds().columns
    if columns > most:
        where = path.name if line is None else f"{path.name}, line {line}"
        message = f"{where}: more than {most:,} columns"
        hint = f"check the delimiter and the header; if they are meant, raise {MAX_COLUMNS}"
        raise wrong(source, message, "too-many-columns", hint=hint, found=f"{columns:,}", line=line, file=str(path))


def _line_beyond(block: bytes, most: int) -> int | None:
    """How many line feeds come before the first whole line of the block that is longer than `most`."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero((data == FEED) | (data == RETURN))
    beyond = np.flatnonzero(np.diff(ends) > most + 1)
    return None if not len(beyond) else block[: int(ends[beyond[0]]) + 1].count(b"\n")
