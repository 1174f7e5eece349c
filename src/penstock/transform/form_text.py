"""Decoded payloads → application/x-www-form-urlencoded text.

Nested values are written as PHP's `http_build_query` and the `qs` library write them: `address[city]=Bonn`,
`tags[0]=a`, and the records of a batch as `0[email]=…&1[email]=…` (grouping property: `batch[0][email]=…`). Numbers
stand as in JSON, booleans as `true` and `false`, null, an empty list and an empty object as nothing (`plan=`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote_plus


class NumberText(str):
    """A number as it was written in JSON, so that no digit is lost."""

    __slots__ = ()


def pairs(value: Mapping[str, object], prefix: str = "") -> bytes:
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
    """A value that holds no other as text; null, `[]` and `{}` are empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, (list, Mapping)):
        return ""
    return str(value)
