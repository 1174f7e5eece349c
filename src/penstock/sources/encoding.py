"""Text files as UTF-8: which encoding a file has, and its bytes decoded strictly, without byte-order mark or NUL."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import charset_normalizer

from penstock.model.errors import InputError
from penstock.model.spec import FileSource
from penstock.sources.files import raw_blocks, sample, wrong

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LIKELY = ["cp1252", "cp1250", "cp1251", "shift_jis", "gb18030", "big5", "euc_kr"]


def encoding_of(source: FileSource, path: Path) -> str:
    """The encoding given, else by byte-order mark, else UTF-8 when the start is, else the most likely one."""
    if source.encoding is not None:
        return _known(source, source.encoding)
    start = sample(source, path)
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(start, cp_isolation=LIKELY).best()
        if best is None:
            raise _unreadable(source, path, 1, "no encoding fits it") from None
        return best.encoding
    return "utf-8"


def utf8_blocks(source: FileSource, path: Path) -> Iterator[bytes]:
    """The file's text as UTF-8 blocks, each a whole number of characters. Raises InputError naming the line."""
    encoding = encoding_of(source, path)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    line, first = 1, True
    for block in _and_end(raw_blocks(source, path)):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, errors="ignore")
            raise _unreadable(source, path, line + good.count("\n"), f"it is not {encoding}") from None
        if first and text:
            text, first = text.removeprefix("\ufeff"), False
        clean = block if is_utf8 and block.isascii() and len(block) == len(text) else text.encode()
        if b"\0" in clean:
            raise _nul(source, path, line + clean[: clean.index(b"\0")].count(b"\n"))
        line += clean.count(b"\n")
        if clean:
            yield clean


def _and_end(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b""


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


def _unreadable(source: FileSource, path: Path, line: int, why: str) -> InputError:
    return wrong(
        source,
        f"{path.name}, line {line}: unreadable encoding, {why}",
        "unreadable-encoding",
        found=f"line {line}",
        hint=f"say which one it is: encoding: cp1252 (or utf-16, …) at sources.{source.name}",
        line=line,
        file=str(path),
    )


def _nul(source: FileSource, path: Path, line: int) -> InputError:
    return wrong(
        source,
        f"{path.name}, line {line}: a NUL byte, which no text file holds",
        "torn-file",
        hint="the file is torn, binary, or UTF-16 without a mark: then write encoding: utf-16-le",
        line=line,
        file=str(path),
    )
