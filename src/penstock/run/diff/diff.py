"""What of a chunk has to be sent, and why the rest has not: one answer for plan and run (and preview, without memory).

The questions in their order; each is for the rows that the previous one left undecided:

0. does the dataset's SQL say that the row makes no record?
   And was a newer version of its key sent by another run, since this one was read?
1. does the row have a key, and does it fit its columns? (the kernel refuses it otherwise)
2. does the chunk have several versions of its key? (where a record is a whole row, only the newest counts)
3. is the key's input the same as when it was last sent? (a vectorised fingerprint: no rendering)
4. is this very version in quarantine, or discarded by a person?
5. rendered: where each key is sent once, may another version of its key have been sent, without an answer?
6. with the other versions of its key as one payload: would the request differ from what was last sent?
7. is its parent there?
8. may it have been sent already, by a state that was lost?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import NO_RECORD, Chunk, Key, Payload, Rendered, gone_columns
from penstock.render.compile import FormerRendering
from penstock.render.merger import Merger
from penstock.render.values.columns import rows_of_another_form
from penstock.run.diff.backlog import OpenChunk
from penstock.run.diff.decision import STILL, Decision
from penstock.run.diff.known_records import CompanyLinks
from penstock.run.diff.policy import Policy
from penstock.run.diff.protocols import Parents, Quarantined, Remembered, Superseding, Unknown
from penstock.run.diff.records import (
    IS_NO_RECORD,
    NoteCounts,
    Rows,
    fold_prints,
    key_groups,
    left_out,
    record_hash,
    without_record,
)
from penstock.run.diff.unknown_versions import MAY_BE_SENT, ONCE
from penstock.store.memory import key_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUPERSEDED = "superseded: a later row has the same key (not sent)"
OUTDATED = "superseded: its key was sent with other content since"
SUPERSEDED_LIVE = "superseded: a newer version was sent or queued by a live run since this one was read (not sent)"
NO_RECORD_REASON = "no record: "
SAME_INPUT = "the same as when it was last sent"
DISCARDED = "a person discarded this version, or fixed it"
FOUND = "found in Custify: it arrived when it was sent before"
OTHER_CONTENT = "key already sent with other content"
LACKS = "key already sent; a column is gone, so that the contents cannot be compared"
IGNORED = frozenset((MAY_BE_SENT, OTHER_CONTENT, LACKS))  # reasons why another version of a key counts as unchanged


@dataclass(slots=True)
class Classified:
    """A classified chunk: every row is in exactly one of the first four."""

    fresh: list[Payload] = field(default_factory=list)
    same_as_in_flight: list[Payload] = field(default_factory=list)  # they get the outcome of what is in flight
    decided: list[Decision] = field(default_factory=list)
    unchanged: list[tuple[NDArray[np.int64], str]] = field(default_factory=list)  # rows (not ordinals), reason
    refreshed: list[Payload] = field(default_factory=list)  # unchanged content under a new fingerprint
    notes: NoteCounts = field(default_factory=Counter)
    groups: list[Rows] = field(default_factory=list)  # the rows of each key that has several of them
    changed: int = 0  # records to be sent whose key was sent before with other content


@dataclass(frozen=True, slots=True)
class Classifier:
    policy: Policy
    render: Callable[[Chunk, Sequence[int] | None], Rendered]
    memory: Remembered | None = None
    quarantine: Quarantined | None = None
    unknown: Unknown | None = None
    parents: Parents | None = None
    doubt: Refusal | None = None  # why nothing may be sent that was not known to be unsent before
    merger: Merger | None = None  # where `versions` is "merge"
    links: CompanyLinks | None = None  # with `company_link: replace`
    former: FormerRendering | None = None  # how an earlier release rendered the same settings
    table: bool = False  # whether every record has every column
    again: bool = False  # sends what was sent last again, and nothing else
    finish: Callable[[OpenChunk, Payload], Payload] | None = None  # of a mirror: the last change of what is sent
    newer: Superseding | None = None  # of a backfill that gave way to other runs

    def classify(self, chunk: OpenChunk) -> Classified:
        """Classify the open rows of the chunk."""
        classified = Classified()
        rows = self._making_records(chunk, classified)
        if self.newer is not None:
            rows = self._not_superseded(self.newer, chunk, rows, classified)
        rows, groups = self._versions(chunk, rows, classified)
        if self.memory is not None and self.policy.compares and not self.again:
            rows = self._same_input(chunk, rows, classified, groups)
        if self.quarantine is not None:
            rows = self._in_quarantine(chunk, rows, classified)
        if len(rows):
            rendered = self._without_unknown(chunk, self._rendered(chunk, rows, classified), classified)
            self._compare(chunk, self._merged(chunk, rendered, groups), classified)
        if self.doubt is not None:
            self._withhold(self.doubt, classified)
        if self.links is not None:
            classified.fresh = [self.links.replaced(chunk, payload) for payload in classified.fresh]
        if self.finish is not None:
            classified.fresh = [self.finish(chunk, payload) for payload in classified.fresh]
        return classified

    def sent_contents(self, chunk: OpenChunk, payloads: Sequence[Payload]) -> list[int | None]:
        """The content hash that was last sent of each payload's key, as the present release makes it."""
        assert self.memory is not None
        before = self.memory.contents(chunk.hashes[[payload.ordinal - chunk.first for payload in payloads]])
        self._in_former_form(chunk, payloads, before)
        return before

    @staticmethod
    def _withhold(doubt: Refusal, classified: Classified) -> None:
        """Sends nothing: whether it was sent already is unknown."""
        classified.decided += [
            Decision(ordinal, payload.key, Outcome.UNKNOWN, doubt.reason, doubt, content=payload.content)
            for payload in classified.fresh
            for ordinal in payload.ordinals
        ]
        classified.fresh = []

    @staticmethod
    def _making_records(chunk: OpenChunk, classified: Classified) -> Rows:
        """The open rows that make a record; the others have nothing to send, and a note counts them."""
        rows = chunk.rows
        for reason, some in without_record(chunk.chunk, rows).items():
            classified.unchanged.append((some, f"{NO_RECORD_REASON}{reason}"))
            classified.notes[NO_RECORD, IS_NO_RECORD, reason] += len(some)
            rows = rows[~np.isin(rows, some)]
        return rows

    @staticmethod
    def _not_superseded(newer: Superseding, chunk: OpenChunk, rows: Rows, classified: Classified) -> Rows:
        """The rows of keys that no other run has sent since; a note counts the others."""
        rows, gone = _split(rows, ~newer.exist(chunk.hashes[rows]))
        if len(gone):
            classified.unchanged.append((gone, SUPERSEDED_LIVE))
            classified.notes["records", "not sent", SUPERSEDED_LIVE] += len(gone)
        return rows

    def _versions(self, chunk: OpenChunk, rows: Rows, classified: Classified) -> tuple[Rows, list[Rows]]:
        """The rows to classify, and those among them that are versions of one key and classified together."""
        groups = classified.groups = key_groups(chunk.hashes, rows)
        if groups and self.policy.versions == "newest":
            older = np.concatenate([group[:-1] for group in groups])
            classified.unchanged.append((np.sort(older), SUPERSEDED))
            return rows[~np.isin(rows, older)], []
        if self.policy.once_per_key:
            return rows, []  # each row is compared by itself
        if groups and chunk.prints is not None:
            fold_prints(chunk.prints, groups, frozenset(chunk.chunk.misfits))
        return rows, groups

    def _rendered(self, chunk: OpenChunk, rows: Rows, classified: Classified) -> Sequence[Payload]:
        """The payloads of these rows; what is refused is quarantined."""
        whole = len(rows) == chunk.chunk.records.num_rows
        rendered = self.render(chunk.chunk, None if whole else rows.tolist())
        classified.notes.update(rendered.notes)
        classified.notes.update(left_out(chunk.chunk, rows))
        classified.decided += [
            Decision(refused.ordinal, refused.key, Outcome.QUARANTINED, refused.refusal.reason, refused.refusal)
            for refused in rendered.refused
        ]
        return rendered.payloads

    def _without_unknown(
        self, chunk: OpenChunk, payloads: Sequence[Payload], classified: Classified
    ) -> Sequence[Payload]:
        """Without those whose key may have been sent, or is sent by the same resend, where each key is sent once."""
        if self.unknown is None or self.again or not self.policy.once_per_key:
            return payloads
        ready, decided = self.unknown.decide(chunk, payloads)
        classified.decided += decided
        return ready

    def _merged(self, chunk: OpenChunk, payloads: Sequence[Payload], groups: Sequence[Rows]) -> Sequence[Payload]:
        """The versions of a key as one payload, where there are several and one request can carry them all."""
        if not groups:
            return payloads
        rendered = {payload.ordinal - chunk.first: payload for payload in payloads}
        for group in groups:
            mine = [rendered[row] for row in group.tolist() if row in rendered]
            if len(mine) < len(group) and chunk.prints is not None:
                chunk.prints[group] = 0  # a part stays behind: the others are not all of this input
            if len(mine) > 1 and self.merger is not None:
                for payload in mine:
                    del rendered[payload.ordinal - chunk.first]
                rendered |= {payload.ordinal - chunk.first: payload for payload in self.merger.merge(mine)}
        return [rendered[row] for row in sorted(rendered)]

    def _same_input(self, chunk: OpenChunk, rows: Rows, classified: Classified, groups: Sequence[Rows]) -> Rows:
        assert self.memory is not None
        assert chunk.prints is not None
        if chunk.chunk.misfits:
            rows, misfits = _split(rows, ~np.isin(rows, list(chunk.chunk.misfits)))
        else:
            misfits = rows[:0]
        same = self.memory.same_input(chunk.hashes[rows], chunk.prints[rows])
        for group in groups if same.any() else ():  # its last row has the fingerprint of all of them
            places = np.searchsorted(rows, group)
            if len(rows) > places[-1] and rows[places[-1]] == group[-1] and same[places[-1]]:
                same[places] = True
        if same.any():
            classified.unchanged.append((rows[same], SAME_INPUT))
            rows = rows[~same]
        return np.sort(np.concatenate([rows, misfits])) if len(misfits) else rows

    def _in_quarantine(self, chunk: OpenChunk, rows: NDArray[np.int64], classified: Classified) -> NDArray[np.int64]:
        assert self.quarantine is not None
        if not len(rows):
            return rows
        open_rows = np.ones(len(rows), dtype=bool)
        for index in self.quarantine.rows_of_interest(chunk.hashes[rows]):
            decision = self._known_version(chunk, int(rows[index]))
            if decision is not None:
                classified.decided.append(decision)
                open_rows[index] = False
        return rows[open_rows]

    def _known_version(self, chunk: OpenChunk, row: int) -> Decision | None:
        assert self.quarantine is not None
        key_hash = (int(chunk.hashes[row, 0]), int(chunk.hashes[row, 1]))
        record = record_hash(chunk.json(row))
        ordinal = chunk.first + row
        if self.quarantine.discarded(key_hash, record):
            return Decision(ordinal, chunk.keys[row], Outcome.UNCHANGED, DISCARDED, is_new=False)
        found = self.quarantine.find(key_hash, record)
        if found is None or found.mark == "absent":  # it did not arrive: it is sent again
            return None
        if found.mark == "found":
            return Decision(ordinal, chunk.keys[row], Outcome.UNCHANGED, FOUND, is_new=False)
        if found.outcome is Outcome.WAITING:
            return None  # decided again: what it waits for may be there now
        if found.outcome is Outcome.QUARANTINED and found.settings != self.policy.settings:
            return None
        reason = STILL.format(found.reason)
        return Decision(ordinal, chunk.keys[row], found.outcome, reason, is_new=False, refused_before=found.refusal)

    def _compare(self, chunk: OpenChunk, payloads: Sequence[Payload], classified: Classified) -> None:
        """Which payloads go: those that differ from what was sent last, and do not wait for a parent."""
        if self.memory is None or not self.policy.compares:
            for payload in payloads:
                classified.fresh.extend(self._with_parents(chunk, payload, classified))
            return
        lacks = self.table and bool(gone_columns(chunk.chunk))
        hashes = chunk.hashes[[payload.ordinal - chunk.first for payload in payloads]]
        before, in_flight = self.sent_contents(chunk, payloads), self.memory.is_in_flight(hashes).tolist()
        latest: dict[Key, int] = {}  # of the payloads of this chunk that go
        for number, payload in enumerate(payloads):
            if self.again:
                self._once_more(payload, before[number], classified)
                continue
            known = latest.get(payload.key, before[number])
            if known == payload.content and (in_flight[number] or payload.key in latest):
                classified.same_as_in_flight.append(payload)
                continue
            decision = self._against_memory(payload, known, classified, lacks=lacks)
            if decision is not None:
                classified.decided += [decision._replace(ordinal=ordinal) for ordinal in payload.ordinals]
                continue
            for ready in self._with_parents(chunk, payload, classified):
                latest[ready.key] = ready.content
                classified.fresh.append(ready)

    @staticmethod
    def _once_more(payload: Payload, known: int | None, classified: Classified) -> None:
        """Send it if it is what was sent last: other content is a newer version, which a run sends."""
        if known == payload.content:
            classified.fresh.append(payload)
            return
        classified.decided += [
            Decision(ordinal, payload.key, Outcome.UNCHANGED, OUTDATED, is_new=False) for ordinal in payload.ordinals
        ]

    def _in_former_form(self, chunk: OpenChunk, payloads: Sequence[Payload], before: list[int | None]) -> None:
        """A content of `before` that is the payload's own in the form of an earlier release counts as the payload's."""
        others = self._had_other_bytes(chunk, payloads, before)
        if self.former is None or not others:
            return
        rows = sorted(ordinal - chunk.first for number in others for ordinal in payloads[number].ordinals)
        made = {payload.ordinal: payload for payload in self.former.renderer.render(chunk.chunk, rows).payloads}
        for number in others:
            parts = [made[ordinal] for ordinal in payloads[number].ordinals if ordinal in made]
            whole = parts if self.former.merger is None or len(parts) < 2 else self.former.merger.merge(parts)
            if before[number] is None and self.memory is not None and len(whole) == 1:
                (before[number],) = self.memory.contents(key_hashes([whole[0].key]))
            if [payload.content for payload in whole] == [before[number]]:
                before[number] = payloads[number].content

    def _had_other_bytes(
        self, chunk: OpenChunk, payloads: Sequence[Payload], before: Sequence[int | None]
    ) -> list[int]:
        """The numbers of the payloads that an earlier release may have sent with other bytes, or under another key."""
        differ = [n for n, payload in enumerate(payloads) if before[n] != payload.content]
        if self.former is None or not differ:
            return []
        odd = rows_of_another_form(chunk.chunk, self.former.texts)
        sent = {n for n in differ if before[n] is not None} if self.former.always else set[int]()
        if odd:
            first = chunk.first
            sent |= {n for n in differ if not odd.isdisjoint(row - first for row in payloads[n].ordinals)}
        return sorted(sent)

    def _with_parents(self, chunk: OpenChunk, payload: Payload, classified: Classified) -> Sequence[Payload]:
        """The payload, or what is left of it when some of its records wait for their parents."""
        if self.parents is None:
            return (payload,)
        refusals = {
            ordinal: refusal
            for ordinal in payload.ordinals
            if (refusal := self.parents.missing(chunk.chunk, ordinal - chunk.first)) is not None
        }
        if not refusals:
            return (payload,)
        for ordinal, missing in refusals.items():
            classified.decided.append(Decision(ordinal, payload.key, Outcome.WAITING, missing.reason, missing))
        ready = [ordinal - chunk.first for ordinal in payload.ordinals if ordinal not in refusals]
        if not ready:
            return ()
        if chunk.prints is not None:
            chunk.prints[[ordinal - chunk.first for ordinal in payload.ordinals]] = 0
        parts = self.render(chunk.chunk, ready).payloads  # already rendered without a refusal
        return parts if self.merger is None else self.merger.merge(parts)

    def _against_memory(
        self, payload: Payload, known: int | None, classified: Classified, *, lacks: bool
    ) -> Decision | None:
        """The decision when the key was sent before; None when this content has to go. `lacks`: a column is gone."""
        if known is None:
            return None
        if known == payload.content:
            classified.refreshed.append(payload)
            return Decision(payload.ordinal, payload.key, Outcome.UNCHANGED, SAME_INPUT, is_new=False)
        if not self.policy.once_per_key:
            classified.changed += len(payload.ordinals)
            return None
        if lacks:
            return Decision(payload.ordinal, payload.key, Outcome.UNCHANGED, LACKS, is_new=False)
        if self.policy.ignore_changed:
            return Decision(payload.ordinal, payload.key, Outcome.UNCHANGED, OTHER_CONTENT, is_new=False)
        refusal = other_content()
        return Decision(payload.ordinal, payload.key, Outcome.QUARANTINED, refusal.reason, refusal)


def other_content() -> Refusal:
    """Why a record is not sent whose key was sent before, where each key is sent once."""
    return Refusal(
        rule="key already sent",
        reason=f"{OTHER_CONTENT}; {ONCE}",
        accepted="another key, or `on_changed: ignore` if later versions do not matter",
    )


def _split(
    rows: NDArray[np.int64],
    mask: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return rows[mask], rows[~mask]
