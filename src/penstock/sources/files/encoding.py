"""Text files as UTF-8: the encoding of a file, and its bytes decoded, without byte-order marks or NUL.

UTF-8, and UTF-16 or UTF-32 with a byte-order mark, are certain. Every other encoding is a guess from the bytes, and a
guess is never used: the file is refused with the likeliest encodings to choose from. In a file of known encoding, bytes
that cannot be decoded become marks (see `lines`), so that only their records are quarantined. The limit on the length
of lines is checked before anything is built of them.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from penstock.bounds import bounds
from penstock.model.errors import Choice, InputError
from penstock.model.spec import FileSource
from penstock.sources.files.lines import HANDLER, OPENING
from penstock.sources.files.source_files import file_error, raw_blocks, sample, too_long

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BYTE_ORDER_MARK = (
    codecs.BOM_UTF8
)  # in UTF-8, as decoded text has it; joined files have one at the start of a later line
EVIDENCE = 20  # lines from which encodings are guessed
LINE_ENDS = (b"\n", b"\r")

LINE_FEED, RETURN = ord("\n"), ord("\r")


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
    while starts_line and text.startswith(BYTE_ORDER_MARK):
        text = text[len(BYTE_ORDER_MARK) :]
    for end in LINE_ENDS:
        while end + BYTE_ORDER_MARK in text:
            text = text.replace(end + BYTE_ORDER_MARK, end)
    return text


def _known(source: FileSource, encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise file_error(
            source,
            f"there is no encoding {encoding}",
            "unknown-encoding",
            found=encoding,
            hint="write utf-8, utf-16, cp1252, latin-1 or another name that Python knows",
        ) from None


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


def _line_beyond(block: bytes, most: int) -> int | None:
    """How many line feeds come before the first whole line of the block that is longer than `most`."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero((data == LINE_FEED) | (data == RETURN))
    beyond = np.flatnonzero(np.diff(ends) > most + 1)
    return None if not len(beyond) else block[: int(ends[beyond[0]]) + 1].count(b"\n")


