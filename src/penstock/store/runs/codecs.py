"""Encodings of several small facts in one field of a row."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from penstock.model.outcome import Refusal
from penstock.model.record import Key

_LIMIT = 1 << 63


def refusal_json(refusal: Refusal | None) -> str | None:
    """A refusal as `{"rule", "values"}`, from which a face makes a text of its own."""
    return None if refusal is None else rule_json(refusal.rule, orjson.dumps(refusal.values).decode())


def rule_json(rule: str, values: str) -> str:
    """A rule and the JSON of its values as one JSON object."""
    return f'{{"rule":{orjson.dumps(rule).decode()},"values":{values}}}'


def still_held_json(refusal: str | None) -> str | None:
    """The same refusal of a record that was in quarantine before: with `"held": true`."""
    return None if refusal is None else f'{refusal[:-1]},"held":true}}'


def listed_ordinals(text: str) -> list[int]:
    """The ordinals of a JSON `[[first, count, item], …]` (`ordinals.pack_ordinals`), in their order."""
    return [ordinal for first, count, _ in orjson.loads(text) for ordinal in range(first, first + count)]


def pack_keys(keys: Sequence[Key | None]) -> str:
    """Keys as a JSON array: text, a list of texts for a several-column key, null for none."""
    return orjson.dumps(keys if isinstance(keys, list | tuple) else list(keys)).decode()


def unpack_keys(text: str) -> list[Key | None]:
    return [tuple(key) if isinstance(key, list) else key for key in orjson.loads(text)]


def key_json(key: Key | None) -> str | None:
    return None if key is None else orjson.dumps(key).decode()


def key_from_json(text: str | None) -> Key | None:
    if text is None:
        return None
    key = orjson.loads(text)
    return tuple(key) if isinstance(key, list) else str(key)


def to_signed(word: int) -> int:
    """An unsigned 64-bit number as the signed one that an SQL integer can hold."""
    return word - (1 << 64) if word >= _LIMIT else word


def to_unsigned(number: int) -> int:
    return number + (1 << 64) if number < 0 else number
