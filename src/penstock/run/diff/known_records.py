"""What the state stores about the records of a run, for the classifier and the recorder.

The versions in quarantine; parents that are in quarantine, so that their records wait; the links to companies that a
destination with `company_link: replace` has sent; Custify's own ids that were looked up; the notes that were delivered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.model.delivery import SentNote
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Chunk, Key, Lookup, Payload
from penstock.model.spec import DestinationSpec
from penstock.render.merger import replaced
from penstock.render.values.columns import key_cells
from penstock.run.context import Context
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.protocols import KEY_MAY_BE_SENT
from penstock.store import quarantine
from penstock.store.database import Database
from penstock.store.memory import read_sent_links
from penstock.store.project import resources
from penstock.store.quarantine import KeyHash, Mark, QuarantinedVersion
from penstock.store.sent_notes import newest_sent_note, sent_notes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANY_VERSION = 0  # in quarantine without its record: any version that comes counts as this one


@dataclass(slots=True)
class QuarantineIndex:
    """The quarantined and discarded versions of one destination, for the classifier; the recorder updates it."""

    _versions: dict[KeyHash, list[QuarantinedVersion]]  # several of a key where its records may be parts of an object
    _discarded: set[tuple[KeyHash, int]]
    _words: set[int] = field(default_factory=set)  # the first halves of their key hashes

    @staticmethod
    def load(conn: Connection, destination: str) -> QuarantineIndex:
        versions: dict[KeyHash, list[QuarantinedVersion]] = {}
        for key_hash, version in quarantine.versions(conn, destination):
            versions.setdefault(key_hash, []).append(version)
        discarded = set(quarantine.discarded_versions(conn, destination))
        words = {key_hash[0] for key_hash in versions} | {key_hash[0] for key_hash, _ in discarded}
        return QuarantineIndex(versions, discarded, words)

    def keys(self) -> Iterator[KeyHash]:
        return iter(self._versions)

    def undecided_keys(self) -> Iterator[KeyHash]:
        """The keys of which a version is in quarantine that was not found to be absent in Custify."""
        return (key for key, some in self._versions.items() if any(one.mark != "absent" for one in some))

    def add(self, key_hash: KeyHash, version: QuarantinedVersion, *, part: bool = False) -> None:
        """Add a version: a later row that is the same is not sent. A `part` leaves other versions in."""
        others = [one for one in self._versions.get(key_hash, ()) if part and one.record != version.record]
        self._versions[key_hash] = [*others, version]
        self._words.add(key_hash[0])

    def add_once(self, key_hash: KeyHash, version: QuarantinedVersion, *, newest: bool) -> None:
        """Add a version of a key that is sent once, as `unknown_records.add_version` does."""
        others = [one for one in self._versions.get(key_hash, ()) if one.record != version.record]
        if version.outcome is Outcome.UNKNOWN:
            others = [one for one in others if one.mark != "absent"]
        elif newest:
            others = [one for one in others if one.may_have_arrived]
        self._versions[key_hash] = [*others, version]
        self._words.add(key_hash[0])

    def unknown_versions(self, key_hash: KeyHash) -> list[QuarantinedVersion]:
        """The versions of a key of which it is not known whether they arrived."""
        return [one for one in self._versions.get(key_hash, ()) if one.may_have_arrived]

    def has_others(self, key_hash: KeyHash, record: int, *, besides_unknown: bool = False) -> bool:
        """Whether other versions of the key are in quarantine; with `besides_unknown` others that are not unknown."""
        others = [one for one in self._versions.get(key_hash, ()) if one.record != record]
        return any(not besides_unknown or one.outcome is not Outcome.UNKNOWN for one in others)

    def release_once(self, key_hash: KeyHash, record: int, *, others: bool) -> None:
        """Remove a version of a key that is sent once, as `unknown_records.release_version` does."""
        versions = [one for one in self._versions.get(key_hash, ()) if one.record != record]
        self._versions[key_hash] = [one for one in versions if one.may_have_arrived or not others]
        if not self._versions[key_hash]:
            del self._versions[key_hash]

    def release(self, key_hash: KeyHash, record: int | None = None, *, refused: bool = False) -> None:
        """Remove a key, or one version of it; with `refused` also its versions that are not unknown."""
        others = [] if record is None else [one for one in self._versions.get(key_hash, ()) if one.record != record]
        if refused:
            unknown = [one for one in others if one.outcome is Outcome.UNKNOWN]
            others = [one for one in unknown if one.record != ANY_VERSION or one.mark != "absent"]
        if others:
            self._versions[key_hash] = others
        else:
            self._versions.pop(key_hash, None)

    def mark(self, key_hash: KeyHash, record: int, mark: Mark | None) -> None:
        """Mark a version as found, or as one that did not arrive."""
        versions = self._versions.get(key_hash, [])
        self._versions[key_hash] = [one._replace(mark=mark) if one.record == record else one for one in versions]

    def find(self, key_hash: KeyHash, record: int) -> QuarantinedVersion | None:
        """The entry of this version: its own, or one that puts all versions of its key in doubt."""
        entries = {one.record: one for one in self._versions.get(key_hash, ())}
        return entries.get(record, entries.get(ANY_VERSION))

    def discard(self, key_hash: KeyHash, record: int, *, undo: bool = False) -> None:
        """Send this version no more in this run, as one that a person has discarded; with `undo`, send it after all."""
        identity = key_hash if key_hash != (0, 0) else (0, record)
        (self._discarded.discard if undo else self._discarded.add)((identity, record))
        self._words.add(identity[0])

    def discarded(self, key_hash: KeyHash, record: int) -> bool:
        identity = key_hash if key_hash != (0, 0) else (0, record)
        return (identity, record) in self._discarded

    def rows_of_interest(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        if not self._words:
            return np.empty(0, dtype=np.int64)
        words = self._words
        return np.array([row for row, word in enumerate(hashes[:, 0].tolist()) if word in words], dtype=np.int64)


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
                    accepted=f"it is sent automatically once {value} is delivered by {link.parent}",
                )
        return None


def parents_in_quarantine(
    ctx: Context, child: DestinationSpec, siblings: Sequence[DestinationSpec]
) -> ParentsInQuarantine:
    """The parents of `child` among the destinations of its flow that are quarantined or waiting now."""
    links = []
    template = ctx.catalogue.get(child.template or "")
    for parent_field, kind in template.parents.items() if template is not None else ():
        column = _column(child, parent_field)
        for sibling in siblings:
            if column is None or sibling.name == child.name or _makes(ctx, sibling) != kind:
                continue
            with ctx.database.read() as conn:
                entries = quarantine.entries(conn, destination=sibling.name)
            missing = {
                entry.key: entry.outcome.value
                for entry in entries
                if entry.key is not None
                and entry.outcome in (Outcome.QUARANTINED, Outcome.WAITING)
                and entry.rule != KEY_MAY_BE_SENT  # as for an unknown parent: it may be there
            }
            links.append(Link(parent_field, kind, column, sibling.name, missing))
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

    @staticmethod
    def load(conn: Connection, spec: DestinationSpec, *, partial: bool) -> CompanyLinks | None:
        """The links that the destination has sent; None where it does not remove old ones."""
        return None if spec.company_link == "add" else CompanyLinks(read_sent_links(conn, spec.name), partial=partial)

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


@dataclass(frozen=True, slots=True)
class StoredIds:
    """Custify's own ids that were looked up before, stored in the state database."""

    database: Database
    credential: str
    clock: Clock

    def get(self, lookup: Lookup) -> str | None:
        with self.database.read() as conn:
            return resources.known_id(conn, self.credential, lookup.kind, lookup.by, lookup.value)

    def put(self, found: Mapping[Lookup, str]) -> None:
        at = iso(self.clock.now())
        with self.database.begin() as conn:
            for lookup, remote in found.items():
                resources.store_id(conn, self.credential, (lookup.kind, lookup.by, lookup.value), remote, at)

    def forget(self, lookup: Lookup) -> None:
        with self.database.begin() as conn:
            resources.forget_id(conn, self.credential, lookup.kind, lookup.by, lookup.value)


@dataclass(frozen=True, slots=True)
class StoredNotes:
    """The notes that one credential has delivered, stored in the state database."""

    database: Database
    credential: str

    def of_entity(self, entity: str) -> list[SentNote]:
        with self.database.read() as conn:
            return sent_notes_of(conn, self.credential, entity)

    def newest(self, besides: Collection[str]) -> SentNote | None:
        with self.database.read() as conn:
            return newest_sent_note(conn, self.credential, besides)
