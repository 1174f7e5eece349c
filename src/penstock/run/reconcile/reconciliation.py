"""`compare`: what Custify has against what a destination has sent.

A record counts as sent if its content equals the memory that was loaded before Custify was read: what is sent
meanwhile differs from it and is pending, so that a page which is older than a delivery shows no drift.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from tempfile import TemporaryFile
from typing import IO, Any, Final

from penstock.clock import iso
from penstock.delivery.objects import Object, remote_id
from penstock.model.errors import InputError
from penstock.model.outcome import COUNT_NAMES
from penstock.model.reconciliation import ReconcileReport
from penstock.model.record import Chunk, Key, Payload, RetryClass
from penstock.model.runs import Listener, Progress
from penstock.run.context import Context
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.diff import Classifier
from penstock.run.diff.known_records import QuarantineIndex, StoredIds
from penstock.run.diff.records import chunk_of
from penstock.run.preparation.prepare import Prepared
from penstock.run.reconcile.account_objects import (
    AccountObjects,
    company_ids,
    no_memory,
    read_form,
    read_objects,
    sent_object,
)
from penstock.run.reconcile.comparison import LINK_FIELDS, FieldDifference, differences
from penstock.run.reconcile.found_lists import DifferencesFile, LazyList
from penstock.sources.typing.exact_json import read_record
from penstock.store.memory import Memory
from penstock.store.quarantine import KeyHash
from penstock.templates.catalogue import load_catalogue

RECONCILE: Final = "reconcile"
CHUNK_ROWS = 4096  # as in a run


@dataclass(frozen=True, slots=True)
class RecordAgain:
    """A record to be sent again: its place in the file of records; Custify's id of the object that differs."""

    place: int
    key: Key
    own_id: str | None


@dataclass(slots=True)
class Comparison:
    """What was found. `records` has the records to be sent again, one JSON text a line."""

    report: ReconcileReport
    read_at: str
    again: Sequence[RecordAgain]
    records: IO[bytes]

    @property
    def to_send(self) -> int:
        return len(self.again)

    def parts(self, prepared: Prepared) -> Iterator[tuple[Prepared, Callable[[int], Iterator[Chunk]]]]:
        """What to send again, and how: an object that can only be changed at its own path, and all others."""
        change = _change_of(prepared)
        changed = [each for each in self.again if change is not None and each.own_id is not None]
        others = [each for each in self.again if change is None or each.own_id is None]
        if change is not None and changed:
            shape = replace(prepared.compiled.shape, method=change, retry=RetryClass.IDEMPOTENT)
            own_ids = {each.key: each.own_id for each in changed if each.own_id is not None}
            compiled = replace(prepared.compiled, shape=shape)
            yield replace(prepared, compiled=compiled, own_ids=own_ids), self._chunks(prepared, changed)
        if others:
            yield prepared, self._chunks(prepared, others)

    def _chunks(self, prepared: Prepared, some: Sequence[RecordAgain]) -> Callable[[int], Iterator[Chunk]]:
        """The chunks of these records, whose ordinals begin where the caller says."""

        def chunks(first: int) -> Iterator[Chunk]:
            for at in range(0, len(some), CHUNK_ROWS):
                texts = [self._text(each.place) for each in some[at : at + CHUNK_ROWS]]
                yield replace(chunk_of([read_record(text) for text in texts], prepared.data.schema), first=first + at)

        return chunks

    def _text(self, place: int) -> str:
        self.records.seek(place)
        return self.records.readline().decode()


def _change_of(prepared: Prepared) -> str | None:
    """The method that changes an existing object at its own path; None where it is sent as a new one is."""
    template = load_catalogue().get(prepared.compiled.template or "")
    return None if template is None or template.read is None else template.read.change


# ── comparison ───────────────────────────────────────────────────────────────────────────