# ── whether a file is UTF-8 ──────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _File:
    """One state of a file, as the key of a cache."""

    path: Path
    size: int
    changed: int
    source: FileSource = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The numbers of valid and broken UTF-8 sequences in a file, and the first lines with broken ones."""

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
    return file_error(
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
    return file_error(
        source,
        f"{path.name}, line {line}: a NUL byte, which no text file holds",
        "torn-file",
        hint="the file is torn, binary, or UTF-16 without a mark: then write encoding: utf-16-le",
        line=line,
        file=str(path),
    )


# ── likely encodings ─────────────────────────────────────────────────────────

# The usual ones first: among equally plausible readings the order decides.
CANDIDATES = (
    "cp1252",
    "cp1250",
    "mac_roman",
    "cp850",
    "iso8859-15",
    "cp1251",
    "cp1254",
    "cp1253",
    "iso8859-2",
    "cp852",
    "koi8-r",
    "cp866",
    "cp1257",
    "cp1255",
    "cp1256",
    "cp437",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
    "euc_jp",
    "cp874",
)
EAST_ASIAN = frozenset({"shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"})
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
MOST = 6  # readings shown
SHOWN = 50  # characters of a line
USUAL = frozenset("äöüßÄÖÜéèêàâçñáíóúôîûëïãõåøæÅØÆÉÑÇœ")
KNOWN = frozenset("ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžýČĎĚŇŘŠŤŮŽőűŐŰşţșțăŞŢȘȚĂğıİìòùÁÍÓÚÀÂÊÎÔÛÈÃÕ")
CURRENCIES = frozenset("€£")
BASE, LITTLE, SOME, STRANGE = 0, 1, 3, 8  # how unusual a character is at its position


@dataclass(frozen=True, slots=True)
class _Reading:
    encoding: str
    lines: tuple[str, ...]
    unusualness: float


def likely_encodings(lines: Sequence[bytes]) -> tuple[Choice, ...]:
    """The likeliest encodings of these lines, each with what the first line reads in it; equal readings once."""
    readings = sorted(
        (reading for name in CANDIDATES if (reading := _reading(name, lines)) is not None),
        key=lambda reading: reading.unusualness,
    )
    return _choices(readings)


def likely_wide_encodings(start: bytes) -> tuple[Choice, ...]:
    """The same of the first bytes of a file that holds NUL bytes; empty when it is no text in UTF-16 or UTF-32."""
    for name in WIDE:
        width = 4 if "32" in name else 2
        zeros = [start[place::width].count(0) for place in range(width)]
        high = zeros[::-1] if name.endswith("le") else zeros  # the most significant byte first
        if high[0] < max(zeros) or high[0] * 5 < len(start) // width:
            continue  # delimiters and line ends alone are a fifth of a table's characters, nearly
        try:
            text = start[: len(start) // width * width].decode(name)
        except UnicodeDecodeError:
            continue
        shown = text.strip().splitlines()
        if shown and "\0" not in text:
            line = next((line for line in shown if not line.isascii()), shown[0])
            return (Choice(name, _excerpt(line)),)
    return ()


def _reading(encoding: str, lines: Sequence[bytes]) -> _Reading | None:
    try:
        texts = tuple(line.decode(encoding) for line in lines)
    except UnicodeDecodeError:
        return None
    marked = sum(not sign.isascii() for text in texts for sign in text)
    if encoding in EAST_ASIAN and marked < 3:
        return None  # two bytes are no evidence
    return _Reading(encoding, texts, sum(map(_unusualness, texts)))


def _choices(readings: Sequence[_Reading]) -> tuple[Choice, ...]:
    made: dict[str, Choice] = {}
    for reading in readings:
        shown = _excerpt(reading.lines[0])
        if len(made) < MOST:
            made.setdefault(shown, Choice(reading.encoding, shown))
    return tuple(made.values())


def _excerpt(line: str) -> str:
    """The part of a line around its first character beyond ASCII."""
    line = line.rstrip("\r\n")
    place = next((place for place, sign in enumerate(line) if not sign.isascii()), 0)
    start = max(0, min(place - SHOWN // 2, len(line) - SHOWN))
    part = line[start : start + SHOWN]
    return f"{'…' if start else ''}{part}{'…' if start + SHOWN < len(line) else ''}"


def _unusualness(text: str) -> float:
    total: float = 0
    for before, (sign, after) in zip(f" {text}", pairwise(f"{text} "), strict=False):
        if not sign.isascii():
            total += _unusual(before, sign, after)
    return total


def _unusual(before: str, sign: str, after: str) -> float:
    """How unusual a character beyond ASCII is between its neighbours."""
    kind = unicodedata.category(sign)
    if kind in {"Cc", "Cn", "Co", "Cs"}:
        return STRANGE
    if kind == "Mn":
        return BASE if before.isalpha() and _script(before) == _script(sign) else SOME
    if not sign.isalpha():
        inside = before.isalpha() and after.isalpha()
        if sign in CURRENCIES:
            return LITTLE / 2
        return SOME + LITTLE if inside or kind in {"So", "Sm", "Sk", "Lm"} or sign == "¤" else LITTLE
    own = _script(sign)
    if not (before.isalpha() or after.isalpha()) and own != "CJK":
        return SOME  # a letter alone
    mixed = any(each.isalpha() and _script(each) != own for each in (before, after))
    rare = BASE if sign in USUAL or own != "LATIN" else LITTLE / 2 if sign in KNOWN else LITTLE
    if own in {"HALFWIDTH", "FULLWIDTH", "BOPOMOFO", "HANGUL", "CJK"}:
        rare += LITTLE / 4
    case = before.islower() and sign.isupper()  # `PeÒa`
    case = case or (before.isupper() and sign.isupper() and after.islower())
    case = case or (before.isupper() and sign.islower() and after.isupper())
    return rare + (SOME if mixed else BASE) + (SOME if case else BASE)


def _script(sign: str) -> str:
    """The first word of the character's name, such as LATIN or CYRILLIC; kana and ideographs count as one script."""
    word = unicodedata.name(sign, "UNKNOWN").split()[0]
    return "CJK" if word in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"} else word
