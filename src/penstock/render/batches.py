"""Payloads grouped into batches, and batches encoded as requests.

Which payloads a batch holds depends on the order of the input, never on timing. Preview, test and run use the same
code, so that they cannot differ. Payloads that refer to Custify's own ids get these ids here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from penstock.model.outcome import Refusal
from penstock.model.record import Batch, Key, Lookup, Payload, Refused, Request, Shape
from penstock.render.bodies import Frame, Unencodable, content_type, encode_body, encode_value, frame_of, item_of

MAX_OPEN = 64  # batches being filled at once, one per URL and headers; past it the oldest is sent as it is

Target = tuple[str | None, tuple[tuple[str, str], ...] | None]

Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _OpenBatch:
    """A batch that is being filled; `bytes` is the size of its items with the text between them."""

    target: Target
    payloads: list[Payload] = field(default_factory=list)
    bytes: int = 0


class _BodySize:
    """How many bytes a payload adds to a body; this depends on its place, because form bodies number their records."""

    def __init__(self, shape: Shape, limit: int) -> None:
        self._shape = shape
        self._plain = shape.content_format == "json"
        frame = Frame(b"", b",", b"") if shape.grouping.algorithm == "code" else frame_of(shape)
        self._joint = len(frame.joint)
        self.room = limit - len(frame.head) - len(frame.tail)

    def weigh(self, payload: Payload, place: int) -> int:
        size = len(payload.text) if self._plain else len(item_of(self._shape, payload.text, place))
        return size + self._joint if place else size


class Batcher:
    """Fills batches of at most `shape.size` records and `shape.max_bytes` bytes of finished body.

    A batch holds only payloads whose URL and headers are equal. Two payloads of one key leave in the order they came:
    the batch with the first one is returned before the second is added. With `repeats` they may share a
    batch, in their order (right for a plain list of records; wrong where an API takes the items of a batch in any
    order). `oversized` collects the records that alone exceed `max_bytes`; the caller empties it. For grouping code,
    whose bodies are not known here, the payloads' own sizes count.
    """

    def __init__(self, shape: Shape, *, repeats: bool = False) -> None:
        self.oversized: list[Refused] = []
        self._size = shape.size
        self._limit = shape.max_bytes if shape.carries_body else None
        self._scale = None if self._limit is None else _BodySize(shape, self._limit)
        self._repeats = repeats
        self._number = 0
        self._open: dict[Target, _OpenBatch] = {}
        self._holder: dict[Key, _OpenBatch] = {}

    def add(self, payloads: Iterable[Payload]) -> Iterator[Batch]:
        """Add payloads, and yield batches as they become full. Payloads are added only while the result is iterated."""
        for payload in payloads:
            if self._scale is not None and self._scale.weigh(payload, 0) > self._scale.room:
                self.oversized.append(self._refused(payload))
                continue
            target = (payload.url, payload.headers)
            batch = self._open.get(target)
            holder = self._holder.get(payload.key)
            if holder is not None and not (self._repeats and holder is batch):
                yield self._close(holder)
                batch = self._open.get(target)
            if batch is not None and not self._fits(batch, payload):
                yield self._close(batch)
                batch = None
            if batch is None:
                if len(self._open) >= MAX_OPEN:
                    yield self._close(next(iter(self._open.values())))
                batch = self._open[target] = _OpenBatch(target)
            self._put(batch, payload)
            if len(batch.payloads) >= self._size:
                yield self._close(batch)

    def flush(self) -> Iterator[Batch]:
        """Yields the batches that are not full, oldest first."""
        while self._open:
            yield self._close(next(iter(self._open.values())))

    def _fits(self, batch: _OpenBatch, payload: Payload) -> bool:
        scale = self._scale
        return scale is None or batch.bytes + scale.weigh(payload, len(batch.payloads)) <= scale.room

    def _put(self, batch: _OpenBatch, payload: Payload) -> None:
        if self._scale is not None:
            batch.bytes += self._scale.weigh(payload, len(batch.payloads))
        batch.payloads.append(payload)
        self._holder[payload.key] = batch

    def _close(self, batch: _OpenBatch) -> Batch:
        del self._open[batch.target]
        for payload in batch.payloads:
            self._holder.pop(payload.key, None)
        done = Batch(self._number, tuple(batch.payloads))
        self._number += 1
        return done

    def _refused(self, payload: Payload) -> Refused:
        reason = f"one request with this record alone is larger than max_bytes ({self._limit})"
        value = f"{len(payload.text)} bytes of JSON"
        refusal = Refusal("max_bytes", reason, value=value, accepted=f"a body of at most {self._limit} bytes")
        return Refused(payload.ordinal, payload.key, refusal)


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
    """The payloads as Python values, for grouping code. Whole numbers have any size.

    Decimals with more digits than a float holds are rounded.
    """
    return [json.loads(payload.text) for payload in payloads]


def encode_bodies(shape: Shape, bodies: Sequence[object]) -> list[bytes]:
    """The values that grouping code returned, as bodies within `max_bytes`. Raises Unencodable with the reason."""
    encoded = [encode_value(shape, body) for body in bodies]
    largest = max(map(len, encoded), default=0)
    if shape.max_bytes is not None and largest > shape.max_bytes:
        reason = f"the code returned a body of {largest} bytes; max_bytes is {shape.max_bytes}"
        raise Unencodable(Refusal("max_bytes", reason, accepted=f"at most {shape.max_bytes} bytes, or a smaller batch"))
    return encoded


def filled(payload: Payload, ids: Mapping[Lookup, str]) -> Payload:
    """The payload with every look-up's id at its target; `ids` must hold all of them."""
    if payload.value is None:
        return payload
    value: dict[str, Any] = dict(payload.value)
    for lookup in payload.lookups:
        *parents, last = lookup.target.split(".")
        place = value
        for parent in parents:
            place[parent] = dict(place[parent])
            place = place[parent]
        place[last] = ids[lookup]
    return payload._replace(text=orjson.dumps(value), lookups=(), value=None)