def compare(ctx: Context, prepared: Prepared, listener: Listener | None) -> Comparison:
    """Read Custify, and compare it with what the dataset's records render to. Sends nothing.

    Raises InputError, CredentialRefused, HostUnreachable, and KeyboardInterrupt when the caller is stopped.
    """
    name, read_at = prepared.spec.name, iso(ctx.clock.now())
    read_form(ctx, prepared, RECONCILE)
    if not prepared.policy.compares:
        raise InputError(no_memory(ctx, prepared.spec, RECONCILE))
    with ctx.database.read() as conn:
        memory = Memory.load(conn, name, prepared.fingerprints)
        in_quarantine = QuarantineIndex.load(conn, name)
    began = ctx.clock.monotonic()

    def announce(requests: int, seconds: float) -> None:
        if listener is not None:
            time = f"{seconds / 60:,.1f} minutes" if seconds >= 60 else f"{max(1, ceil(seconds))} s"
            number = f"{requests:,} request{'' if requests == 1 else 's'}"
            phase = f"reading what Custify has: about {number} and {time}"
            counts = dict.fromkeys(COUNT_NAMES, 0)
            listener(Progress(name, counts, 0, None, ctx.clock.monotonic() - began, phase=phase))

    objects = read_objects(ctx, prepared, RECONCILE, announce)
    held = frozenset(in_quarantine.undecided_keys())
    return _Comparing(ctx, prepared, objects, memory, held).result(read_at)


class _Companies:
    """Custify's ids of companies → our company_id, read when the first is needed."""

    def __init__(self, ctx: Context, prepared: Prepared) -> None:
        self._ctx, self._prepared = ctx, prepared
        self._names: dict[str, str] | None = None
        self.requests = 0
        self.gap: str | None = None

    def __call__(self, own: str) -> str | None:
        if self._names is None:
            self._names, read = company_ids(self._ctx, self._prepared, RECONCILE)
            self.requests, self.gap = read.requests, read.gap
        return self._names.get(own)


@dataclass(slots=True)
class _Verdicts:
    """The verdict on the newest record of each key, by the key's hash."""

    same: set[KeyHash] = field(default_factory=set)
    pending: dict[KeyHash, Key] = field(default_factory=dict)
    missing: dict[KeyHash, Key] = field(default_factory=dict)
    differs: dict[KeyHash, list[int]] = field(default_factory=dict)  # places in the file of differences
    again: dict[KeyHash, RecordAgain] = field(default_factory=dict)

    def forget(self, key_hash: KeyHash) -> None:
        """An older record of the key counts no longer."""
        self.same.discard(key_hash)
        for verdicts in (self.pending, self.missing, self.differs, self.again):
            verdicts.pop(key_hash, None)


