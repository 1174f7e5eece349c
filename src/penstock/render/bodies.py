"""Request bodies in JSON, form and XML, written from the texts of payloads.

A body is `head + joint.join(items) + tail` in every format. In JSON the items are the payloads' own texts, unchanged,
so that what was checked is what is sent; form and XML are written from the decoded payloads.
Form: nested values as PHP's `http_build_query` and the `qs` library write them: `address[city]=Bonn`, `tags[0]=a`, the
records of a batch as `0[email]=…&1[email]=…` (with a grouping property: `batch[0][email]=…`). Null, an empty list and
an empty object are nothing (`plan=`).
XML 1.0: an object is an element with its members as child elements, a list repeats its element (a list within a list
has `item` elements). Null is an empty element marked `xsi:nil="true"`, so that it is not taken for empty text. An empty
list has no element. In both, numbers are as in JSON, booleans are `true` and `false`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from penstock.model.outcome import Refusal
from penstock.model.record import Grouping, Shape
from penstock.model.spec import XmlSpec

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
NIL = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
# XML 1.0, fifth edition, production 4, without the colon: it would name a namespace that is not declared.
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = re.compile(f"[{_START}][{_START}\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]*")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # everything but production 2
_CR = {"\r": "&#13;"}  # a parser would read a bare carriage return as a line feed

CONTENT_TYPES = {
    "json": "application/json",
    "xml": "application/xml; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
}


class NumberText(str):
    """A number as it was written in JSON, so that no digit is lost."""

    __slots__ = ()


def form_pairs(value: Mapping[str, object], prefix: str = "") -> bytes:
    """The members of an object as `name=value&…`, names below `prefix`."""
    found = (pair for name, member in value.items() for pair in _pairs(f"{prefix}[{name}]" if prefix else name, member))
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in found).encode()


def _pairs(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for inner, member in value.items():
            yield from _pairs(f"{name}[{inner}]", member)
    elif isinstance(value, list) and value:
        for place, member in enumerate(value):
            yield from _pairs(f"{name}[{place}]", member)
    else:
        yield name, scalar_text(value)


def scalar_text(value: object) -> str:
    """A scalar as text; null, `[]` and `{}` are empty text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, (list, Mapping)):
        return ""
    return str(value)


def xml_name_problem(name: str) -> str | None:
    """Why `name` cannot be the name of an element, or None when it can."""
    if _NAME.fullmatch(name):
        return None
    if not name:
        return "an XML element needs a name"
    bad = next((sign for place, sign in enumerate(name) if not _NAME.fullmatch("a" + sign if place else sign)), name)
    return f"XML forbids {bad!r} {'at the start of' if name.startswith(bad) else 'in'} a name"


def xml_refusal(value: Mapping[str, object]) -> Refusal | None:
    """Why this payload cannot be written as XML, or None when it can: a forbidden name or character."""
    return next(_refusals("", value), None)


def _refusals(path: str, value: object) -> Iterator[Refusal]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            inner = f"{path}.{name}" if path else name
            problem = xml_name_problem(name)
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


def xml_element(name: str, value: object) -> bytes:
    """The element `name` with this content. Names and characters must have passed `xml_refusal`."""
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


def xml_frame(spec: XmlSpec, grouping: Grouping) -> tuple[bytes, bytes]:
    """The text before and after the `record` elements of a body.

    One record is alone. Array: `<records>…</records>`. Property: the records inside an element of that name, and
    the other properties beside it.
    """
    if grouping.algorithm == "single":
        return DECLARATION, b""
    root = spec.root.encode()
    head, tail = DECLARATION + b"<" + root + b">", b"</" + root + b">"
    if grouping.algorithm == "property":
        inner = grouping.property.encode()
        other = b"".join(
            xml_element(name, each)
            for name, value in grouping.other.items()
            for each in (value if isinstance(value, list) else [value])
        )
        return head + b"<" + inner + b">", b"</" + inner + b">" + other + tail
    return head, tail


