"""Payload texts → the bytes of one request body: JSON, XML or form.

A body is `head + joint.join(items) + tail`, in every format. In JSON the items are the payloads' own texts, untouched,
so that what was checked is what is sent; XML and form are written from the decoded payloads (`xml_text`, `form_text`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from penstock.model.outcome import Refusal
from penstock.model.record import Shape
from penstock.transform import form_text, xml_text

CONTENT_TYPES = {
    "json": "application/json",
    "xml": "application/xml; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
}


class Unencodable(ValueError):  # noqa: N818 - it says what a value is, and is always turned into a refusal
    """A value has no form in the content format; `refusal` says which and why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Frame(NamedTuple):
    """What stands before, between and after the items of a body."""

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
    """What stands around the items; its size and the items' sizes are the size of the body."""
    if shape.content_format == "json":
        return _json_frame(shape)
    if shape.content_format == "xml":
        head, tail = xml_text.frame(shape.xml, shape.grouping)
        return Frame(head, b"", tail)
    tail = form_text.pairs(shape.grouping.other) if shape.grouping.algorithm == "property" else b""
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
    """One payload as it stands in the body; `place` is its 0-based position there (forms number their records)."""
    if shape.content_format == "json":
        return text
    value = decode(text)
    if shape.content_format == "xml":
        return xml_text.element(shape.xml.record, value)
    if shape.grouping.algorithm == "single":
        return form_text.pairs(value)
    return form_text.pairs(value, f"{shape.grouping.property}[{place}]" if shape.grouping.property else str(place))


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
        return form_text.pairs(_plain(body))
    refusal = xml_text.refusal_of(_plain(body))
    if refusal is not None:
        raise Unencodable(refusal)
    return xml_text.DECLARATION + xml_text.element(shape.xml.root, _plain(body))


def encode_json(value: object) -> bytes:
    """Strict JSON in UTF-8, whole numbers of any size unharmed. Raises Unencodable for what JSON cannot say."""
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
    """A payload's text as Python, with every number kept as it is written."""
    value: Mapping[str, object] = json.loads(text, parse_int=form_text.NumberText, parse_float=form_text.NumberText)
    return value


def content_type(shape: Shape) -> str:
    """The value of the Content-Type header that bodies of this shape get."""
    return CONTENT_TYPES[shape.content_format]