class _Comparing:
    """One comparison. `held` are the hashes of the keys that are in quarantine."""

    def __init__(
        self,
        ctx: Context,
        prepared: Prepared,
        objects: AccountObjects,
        memory: Memory,
        held: frozenset[KeyHash],
    ) -> None:
        self._ctx, self._prepared, self._objects, self._held = ctx, prepared, objects, held
        policy, compiled = replace(prepared.policy, compares=False), prepared.compiled
        self._classifier = Classifier(
            policy, prepared.render, memory, merger=prepared.merger, former=compiled.former, table=False
        )
        self._companies = _Companies(ctx, prepared)
        self._ids = StoredIds(ctx.database, prepared.credential.name, ctx.clock)
        self._apart = frozenset(each.place for each in compiled.unchanged)
        self._matched = bytearray(len(objects))
        self._verdicts = _Verdicts()
        self._kinds: set[str] = set()  # of custom data
        self._refused: set[str] = set()  # keys of records that cannot be rendered
        self._records = TemporaryFile()  # noqa: SIM115 - it ends with the comparison
        self._differences_file = DifferencesFile()

    def result(self, read_at: str) -> Comparison:
        data = self._prepared.data
        for chunk in data.dataset.read(data.schema, rows=CHUNK_ROWS):
            if self._ctx.stopping():
                raise KeyboardInterrupt
            self._add(self._prepared.open_chunk(chunk))
        gap = self._objects.gap is not None or self._companies.gap is not None
        found = self._verdicts
        differs = array("q", (place for places in found.differs.values() for place in places))
        extra = array("q", () if gap else self._extra())
        report = ReconcileReport(
            same=len(found.same),
            differs=LazyList(differs, self._differences_file.read),
            pending=tuple(found.pending.values()),
            missing=() if gap else tuple(found.missing.values()),
            extra=LazyList(extra, self._objects.key_of),
            incomplete=gap,
            requests=self._objects.requests + self._companies.requests,
            differing=len(found.differs),
        )
        again = [each for key, each in found.again.items() if not gap or key not in found.missing]
        return Comparison(report, read_at, again, self._records)

    def _extra(self) -> Iterator[int]:
        """The objects that no record of the dataset makes; of custom data, those of the types that it makes."""
        for number, is_matched in enumerate(self._matched):
            is_ours = not self._kinds or (not is_matched and self._objects[number].get("data_type") in self._kinds)
            if not is_matched and is_ours and self._objects.key_of(number) not in self._refused:
                yield number

    def _add(self, opened: OpenChunk) -> None:
        """The records of one chunk."""
        classified = self._classifier.classify(opened)
        for decision in classified.decided:
            if decision.key is not None:
                self._pending(opened, decision.ordinal, decision.key)
                self._refused.add(decision.key if isinstance(decision.key, str) else decision.key[-1])
        payloads = classified.fresh
        before = self._classifier.sent_contents(opened, payloads) if payloads else []
        for payload, content in zip(payloads, before, strict=True):
            self._compare(opened, payload, is_sent=content == payload.content)

    def _compare(self, opened: OpenChunk, payload: Payload, *, is_sent: bool) -> None:
        sent = self._sent(payload)
        number = self._objects.find(sent)
        if number is not None:
            self._matched[number] = 1
        if self._objects.form.together:
            self._kinds.add(str(sent.get("data_type")))
        key_hash = _hash(opened, payload.ordinal)
        if not is_sent or key_hash in self._held:
            self._pending(opened, payload.ordinal, payload.key)
            return
        self._verdicts.forget(key_hash)
        if number is None:
            self._verdicts.missing[key_hash] = payload.key
            self._send_again(opened, payload, None)
            return
        theirs = self._objects[number]
        found = self._differences(sent, theirs)
        if self._companies.gap is not None:  # a company that was not listed is no difference
            found = [each for each in found if each.field not in LINK_FIELDS]
        if found:
            places = [self._differences_file.add(payload.key, each) for each in found]
            self._verdicts.differs[key_hash] = places
            self._send_again(opened, payload, remote_id(theirs))
        else:
            self._verdicts.same.add(key_hash)

    def _differences(self, sent: dict[str, Any], theirs: Object) -> list[FieldDifference]:
        form = self._objects.form
        compared = {name: value for name, value in sent.items() if not form.together or name not in form.by}
        return differences(compared, theirs, self._companies, self._apart)

    def _pending(self, opened: OpenChunk, ordinal: int, key: Key) -> None:
        key_hash = _hash(opened, ordinal)
        self._verdicts.forget(key_hash)
        self._verdicts.pending[key_hash] = key

    def _send_again(self, opened: OpenChunk, payload: Payload, own_id: str | None) -> None:
        place = self._records.seek(0, 2)
        self._records.write(opened.json(payload.ordinal - opened.first).encode() + b"\n")
        self._verdicts.again[_hash(opened, payload.ordinal)] = RecordAgain(place, payload.key, own_id)

    def _sent(self, payload: Payload) -> dict[str, Any]:
        """The object that a payload writes; without members whose id of Custify was never looked up."""
        sent = dict(sent_object(payload))
        for lookup in payload.lookups:
            own = self._ids.get(lookup)
            if own is None:
                sent.pop(lookup.target, None)
            else:
                sent[lookup.target] = own
        return sent


def _hash(opened: OpenChunk, ordinal: int) -> KeyHash:
    high, low = opened.hashes[ordinal - opened.first]
    return int(high), int(low)
