"""Payloads + shape → requests. The same code serves preview, test and run, so that they cannot differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from penstock.model.outcome import Refusal
from penstock.model.record import Payload, Request, Shape
from penstock.transform.encoding import Unencodable, content_type, encode_body, encode_value

Headers = tuple[tuple[str, str], ...]


def requests_for(
    shape: Shape, payloads: Sequence[Payload], bodies: Sequence[bytes] | None = None
) -> tuple[Request, ...]:
    """The requests of one batch, in the order they are to be sent: usually one.

    Only grouping code makes several: `bodies` are what it returned, encoded by `encode_bodies`. Method, URL and headers
    are those of the first payload: a batch holds only payloads whose URL and headers are equal.
    """
    first = payloads[0]
    url = shape.url if first.url is None else first.url
    headers = preview_headers(shape, first.headers)
    if not shape.carries_body:
        return (Request(shape.method, url, headers, None),)
    if bodies is None:
        bodies = (encode_body(shape, [payload.text for payload in payloads]),)
    return tuple(Request(shape.method, url, headers, body) for body in bodies)


def preview_headers(shape: Shape, own: Headers | None = None) -> Headers:
    """The destination's headers with the defaults: `Accept: application/json`, and Content-Type when there is a body.

    `own` are a payload's finished headers, where macros make them differ per record.
    """
    return _with_defaults(shape.headers if own is None else own, content_type(shape) if shape.carries_body else None)


@lru_cache(256)
def _with_defaults(headers: Headers, content: str | None) -> Headers:
    given = {name.lower() for name, _ in headers}
    defaults = [("Accept", "application/json")]
    if content is not None:
        defaults.append(("Content-Type", content))
    return (*(pair for pair in defaults if pair[0].lower() not in given), *headers)


def records_of(payloads: Sequence[Payload]) -> list[Mapping[str, object]]:
    """The payloads as Python, for grouping code: what their texts say, whole numbers of any size.

    Decimals with more digits than a float holds are rounded: Python code has no other word for them.
    """
    return [json.loads(payload.text) for payload in payloads]


def encode_bodies(shape: Shape, bodies: Sequence[object]) -> list[bytes]:
    """What grouping code returned, as request bodies within `max_bytes`. Raises Unencodable with the reason."""
    encoded = [encode_value(shape, body) for body in bodies]
    largest = max(map(len, encoded), default=0)
    if shape.max_bytes is not None and largest > shape.max_bytes:
        reason = f"the code returned a body of {largest} bytes; max_bytes is {shape.max_bytes}"
        raise Unencodable(Refusal("max_bytes", reason, accepted=f"at most {shape.max_bytes} bytes, or a smaller batch"))
    return encoded
