"""Decoded payloads → XML 1.0 text.

An object is an element with its members as child elements, a list repeats its element (a list within a list holds
`item` elements), text stands escaped, numbers as in JSON, booleans as `true` and `false`, and null is an empty element
marked `xsi:nil="true"`, so that it is not taken for empty text. An empty list leaves no element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from penstock.model.outcome import Refusal
from penstock.model.record import Grouping
from penstock.model.spec import XmlSpec
from penstock.transform.form_text import scalar_text

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
NIL = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
# XML 1.0, fifth edition, production 4, without the colon: it would name a namespace that nobody declared.
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = re.compile(f"[{_START}][{_START}\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]*")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # everything but production 2
_CR = {"\r": "&#13;"}  # a parser would read a bare carriage return as a line feed


def name_problem(name: str) -> str | None:
    """Why `name` cannot be the name of an element, or None when it can."""
    if _NAME.fullmatch(name):
        return None
    if not name:
        return "an XML element needs a name"
    bad = next((sign for place, sign in enumerate(name) if not _NAME.fullmatch("a" + sign if place else sign)), name)
    return f"XML forbids {bad!r} {'at the start of' if name.startswith(bad) else 'in'} a name"


def refusal_of(value: Mapping[str, object]) -> Refusal | None:
    """Why this payload cannot be written as XML, or None when it can: a forbidden name or character."""
    return next(_refusals("", value), None)


def _refusals(path: str, value: object) -> Iterator[Refusal]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            inner = f"{path}.{name}" if path else name
            problem = name_problem(name)
            if problem is not None:
                yield Refusal("xml", problem, inner, name[:80], "letters, digits, '-', '_' and '.', no digit first")
            yield from _refusals(inner, member)
    elif isinstance(value, list):
        for member in value:
            yield from _refusals(path, member)
    elif isinstance(value, str):
        found = _FORBIDDEN.search(value)
        if found is not None:
            reason = f"XML 1.0 has no way to write the character U+{ord(found[0]):04X}"
            yield Refusal("xml", reason, path, ascii(value)[:80], "text without control characters")


def element(name: str, value: object) -> bytes:
    """The element `name` with this content. Names and characters must have passed `refusal_of`."""
    return "".join(_element(name, value)).encode()


def _element(name: str, value: object) -> Iterator[str]:
    if value is None:
        yield f"<{name}{NIL}"
        return
    yield f"<{name}>"
    if isinstance(value, Mapping):
        for inner, member in value.items():
            for each in member if isinstance(member, list) else (member,):
                yield from _element(inner, each)
    elif isinstance(value, list):
        for each in value:
            yield from _element("item", each)
    else:
        yield escape(scalar_text(value), _CR)
    yield f"</{name}>"


def frame(spec: XmlSpec, grouping: Grouping) -> tuple[bytes, bytes]:
    """What stands before and after the `record` elements of a body.

    One record stands alone. Array: `<records>…</records>`. Property: the records inside an element of that name, and
    the other properties beside it.
    """
    if grouping.algorithm == "single":
        return DECLARATION, b""
    root = spec.root.encode()
    head, tail = DECLARATION + b"<" + root + b">", b"</" + root + b">"
    if grouping.algorithm == "property":
        inner = grouping.property.encode()
        other = b"".join(
            element(name, each)
            for name, value in grouping.other.items()
            for each in (value if isinstance(value, list) else [value])
        )
        return head + b"<" + inner + b">", b"</" + inner + b">" + other + tail
    return head, tail
