r"""Lines of text that comes as blocks of UTF-8, and marks for bytes that their encoding does not define.

A line feed, a carriage return or both end a line; the first and last lines can be left out, in bounded memory. Each
undecodable byte becomes U+FDD0, its two hexadecimal digits and U+FDD1: noncharacters, which no text from outside should
hold. A value with a mark in it is never sent: its record is quarantined, and messages show the byte as `\xe9`.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator

from penstock.sources.typing.exact_json import NotJson, Unfit, json_text

OPENING, CLOSING = "\ufdd0", "\ufdd1"
OPENING_UTF8 = OPENING.encode()
HANDLER = "penstock-marks"  # the name of the error handler for decoders
_MARK = re.compile(f"{OPENING}([0-9a-f]{{2}}){CLOSING}")

_END = re.compile(rb"\r\n|\n|\r")
_BLANKS = b" \t\r\n\x1a"  # 0x1A ended files in MS-DOS, and some programs still write it


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(f"{OPENING}{byte:02x}{CLOSING}" for byte in found), error.end


codecs.register_error(HANDLER, _marked)


def has_marks(text: str) -> bool:
    """Whether the text holds a byte that could not be decoded."""
    return OPENING in text


def with_bytes_shown(text: str) -> str:
    r"""The text with every undecodable byte as `\xe9`."""
    return _MARK.sub(r"\\x\1", text) if OPENING in text else text


def reason(name: str, encoding: str | None) -> str:
    """Why a value of the column `name` cannot be read."""
    return f"{name}: bytes in it are not {encoding or 'UTF-8'}"


def without_marks(record: dict[str, object], encoding: str | None) -> dict[str, object]:
    """A JSON record in which every member with a mark is Unfit, so that its record is quarantined."""
    readable: dict[str, object] = {}
    for name, value in record.items():
        shown = with_bytes_shown(name)
        if shown != name or _is_marked(value):
            readable[shown] = Unfit(with_bytes_shown(_text(value)), reason(shown, encoding))
        else:
            readable[name] = value
    return readable


def _is_marked(value: object) -> bool:
    if isinstance(value, str):
        return OPENING in value
    if isinstance(value, dict):
        return any(OPENING in name or _is_marked(item) for name, item in value.items())
    return isinstance(value, list) and any(map(_is_marked, value))


def _text(value: object) -> str:
    try:
        return value if isinstance(value, str) else json_text(value)
    except NotJson:
        return "a value"


def without_first(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The text after its first `count` lines."""
    left, carry = count, b""
    for block in blocks:
        text, carry = carry + block if carry else block, b""
        start = 0
        while left:
            found = _END.search(text, start)
            if found is None or (found[0] == b"\r" and found.end() == len(text)):
                carry = b"" if found is None else b"\r"  # its line feed may begin the next block
                start = len(text)
                break
            start, left = found.end(), left - 1
        if start < len(text):
            yield text[start:] if start else text


def without_last(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    """The text without its last `count` lines, and without blank lines at its very end, which are not counted."""
    waiting = b""
    for block in blocks:
        waiting += block
        cut = _start_of_last(waiting, count)
        if cut > 0:
            yield waiting[:cut]
            waiting = waiting[cut:]
    cut = _start_of_last(waiting, count)
    if cut > 0:
        yield waiting[:cut]


def _start_of_last(text: bytes, count: int) -> int:
    """Where the last `count` lines begin that are not blank lines at the end; 0 where there are no more lines."""
    start, end = 0, len(text.rstrip(_BLANKS))
    for _ in range(count):
        start = max(text.rfind(b"\n", 0, end), text.rfind(b"\r", 0, end)) + 1
        if start <= 0:
            return 0
        end = start - (2 if text[start - 2 : start] == b"\r\n" else 1)
    return start


def without_end_mark(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The text without MS-DOS's mark of the end (0x1A) as its last character."""
    waiting = b""
    for block in blocks:
        text = waiting + block if waiting else block
        waiting = b""
        if text.rstrip(b"\r\n").endswith(b"\x1a"):
            cut = text.rindex(b"\x1a")
            text, waiting = text[:cut], text[cut:]
        if text:
            yield text


def from_first_text(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The text from its first line that is not empty on; nothing where there is none."""
    started = False
    for block in blocks:
        fresh = block if started else block.lstrip(b"\r\n")
        if fresh:
            started = True
            yield fresh


def lines_of(blocks: Iterable[bytes]) -> Iterator[str]:
    """UTF-8 blocks as lines with their ends."""
    carry = b""
    for block in blocks:
        whole = carry + block
        cut = max(whole.rfind(b"\n"), whole.rfind(b"\r", 0, -1)) + 1
        carry = whole[cut:]
        yield from io.StringIO(whole[:cut].decode(), newline="")
    yield from io.StringIO(carry.decode(), newline="")
