"""The links that one destination with `company_link: replace` has sent, while a run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.engine.backlog import OpenChunk
from penstock.model.record import Payload
from penstock.transform.company_links import replaced

KeyHash = tuple[int, int]


class CompanyLinks:
    """`known` are the links sent so far, by the key's hash; `partial`: a record may say nothing of companies."""

    def __init__(self, known: dict[KeyHash, tuple[str, ...]], *, partial: bool) -> None:
        self._known = known
        self._partial = partial

    def replaced(self, chunk: OpenChunk, payload: Payload) -> Payload:
        """The payload with a removal for each link that was sent before and that it does not have."""
        high, low = chunk.hashes[payload.ordinal - chunk.first]
        return replaced(payload, self._known.get((int(high), int(low)), ()), partial=self._partial)

    def sending(self, chunk: OpenChunk, payloads: Sequence[Payload]) -> Mapping[KeyHash, tuple[str, ...]]:
        """What to write before these payloads leave: until one is confirmed, old and new links may be there."""
        changed: dict[KeyHash, tuple[str, ...]] = {}
        for payload in payloads:
            high, low = chunk.hashes[payload.ordinal - chunk.first]
            key = (int(high), int(low))
            before = self._known.get(key, ())
            both = tuple(dict.fromkeys((*before, *(payload.links or ()))))
            if both != before:
                self._known[key] = changed[key] = both
        return changed

    def confirmed(self, key: KeyHash, payload: Payload) -> Mapping[KeyHash, tuple[str, ...]]:
        """What to write once Custify has confirmed the payload: its links are the only ones of ours."""
        if payload.links is None or self._known.get(key, ()) == payload.links:
            return {}
        self._known[key] = payload.links
        return {key: payload.links}
