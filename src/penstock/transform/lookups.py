"""Ids of Custify's own, put into the payloads that waited for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from penstock.model.record import Lookup, Payload


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
