"""One record as JSON text and back: what the quarantine keeps, shows, lets a person edit and sends again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import xxhash

from penstock.model.record import Chunk

JSON_COLUMN = {b"penstock": b"json"}


def record_json(chunk: Chunk, row: int) -> str:
    """Row `row` of the chunk as one JSON object: absent members left out, nulls kept, numbers exact."""
    members: dict[str, Any] = {}
    for index, field in enumerate(chunk.records.schema):
        if row in chunk.absent.get(field.name, ()):
            continue
        value = chunk.records.column(index)[row].as_py()
        if value is not None and (field.metadata or {}).get(b"penstock") == b"json":
            value = orjson.Fragment(value)
        members[field.name] = value
    return orjson.dumps(members, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def record_hash(text: str) -> int:
    """A stable 64-bit hash of a record's JSON: the same on every machine and in every version."""
    return xxhash.xxh3_64_intdigest(text.encode())


def _plain(value: object) -> object:
    """What orjson cannot write by itself, exactly."""
    if isinstance(value, int | Decimal):
        return orjson.Fragment(str(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"cannot write a {type(value).__name__} as JSON"
    raise TypeError(msg)


def is_json_column(field: pa.Field) -> bool:
    return (field.metadata or {}).get(b"penstock") == b"json"