class Unencodable(ValueError):  # noqa: N818 - it says what a value is, and is always turned into a refusal
    """A value cannot be written in the content format; `refusal` names it with the reason."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Frame(NamedTuple):
    """The text before, between and after the items of a body."""

    head: bytes
    joint: bytes
    tail: bytes


def encode_body(shape: Shape, texts: Sequence[bytes]) -> bytes:
    """The body of one request that carries the payloads with these JSON texts, in their order.

    Grouping `single` takes exactly one text; grouping `code` has no body of its own (see `encode_value`).
    """
    _check_count(shape, len(texts))
    before, joint, after = frame_of(shape)
    items: Iterable[bytes] = texts
    if shape.content_format != "json":
        items = [part for part in (item_of(shape, text, place) for place, text in enumerate(texts)) if part]
    return before + joint.join(items) + after


def _check_count(shape: Shape, count: int) -> None:
    if shape.grouping.algorithm == "code":
        raise ValueError("a body of grouping code is what the code returned")
    if shape.grouping.algorithm == "single" and count != 1:
        raise ValueError(f"a request without a batch carries one record, not {count}")


def frame_of(shape: Shape) -> Frame:
    """The text around the items; its size and the items' sizes are the size of the body."""
    if shape.content_format == "json":
        return _json_frame(shape)
    if shape.content_format == "xml":
        head, tail = xml_frame(shape.xml, shape.grouping)
        return Frame(head, b"", tail)
    tail = form_pairs(shape.grouping.other) if shape.grouping.algorithm == "property" else b""
    return Frame(b"", b"&", b"&" + tail if tail else b"")


def _json_frame(shape: Shape) -> Frame:
    grouping = shape.grouping
    if grouping.algorithm == "single":
        return Frame(grouping.prefix, b"", grouping.suffix)
    head, tail = b"[", b"]"
    if grouping.algorithm == "property":
        head = b"{" + encode_json(grouping.property) + b":["
        other = encode_json(dict(grouping.other))[1:-1]
        tail = b"]" + (b"," + other if other else b"") + b"}"
    return Frame(head + grouping.prefix, grouping.suffix + b"," + grouping.prefix, grouping.suffix + tail)


def item_of(shape: Shape, text: bytes, place: int) -> bytes:
    """One payload as it is in the body; `place` is its 0-based position there (forms number their records)."""
    if shape.content_format == "json":
        return text
    value = decode(text)
    if shape.content_format == "xml":
        return xml_element(shape.xml.record, value)
    if shape.grouping.algorithm == "single":
        return form_pairs(value)
    return form_pairs(value, f"{shape.grouping.property}[{place}]" if shape.grouping.property else str(place))


def encode_value(shape: Shape, body: object) -> bytes:
    """A body made by grouping code, as bytes: any value in JSON, an object or finished text in XML and form.

    Raises Unencodable.
    """
    if shape.content_format == "json":
        return encode_json(body)
    if isinstance(body, str):
        return _utf8(body)
    if not isinstance(body, Mapping):
        name = {"xml": "XML", "form": "form"}[shape.content_format]
        raise Unencodable(
            Refusal("type", f"a body in {name} must be a dict or finished text", accepted="a dict or a str")
        )
    if shape.content_format == "form":
        return form_pairs(_plain(body))
    refusal = xml_refusal(_plain(body))
    if refusal is not None:
        raise Unencodable(refusal)
    return DECLARATION + xml_element(shape.xml.root, _plain(body))


def encode_json(value: object) -> bytes:
    """Strict JSON in UTF-8, with whole numbers of any size. Raises Unencodable for values that JSON does not have."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise Unencodable(Refusal("type", f"not a JSON value: {error}", accepted="a JSON value")) from error
    return _utf8(text)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        reason = f"half of a surrogate pair, U+{ord(text[error.start]):04X}, is not text"
        raise Unencodable(Refusal("type", reason, accepted="Unicode text")) from error


def _plain(body: object) -> Mapping[str, object]:
    return decode(encode_json(body))


def decode(text: bytes) -> Mapping[str, object]:
    """A payload's text as Python values, with every number as it is written."""
    value: Mapping[str, object] = json.loads(text, parse_int=NumberText, parse_float=NumberText)
    return value


def content_type(shape: Shape) -> str:
    """The value of the Content-Type header that bodies of this shape get."""
    return CONTENT_TYPES[shape.content_format]
