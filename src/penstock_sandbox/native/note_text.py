"""The forms in which an API may return the text of a note: as it was sent, as HTML, or trimmed.

Custify's documents say that a note's text is HTML and not how plain text becomes HTML; `as_html` is our choice.
"""

import re
from collections.abc import Callable, Mapping
from html.entities import codepoint2name

_ESCAPED = re.compile(r"[&<>\"']|[^\x00-\x7f]")
_BETWEEN_PARAGRAPHS = re.compile(r"\n(?:[ \t]*\n)+")


def as_html(text: str) -> str:
    """`<p>…</p>` for each paragraph, `<br>` for each line break inside one, entities for special characters.

    Blank lines separate paragraphs. An entity has a name if HTML 4 has one, else a number: decimal up to U+FFFF,
    hexadecimal above.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    paragraphs = (_escaped(paragraph) for paragraph in _BETWEEN_PARAGRAPHS.split(lines))
    return "".join(f"<p>{paragraph}</p>".replace("\n", "<br>") for paragraph in paragraphs)


def as_trimmed(text: str) -> str:
    """The text without white space at its ends, and with one space for each run of white space inside it."""
    return " ".join(text.split())


def as_sent(text: str) -> str:
    return text


FORMS: Mapping[str, Callable[[str], str]] = {"text": as_sent, "html": as_html, "trimmed": as_trimmed}


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: _entity(ord(found[0])), text)


def _entity(code: int) -> str:
    if code in codepoint2name:
        return f"&{codepoint2name[code]};"
    return f"&#{code};" if code <= 0xFFFF else f"&#x{code:x};"
