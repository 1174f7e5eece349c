"""The encodings that some lines of bytes may be written in, the likeliest first. Only for suggestions in errors."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from penstock.model.errors import Choice

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
    strangeness: float


def likely_encodings(lines: Sequence[bytes]) -> tuple[Choice, ...]:
    """The likeliest encodings of these lines, each with what the first line reads in it; equal readings once."""
    readings = sorted(
        (reading for name in CANDIDATES if (reading := _reading(name, lines)) is not None),
        key=lambda reading: reading.strangeness,
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
            return (Choice(name, _ctx(line)),)
    return ()


def _reading(encoding: str, lines: Sequence[bytes]) -> _Reading | None:
    try:
        texts = tuple(line.decode(encoding) for line in lines)
    except UnicodeDecodeError:
        return None
    marked = sum(not sign.isascii() for text in texts for sign in text)
    if encoding in EAST_ASIAN and marked < 3:
        return None  # two bytes are no evidence
    return _Reading(encoding, texts, sum(map(_strangeness, texts)))


def _choices(readings: Sequence[_Reading]) -> tuple[Choice, ...]:
    made: dict[str, Choice] = {}
    for reading in readings:
        shown = _ctx(reading.lines[0])
        if len(made) < MOST:
            made.setdefault(shown, Choice(reading.encoding, shown))
    return tuple(made.values())


def _ctx(line: str) -> str:
    """The part of a line around its first character beyond ASCII."""
    line = line.rstrip("\r\n")
    place = next((place for place, sign in enumerate(line) if not sign.isascii()), 0)
    start = max(0, min(place - SHOWN // 2, len(line) - SHOWN))
    part = line[start : start + SHOWN]
    return f"{'…' if start else ''}{part}{'…' if start + SHOWN < len(line) else ''}"


def _strangeness(text: str) -> float:
    total: float = 0
    for before, (sign, after) in zip(f" {text}", pairwise(f"{text} "), strict=False):
        if not sign.isascii():
            total += _strange(before, sign, after)
    return total


def _strange(before: str, sign: str, after: str) -> float:
    """How strange a character beyond ASCII is between its neighbours."""
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
