"""`Settling`: reads back the unknown records of a destination, and has those sent again that did not arrive.

Before a run sends, it settles what earlier runs left; after its last request, what itself could not know. A record that
was found is remembered as sent. One that is not there is marked `absent`: it is sent again, as its newest version where
the input has it, else from the quarantine. Whatever ends the process meanwhile, the next run continues from the marks
and intents that are stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from sqlalchemy import Connection

from penstock.delivery.reader import ReadRefusedError
from penstock.delivery.settle import ReadBackFinding, SentRecord
from penstock.model.outcome import Outcome
from penstock.model.record import Key
from penstock.run.diff.backlog import SENT_AGAIN_FROM
from penstock.run.diff.decision import STILL
from penstock.run.diff.diff import FOUND, OTHER_CONTENT, SAME_INPUT, other_content
from penstock.run.diff.known_records import QuarantineIndex
from penstock.run.preparation.datasets import resent_record
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.recorder import Recorder
from penstock.run.settling.sent_records import (
    EDITED,
    SettlePlan,
    found_note,
    is_due,
    plan_of,
    rendered_again,
    sent_object,
    sent_record,
)
from penstock.run.settling.settle_counts import SettleCounts
from penstock.run.stop import Stopped, StopSignal
from penstock.store import unknown_records
from penstock.store.memory import Memory, key_hashes
from penstock.store.quarantine import Mark, QuarantineRow
from penstock.store.runs import ledger
from penstock.store.runs.deliveries import refusal_json
from penstock.store.runs.ledger import LedgerEntry, OutcomeChange, RecordOfBatch
from penstock.store.sent_notes import add_sent_notes
from penstock.store.unknown_records import NewFinding

SettleMode = Literal["off", "automatic", "only"]  # only: the run sends nothing else

Send = Callable[[Sequence[QuarantineRow]], Awaitable[None]]

SENDING, READING = "sending", "finding out what became of records without an answer"
ROUNDS = 3  # of one run: records that are sent again may be lost again
AGAIN = "sent again: the same request a second time changes nothing"
NOT_STORED = "it is not there; its record was not stored, so the next run that reads it sends it"
NEWER = "a newer version was sent since: resend it only if what it has is missing"
STILL_THERE = STILL.format("")
SENT_SINCE = "an unfinished run was sending it again: that run finds out when it is continued"


class Reader(Protocol):
    """Reads back from the API: `ReadBack`."""

    async def findings(self, records: Sequence[SentRecord]) -> dict[str, ReadBackFinding]: ...


@dataclass(slots=True)
class Settling:
    """The unknown records of one run's destination. `index` is the classifier's view of the quarantine."""

    prepared: Prepared
    recorder: Recorder
    reader: Reader
    signal: StopSignal
    index: QuarantineIndex
    memory: Memory | None
    mode: SettleMode
    in_flight: frozenset[Key | None] = frozenset()  # of the intents that an unfinished run left: it settles them itself
    next_ordinal: int = SENT_AGAIN_FROM
    counts: SettleCounts = field(default_factory=SettleCounts)
    _has_absent: bool = False
    phase: str = SENDING  # what the run does now, for its progress

    async def before(self, send_again: Send) -> None:
        """Settle what earlier runs left. What is not there may be sent from now on; parts of an object, at once."""
        self._settle_rows(self._unknown_records())  # of an earlier process of this run, settled before it continues
        self._hold_fixed()
        if self.mode == "off" or self._is_impossible():
            return
        for page in self._pages():
            if self.signal.is_set:
                return
            now = self.recorder.context.clock.now()
            rows = [row for row in page if self.mode == "only" or is_due(row, now)]
            for row, finding in await self._findings(rows, self.in_flight):
                if finding.state == "arrived" and self._found_before(row, finding):
                    self.counts.found += 1
                elif finding.state == "not there":
                    self._mark(row, "absent", finding)
                    self.counts.absent += 1
                else:
                    self._mark(row, None, finding)
                    self.counts.undecided += 1
            await self.recorder.commits.durable()
        if self._is_merged:
            await self._send_again(set(), send_again)

    def _hold_fixed(self) -> None:
        """Until a record that a person fixed is sent again, it counts as unknown: the source's version is not sent."""
        for page in self._pages(mark="absent"):
            for row in page:
                if resent_record(row).is_fixed:
                    self.index.mark(row.key_hash, row.record_print, None)

    async def after(self, send_again: Send) -> None:
        """Settle what this run could not know, and send again what is not there, until nothing is lost any more."""
        if self.mode == "off" or self._has_nothing_to_settle():
            return
        await self.recorder.commits.durable()
        if self._is_impossible():
            return
        settled: set[tuple[str, str | None]] = set()
        lost_again: set[str] = set()
        for _ in range(ROUNDS):
            await self.recorder.commits.durable()
            if self.signal.is_set:
                break
            await self._settle_own(settled)
            sent = await self._send_again(lost_again, send_again)
            await self.recorder.commits.durable()
            self._settle_rows({n: each for n, each in self._unknown_records().items() if _is_still_unknown(each)})
            if not sent:
                break
        self._count_undecided()

    # ── inside ───────────────────────────────────────────────────────────────

    @property
    def _is_merged(self) -> bool:
        """Whether a record may be a part of its object, so that an older one must not follow a newer one."""
        return self.prepared.policy.versions == "merge"

    def _has_nothing_to_settle(self) -> bool:
        """Whether this run has no unknown record and nothing to send again."""
        nothing_unknown = self.recorder.commits.snapshot().counts.unknown == 0
        return nothing_unknown and not self._has_absent and self.mode == "automatic"

    def _is_impossible(self) -> bool:
        """Whether none of them can be settled, in a run that has other things to do; then each has the reason."""
        plan, name = plan_of(self.prepared), self.prepared.spec.name
        if self.mode == "only" or plan.kind is not None or plan.repeatable:
            return False
        with self._read() as conn:
            number = unknown_records.number(conn, name)
        if number:
            self.recorder.commits.write(lambda conn: unknown_records.store_reason(conn, name, plan.why))
        return True

    def _pages(self, *, run: str | None = None, mark: Mark | None = None) -> Iterator[list[QuarantineRow]]:
        """The unknown records: all, those of a run, or those with a mark. Each page is read when it is needed."""
        name, last = self.prepared.spec.name, 0
        while True:
            with self._read() as conn:
                rows = unknown_records.page(conn, name, run=run, mark=mark, after=last)
            if not rows:
                return
            last = rows[-1].number
            yield rows

    def _unknown_records(self) -> dict[int, RecordOfBatch]:
        """The records of this run whose outcome is unknown, by ordinal, as of the last commit."""
        if self.recorder.run.counts.unknown == 0:
            return {}
        with self._read() as conn:
            return ledger.unknown_records(conn, self.recorder.run.id)

    def _read(self) -> AbstractContextManager[Connection]:
        return self.recorder.context.database.read()

    async def _findings(
        self, rows: Sequence[QuarantineRow], in_flight: frozenset[Key | None] = frozenset()
    ) -> list[tuple[QuarantineRow, ReadBackFinding]]:
        """What reading back says about each of the records; nothing when the run stops meanwhile."""
        plan = plan_of(self.prepared)
        found: dict[str, ReadBackFinding] = {}
        readable: list[SentRecord] = []
        for row in rows:
            sent_since = ReadBackFinding("cannot tell", SENT_SINCE) if row.key in in_flight else None
            known = self._known_finding(row, plan) if sent_since is None else sent_since
            if isinstance(known, SentRecord):
                readable.append(known)
            else:
                found[row.id] = known
        if readable:
            self.phase = READING
            try:
                found |= await self.reader.findings(readable)
            except Stopped:
                return []
            except ReadRefusedError as refused:
                self.signal.stop("credential", refused.lost.reason)
                return []
            finally:
                self.phase = SENDING
        return [(row, found[row.id]) for row in rows if row.id in found]

    def _known_finding(self, row: QuarantineRow, plan: SettlePlan) -> ReadBackFinding | SentRecord:
        """The finding where none has to be read; else what to read back."""
        if row.edited:
            return ReadBackFinding("cannot tell", EDITED)
        if row.mark == "found":
            return ReadBackFinding("arrived", row.finding or FOUND)
        if plan.kind is None:
            return ReadBackFinding("not there", AGAIN) if plan.repeatable else ReadBackFinding("cannot tell", plan.why)
        sent = sent_record(self.prepared, plan, row)
        return ReadBackFinding("cannot tell", sent) if isinstance(sent, str) else sent

    def _mark(self, row: QuarantineRow, mark: Mark | None, finding: ReadBackFinding) -> None:
        self._has_absent |= mark == "absent"
        now = self.recorder.context.now()
        reason = NOT_STORED if mark == "absent" and row.record_print == 0 else finding.reason
        self.recorder.commits.write(
            lambda conn: unknown_records.store_findings(conn, [NewFinding(row.id, mark, reason, now)])
        )
        self.index.mark(row.key_hash, row.record_print, mark)
        self._replace_version(row, undo=mark is None)

    def _remember(self, row: QuarantineRow, finding: ReadBackFinding) -> bool:
        """Remember a record as sent; False if what was sent is not known."""
        note = None if row.mark == "found" else found_note(self.prepared, row, finding.remote_id)
        if note is not None:
            self.recorder.commits.write(lambda conn: add_sent_notes(conn, [note]))
        memory = self.memory
        if memory is None:
            return True
        content = row.content
        if content is None:  # written by 0.1.0 about a process that died
            payload = rendered_again(self.prepared, row)
            content = None if payload is None else payload.content
        if content is None or row.key is None:
            return False
        hashes = np.array([row.key_hash], dtype=np.uint64)
        contents = np.array([content], dtype=np.uint64)
        self.recorder.commits.write(lambda conn: memory.remember(conn, hashes, contents, np.zeros(1, dtype=np.uint64)))
        unchanged = self.recorder.context.unchanged
        sent = None if unchanged is None or row.mark == "found" else sent_object(self.prepared, row)
        if unchanged is not None and sent is not None:
            unchanged.arrived(row.key_hash, sent, self.recorder.commits.write)
        return True

    def _release(self, row: QuarantineRow) -> None:
        run, resent, now = self.recorder.run.id, resent_record(row), self.recorder.context.now()
        self.recorder.commits.write(lambda conn: unknown_records.release_resent(conn, run, [resent], now))
        self.index.release(row.key_hash, row.record_print)
        self._replace_version(row)

    def _replace_version(self, row: QuarantineRow, *, undo: bool = False) -> None:
        """Do not send the source's version of a record that was fixed: the fixed one arrived, or is sent again."""
        if resent_record(row).is_fixed:
            self.index.discard(row.key_hash, row.record_print, undo=undo)

    def _found_before(self, row: QuarantineRow, finding: ReadBackFinding) -> bool:
        """An earlier run's record arrived: this run counts it as unchanged when it reads it; False: not settled."""
        if not self._remember(row, finding):
            return False
        if row.run == self.recorder.run.id and row.ordinal in self._unknown_records():  # it has counted it already
            self._change(row.ordinal, OutcomeChange(Outcome.DELIVERED, finding.reason))
            self._release(row)
        elif self.memory is not None or self.mode == "only" or resent_record(row).is_fixed:
            self._release(row)
        else:  # nothing is remembered in this mode: the entry itself says so until the run has ended
            self._mark(row, "found", finding)
        if self.mode == "only":
            self._decide(row.key, Outcome.UNCHANGED, finding.reason)
        return True

    def _decide(self, key: Key | None, outcome: Outcome, reason: str) -> None:
        """The outcome of a record that this run does not read from its input."""
        now = self.recorder.context.now()
        self.recorder.decide(LedgerEntry(outcome, [self.next_ordinal], now, keys=[key], reason=reason))
        self.next_ordinal += 1

    async def _settle_own(self, settled: set[tuple[str, str | None]]) -> None:
        """Settle the unknown records of this run, each send once."""
        run, unknown = self.recorder.run.id, self._unknown_records()
        for page in self._pages(run=run) if unknown else ():
            rows = [row for row in page if row.mark is None and row.ordinal in unknown]
            rows = [row for row in rows if (row.id, row.sent_at) not in settled]
            settled |= {(row.id, row.sent_at) for row in rows}
            for row, finding in await self._findings(rows):
                assert row.ordinal is not None
                if finding.state == "arrived" and self._remember(row, finding):
                    self._change(row.ordinal, OutcomeChange(Outcome.DELIVERED, finding.reason))
                    self._release(row)
                else:
                    self._mark(row, "absent" if finding.state == "not there" else None, finding)
            await self.recorder.commits.durable()

    def _change(self, ordinal: int, change: OutcomeChange) -> None:
        """Give a record of this run whose outcome is unknown its final one."""
        pending = self.recorder.commits.pending
        pending.counts.update({Outcome.UNKNOWN: -1, change.outcome: 1})
        pending.settled[ordinal] = change

    async def _send_again(self, lost_again: set[str], send: Send) -> bool:
        """Send what did not arrive again, one record first: if no answer comes to it, the others wait.

        Returns whether something was sent. Those lost again that cannot be read back are added to `lost_again`.
        """
        sent, size = False, 1
        for page in self._pages(mark="absent") if self._has_absent else ():
            rows = [row for row in page if row.record_print != 0 and row.id not in lost_again]
            rows = [row for row in rows if not (self._has_newer(row) or self._is_refused(row))]
            if self.prepared.policy.once_per_key:
                rows = list({row.key_hash: row for row in reversed(rows)}.values())[::-1]  # the oldest of each key
            while rows and not self.signal.is_set:
                some, rows, size = rows[:size], rows[size:], unknown_records.PAGE
                sent = True
                await send(some)
                await self.recorder.commits.durable()
                with self._read() as conn:
                    lost = {row.id for row in some} & unknown_records.ids(conn, self.prepared.spec.name)
                if lost:
                    lost_again |= lost if plan_of(self.prepared).kind is None else set()
                    return sent
        return sent

    def _has_newer(self, row: QuarantineRow) -> bool:
        """Whether a newer part of its object was sent since: then the older one is left to a person."""
        if not self._is_merged or self.memory is None:
            return False
        is_known = bool(self.memory.knows(np.array([row.key_hash], dtype=np.uint64))[0])  # an unknown key is forgotten
        if is_known:
            self._mark(row, None, ReadBackFinding("cannot tell", NEWER))
        return is_known

    def originals(self, rows: Sequence[QuarantineRow]) -> list[int | None]:
        """For records that are sent again: the ordinals under which this run counts them as unknown now."""
        unknown = self._unknown_records()
        own = [row.ordinal if row.run == self.recorder.run.id and row.ordinal in unknown else None for row in rows]
        taken = set(own)
        by_key = {each.key: ordinal for ordinal, each in reversed(unknown.items()) if ordinal not in taken}
        return [by_key.pop(row.key, None) if mine is None else mine for row, mine in zip(rows, own, strict=True)]

    def _settle_rows(self, unknown: Mapping[int, RecordOfBatch]) -> None:
        """Those whose key is in quarantine no more, or is there with another record as this arrived, are unchanged."""
        if not unknown:
            return
        with self._read() as conn:
            left = unknown_records.keys_in_quarantine(conn, self.prepared.spec.name)
        for ordinal, record in unknown.items():
            if record.key not in left or self._is_sent_once(record.key):
                self._change(ordinal, OutcomeChange(Outcome.UNCHANGED, SAME_INPUT))

    def _is_sent_once(self, key: Key | None) -> bool:
        """Whether it is known that the key was sent, where each key is sent once."""
        memory = self.memory if self.prepared.policy.once_per_key else None
        return memory is not None and key is not None and bool(memory.knows(key_hashes([key]))[0])

    def _is_refused(self, row: QuarantineRow) -> bool:
        """Whether other content of its key was sent, where each key is sent once: then it is as if it came later."""
        if not self._is_sent_once(row.key):
            return False
        write, refusal = self.recorder.commits.write, other_content()
        if self.prepared.policy.ignore_changed:
            change, version = OutcomeChange(Outcome.UNCHANGED, OTHER_CONTENT), (row.key_hash, row.record_print)
            write(lambda conn: unknown_records.release_version(conn, self.prepared.spec.name, *version))
        else:
            change = OutcomeChange(Outcome.QUARANTINED, refusal.reason, refusal=refusal_json(refusal))
            write(lambda conn: unknown_records.refuse_absent(conn, row.id, refusal))
        if row.run == self.recorder.run.id and row.ordinal in self._unknown_records():
            self._change(row.ordinal, change)
        elif self.mode == "only":
            self._decide(row.key, change.outcome, str(change.reason))
        return True

    def _count_undecided(self) -> None:
        """With `only`: the outcome of the records that were neither found nor sent again."""
        for page in self._pages() if self.mode == "only" else ():
            for row in page:
                if row.run != self.recorder.run.id:
                    self._decide(row.key, Outcome.UNKNOWN, row.finding or row.reason)


def _is_still_unknown(record: RecordOfBatch) -> bool:
    """Whether a record was not sent because its key was unknown before."""
    return (record.end.reason or "").startswith(STILL_THERE)
