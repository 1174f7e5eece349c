r"""Text made safe: invisible characters are removed or shown, and cells of CSV files are no formulas. Pure.

Also hints that name the nearest known word, names in a row, and the short digest of a text.

Invisible characters are removed where text identifies something, and shown as `\u200b` in messages. A joiner (U+200C,
U+200D) between two characters beyond ASCII is part of a word or of an emoji, and is not removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from hashlib import sha256
from itertools import islice
from typing import overload

# Unicode's format characters (category Cf), and letters and marks that are drawn as nothing.
_FORMAT = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_JOINER = "[\u200c\u200d]"
_INVISIBLE = re.compile(f"[{_FORMAT}]|(?<![^\x00-\x7f]){_JOINER}|{_JOINER}(?![^\x00-\x7f])")
ANY_INVISIBLE = f"[{_FORMAT}\u200c\u200d]"  # for RE2: with every joiner
_SPACES = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_UNSEEN = re.compile(f"{_INVISIBLE.pattern}|[{_SPACES}{_CONTROLS}]")
MOST_COMPARED = 700  # known words that a wrong one is compared with
MOST_LISTED = 30  # known words that a hint lists
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - OWASP: CSV injection


def without_invisible(text: str) -> str:
    """The text without characters that cannot be seen; white space stays."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def identifying(text: str) -> str:
    """The text without invisible characters and without white space around it, as keys are compared."""
    return without_invisible(text).strip()


def visible(text: str) -> str:
    r"""The text for a message: invisible characters and unusual spaces as `\u200b`."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: "".join(map(_escaped, found[0])), text)


def _escaped(sign: str) -> str:
    point = ord(sign)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


@overload
def harmless_cell(cell: str) -> str: ...


@overload
def harmless_cell(cell: object) -> object: ...


def harmless_cell(cell: object) -> object:
    """The cell, with an apostrophe before text that a spreadsheet would read as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell


PLACE = re.compile(r"line (\d+), column (\d+) of the SQL: ")  # how `sources.sql_text.pointed` begins


def place_in(words: str) -> tuple[int, int] | None:
    """The line and column, from 1, in a message of `pointed`."""
    found = PLACE.match(words)
    return None if found is None else (int(found[1]), int(found[2]))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, in any case; None if none is like it."""
    by_fold = {name.casefold(): name for name in islice(known, MOST_COMPARED)}
    close = get_close_matches(word.casefold(), by_fold, n=1)
    return by_fold[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The hint for an unknown word: the nearest known one, or `otherwise`."""
    close = nearest(word, known)
    return otherwise if close is None else f"did you mean {close}?"


def suggest(word: str, known: Iterable[str], what: str) -> str:
    """`did you mean x? what: a, b, c`."""
    names = sorted(known)
    close = nearest(word, names)
    listed = f"{what}: {joined(names, MOST_LISTED)}" if names else f"there is no {what} yet"
    return f"did you mean `{close}`? {listed}" if close is not None else listed


def column_hint(name: str, columns: Sequence[str]) -> str:
    """The hint for an unknown column: the nearest one, or all of them."""
    return did_you_mean(name, columns, f"the columns are {joined(columns)}" if columns else "there are no columns")


def joined(names: Sequence[str], most: int = 12) -> str:
    """Names separated by commas; of more than `most`, how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def repeated(names: Iterable[str]) -> str | None:
    """The first name that occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def digest(text: bytes) -> str:
    """16 hexadecimal digits of the hash of a text, for ETags."""
    return sha256(text).hexdigest()[:16]
