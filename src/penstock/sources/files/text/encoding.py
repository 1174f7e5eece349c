"""Text files as UTF-8: the encoding of a file, and its bytes decoded, without byte-order marks or NUL.

UTF-8, and UTF-16 or UTF-32 with a byte-order mark, are certain. Every other encoding is a guess from the bytes, and a
guess is never used: the file is refused with the likeliest encodings to choose from. In a file of known encoding, bytes
that cannot be decoded become marks (see `lines`), so that only their records are quarantined. The limits on lines,
cells and columns are checked before anything is built of them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from penstock.bounds import MAX_CELL, MAX_COLUMNS, bounds, in_megabytes
from penstock.model.errors import Choice, InputError
from penstock.model.spec import FileSource
from penstock.sources.files.source_files import raw_blocks, sample, wrong
from penstock.sources.files.text.likely_encodings import likely_encodings, likely_wide_encodings
from penstock.sources.files.text.lines import HANDLER, OPENING

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
JOINED = (
    codecs.BOM_UTF8
)  # a byte-order mark, once the text is UTF-8; joined files have one at the start of a later line
EVIDENCE = 20  # lines from which encodings are guessed
LINE_ENDS = (b"\n", b"\r")

FEED, RETURN = ord("\n"), ord("\r")


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` as Python knows it; `is_certain`: given by a person or by a byte-order mark."""

    name: str
    is_certain: bool

    @property
    def is_utf8(self) -> bool:
        return codecs.lookup(self.name).name == "utf-8"


def encoding_of(source: FileSource, path: Path) -> Encoding:
    """The encoding of a byte-order mark, else the one given, else UTF-8, which is not certain yet."""
    start = sample(source, path, 4)
    for mark, name in MARKS:
        if start.startswith(mark):
            return Encoding(name, is_certain=True)
    if source.encoding is not None:
        return Encoding(_known(source, source.encoding), is_certain=True)
    return Encoding("utf-8", is_certain=False)


def utf8_blocks(source: FileSource, path: Path) -> Iterator[bytes]:
    """The file's text as UTF-8 blocks, each a whole number of characters.

    Raises InputError for a NUL byte, which it names with its line, and for a file whose encoding cannot be known.
    """
    encoding = encoding_of(source, path)
    is_utf8, is_open = encoding.is_utf8, not encoding.is_certain
    decoder = codecs.getincrementaldecoder(encoding.name)(HANDLER)
    line, starts_line, is_whole = 1, True, True
    for block in _and_end(raw_blocks(source, path)):
        if is_utf8 and is_whole and block.isascii():
            clean = block
        else:
            if is_open:
                _require_utf8(source, path)
                is_open = False
            text = decoder.decode(block, final=not block)
            kept = False
            if is_utf8:
                was_whole, is_whole = is_whole, not decoder.getstate()[0]
                kept = was_whole and is_whole and OPENING not in text
            clean = block if kept else text.encode(errors="backslashreplace")
            clean = _without_marks(clean, starts_line=starts_line)
        if b"\0" in clean:
            raise _nul(source, path, line + clean[: clean.index(b"\0")].count(b"\n"))
        if clean:
            line += clean.count(b"\n")
            starts_line = clean.endswith(LINE_ENDS)
            yield clean


def _and_end(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b""


def _without_marks(text: bytes, *, starts_line: bool) -> bytes:
    """The text without byte-order marks where a line starts."""
    while starts_line and text.startswith(JOINED):
        text = text[len(JOINED) :]
    for end in LINE_ENDS:
        while end + JOINED in text:
            text = text.replace(end + JOINED, end)
    return text


def _known(source: FileSource, encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise wrong(
            source,
            f"there is no encoding {encoding}",
            "unknown-encoding",
            found=encoding,
            hint="write utf-8, utf-16, cp1252, latin-1 or another name that Python knows",
        ) from None


# ── is it UTF-8? ──────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _File:
    """One state of a file: the key of the cache of what was found in it."""

    path: Path
    size: int
    changed: int
    source: FileSource = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a whole file holds beyond ASCII: valid sequences of UTF-8, broken ones, and the first lines with those."""

    valid: int
    broken: int
    line: int
    lines: tuple[bytes, ...]


def _require_utf8(source: FileSource, path: Path) -> None:
    """Raise InputError unless the file's valid sequences of several bytes outnumber the broken ones."""
    stat = path.stat()
    found = _evidence(_File(path, stat.st_size, stat.st_mtime_ns, source))
    if found.broken and found.valid <= found.broken:
        wide = likely_wide_encodings(sample(source, path))
        raise _unknown(source, path, found.line, wide or likely_encodings(found.lines))


@lru_cache(maxsize=64)
def _evidence(file: _File) -> _Evidence:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    valid = broken = 0
    line, first, lines, rest = 1, 0, list[bytes](), b""
    for block in _and_end(raw_blocks(file.source, file.path)):
        text = decoder.decode(block, final=not block)
        lost = text.count("\ufffd") - block.count("\ufffd".encode())
        ascii_signs = int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) < 0x80))
        valid += len(text) - ascii_signs - max(lost, 0)
        if lost > 0:
            broken += lost
            if len(lines) < EVIDENCE:
                place, more = _broken_lines(rest + block, EVIDENCE - len(lines))
                first = first or line + place
                lines += more
        line += block.count(b"\n")
        rest = block[block.rfind(b"\n") + 1 :][-4096:]
    return _Evidence(valid, broken, max(first, 1), tuple(lines))


def _broken_lines(text: bytes, most: int) -> tuple[int, list[bytes]]:
    """Up to `most` lines that are not UTF-8, and how many lines come before the first of them."""
    found: list[bytes] = []
    place = 0
    for number, line in enumerate(text.splitlines()):
        if line.isascii():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            place = place if found else number
            found.append(line[:4096])
            if len(found) == most:
                break
    return place, found


def _unknown(source: FileSource, path: Path, line: int, choices: tuple[Choice, ...]) -> InputError:
    shown = "; ".join(f"{choice.value} reads “{choice.shows}”" for choice in choices)
    way = f"write the right one as encoding at sources.{source.name}: {shown}" if choices else "save the file as UTF-8"
    message = f"{path.name}, line {line}: the text is not UTF-8, and its encoding cannot be known from its bytes"
    return wrong(
        source,
        message,
        "encoding-unknown",
        hint=way,
        found=f"line {line}",
        line=line,
        file=str(path),
        choices=choices,
    )


def _nul(source: FileSource, path: Path, line: int) -> InputError:
    if source.encoding is None and (choices := likely_wide_encodings(sample(source, path))):
        return _unknown(source, path, 1, choices)
    return wrong(
        source,
        f"{path.name}, line {line}: a NUL byte, which no text file holds",
        "torn-file",
        hint="the file is torn, binary, or UTF-16 without a mark: then write encoding: utf-16-le",
        line=line,
        file=str(path),
    )


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
