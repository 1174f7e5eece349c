"""`UnknownVersions`: where each key is sent once, what is not sent because another version of its key may have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload
from penstock.run.diff.backlog import SENT_AGAIN_FROM, OpenChunk
from penstock.run.diff.decision import STILL, Decision
from penstock.run.diff.known_records import QuarantineIndex
from penstock.run.diff.protocols import KEY_MAY_BE_SENT
from penstock.store.quarantine import KeyHash
from penstock.store.unknown_records import ResentRecord

MAY_BE_SENT = "key may already be sent with other content"
RESENT_BEFORE = "another record of its key was resent before it"
ONCE = "each key is sent once in mode new"


@dataclass(frozen=True, slots=True)
class UnknownVersions:
    """The versions of keys that are sent once of which it is not known whether they arrived.

    `can_be_settled`: whether `penstock settle` can decide them. `resent` are the records of a resend, by ordinal.
    """

    index: QuarantineIndex
    destination: str
    can_be_settled: bool
    ignore_changed: bool = False
    resent: Mapping[int, ResentRecord] = field(default_factory=dict)
    _first: dict[KeyHash, int] = field(default_factory=dict)  # of a resend: the ordinal that is sent of each key

    def decide(self, chunk: OpenChunk, payloads: Sequence[Payload]) -> tuple[Sequence[Payload], list[Decision]]:
        """The payloads that may be sent, and what is decided about the others. A resend sends the first of each key."""
        rows = [payload.ordinal - chunk.first for payload in payloads]
        in_quarantine = set(self.index.rows_of_interest(chunk.hashes[rows]).tolist())
        if not (self.resent or in_quarantine):
            return payloads, []
        ready, decided = [], []
        for number, payload in enumerate(payloads):
            concerned = number in in_quarantine or payload.ordinal in self.resent
            decision = self._decision(chunk.hash_of(payload.ordinal), payload) if concerned else None
            if decision is None:
                ready.append(payload)
            else:
                decided.append(decision)
        return ready, decided

    def _decision(self, key_hash: KeyHash, payload: Payload) -> Decision | None:
        resent, unknown = self.resent.get(payload.ordinal), self.index.unknown_versions(key_hash)
        own = [one for one in unknown if resent is not None and one.record == resent.version]
        others = [one for one in unknown if one not in own]
        same = [one for one in others if one.content == payload.content]
        is_first = resent is None or self._first.get(key_hash, payload.ordinal) == payload.ordinal
        if is_first and not others:
            if resent is not None:
                self._first[key_hash] = payload.ordinal
            return None
        decided = partial(Decision, payload.ordinal, payload.key)
        for one in (*same, *own):  # an unknown record that is resent stays unknown
            still = STILL.format(one.reason)
            return decided(Outcome.UNKNOWN, still, is_new=False, refused_before=one.refusal)
        if others and self.ignore_changed and resent is None and payload.ordinal < SENT_AGAIN_FROM:
            return decided(Outcome.UNCHANGED, MAY_BE_SENT, is_new=False)
        refusal = self._refusal() if others else _resent_before()
        return decided(Outcome.WAITING, refusal.reason, refusal)

    def _refusal(self) -> Refusal:
        """Why another version of such a key is not sent."""
        person = "a person has settled, resent or discarded"
        decided = f"{person} the unknown record of its key in quarantine"
        if self.can_be_settled:
            command = f"`penstock settle {self.destination}`"
            decided = f"{command} has decided the unknown record of its key, or {person} that one in quarantine"
        return Refusal(
            KEY_MAY_BE_SENT, f"{MAY_BE_SENT}; {ONCE}", accepted=f"the next run decides this record, after {decided}"
        )


def _resent_before() -> Refusal:
    """Why a resend does not send a second record of a key."""
    accepted = "the next run decides this record; resend it alone to send it in any case"
    return Refusal(KEY_MAY_BE_SENT, f"{RESENT_BEFORE}; {ONCE}", accepted=accepted)
