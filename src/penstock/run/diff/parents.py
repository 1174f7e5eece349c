"""Records that wait because their company or person is sent by the same flow and is not delivered yet.

Also the links to companies that a destination with `company_link: replace` has sent in this run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Chunk, Key, Payload
from penstock.model.spec import DestinationSpec
from penstock.render.merger import replaced
from penstock.render.values.columns import key_cells
from penstock.run.context import Context
from penstock.run.diff.backlog import OpenChunk
from penstock.store import quarantine

KeyHash = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Link:
    """A column of the child that names its parent, and the parents that are refused or waiting themselves."""

    field: str
    object: str
    column: str
    parent: str
    missing: Mapping[Key, str]  # key → quarantined or waiting


class ParentsInQuarantine:
    """The parents of one child destination that are in quarantine now."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = [link for link in links if link.missing]
        self._chunk: Chunk | None = None
        self._cells: list[Sequence[Key | None]] = []

    def missing(self, chunk: Chunk, row: int) -> Refusal | None:
        """Why the record in this row has to wait; None when it need not."""
        if not self._links:
            return None
        if self._chunk is not chunk:
            self._chunk = chunk
            self._cells = [key_cells(chunk, (link.column,)) for link in self._links]
        for link, cells in zip(self._links, self._cells, strict=True):
            value = cells[row]
            if value is not None and value in link.missing:
                return Refusal(
                    "waiting",
                    f"its {link.object} is not there yet: {value} is {link.missing[value]} in {link.parent}",
                    field=link.field,
                    value=str(value),
                    accepted=f"it goes by itself once {value} is delivered by {link.parent}",
                )
        return None


def parents_in_quarantine(
    ctx: Context, child: DestinationSpec, siblings: Sequence[DestinationSpec]
) -> ParentsInQuarantine:
    """The parents of `child` among the destinations of its flow that are quarantined or waiting now."""
    links = []
    template = ctx.catalogue.get(child.template or "")
    for field, kind in template.parents.items() if template is not None else ():
        column = _column(child, field)
        for sibling in siblings:
            if column is None or sibling.name == child.name or _makes(ctx, sibling) != kind:
                continue
            with ctx.database.read() as conn:
                entries = quarantine.entries(conn, destination=sibling.name)
            missing = {
                entry.key: entry.outcome.value
                for entry in entries
                if entry.key is not None and entry.outcome in (Outcome.QUARANTINED, Outcome.WAITING)
            }
            links.append(Link(field, kind, column, sibling.name, missing))
    return ParentsInQuarantine(links)


def _makes(ctx: Context, spec: DestinationSpec) -> str | None:
    """What a destination makes of a record, by its template's document: `company`, `person` … or `batch`."""
    template = ctx.catalogue.get(spec.template or "")
    return None if template is None else template.object


def _column(child: DestinationSpec, field: str) -> str | None:
    if child.fields is None:
        return field
    binding = child.fields.get(field)
    return None if binding is None else binding.column


class CompanyLinks:
    """`known` are the links sent so far, by the key's hash; `partial`: a record may not name companies."""

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
        """What to write once Custify has confirmed the payload: its links are the only ones that Penstock sent."""
        if payload.links is None or self._known.get(key, ()) == payload.links:
            return {}
        self._known[key] = payload.links
        return {key: payload.links}
