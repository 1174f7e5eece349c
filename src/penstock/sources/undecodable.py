r"""Bytes that their encoding does not know, carried through the readers as marks in the text.

Each byte becomes U+FDD0, its two hexadecimal digits and U+FDD1: noncharacters, which no text from outside should hold.
A value with a mark in it is never sent: its record is quarantined, and messages show the byte as `\xe9`.
"""

from __future__ import annotations

import codecs
import re

from penstock.sources.exact_json import NotJson, Unfit, json_text

OPENING, CLOSING = "\ufdd0", "\ufdd1"
OPENING_UTF8 = OPENING.encode()
HANDLER = "penstock-marks"  # the name of the error handler for decoders
_MARK = re.compile(f"{OPENING}([0-9a-f]{{2}}){CLOSING}")


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
