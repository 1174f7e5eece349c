"""`QuarantineWriter` fills and empties the quarantine of a destination, within the commits of its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from penstock.model.delivery import Delivery, reply_document, request_document
from penstock.model.outcome import IN_QUARANTINE, Outcome, Refusal
from penstock.model.record import Payload
from penstock.run.diff.backlog import SENT_AGAIN_FROM, OpenChunk, Traced
from penstock.run.diff.decision import Decision
from penstock.run.diff.diff import IGNORED
from penstock.run.diff.known_records import ANY_VERSION
from penstock.run.diff.records import record_hash
from penstock.run.recording.commit import RecorderContext, Write
from penstock.store import quarantine, unknown_records
from penstock.store.quarantine import KeyHash, NewQuarantineRow, QuarantinedVersion
from penstock.store.runs import ledger
from penstock.store.runs.deliveries import refusal_json
from penstock.store.unknown_records import ResentRecord

OLDER = -1  # ordinal of a record that is older than all that its run has read


class QuarantineWriter:
    """`keys` are the hashes of the keys that are in quarantine; `write` adds something to the next commit."""

    def __init__(self, context: RecorderContext, run: str, write: Callable[[Write], None], keys: set[KeyHash]) -> None:
        self.keys = keys
        self._context, self._run, self._write = context, run, write
        self._delivered: list[ResentRecord] = []  # whose entries the next commit deletes
        self._newest: dict[KeyHash, int] = {}  # the ordinal of a key's newest record that this run quarantined
        if context.once_per_key:
            with context.database.read() as conn:
                self._newest = unknown_records.newest_ordinals(conn, context.destination, run, SENT_AGAIN_FROM)

    def add_decided(self, chunk: OpenChunk, decisions: Sequence[Decision]) -> None:
        """Put what was decided without a request in quarantine, and release what is not sent because its key was."""
        for decision in decisions:
            key = chunk.hash_of(decision.ordinal)
            if decision.is_new and decision.outcome in IN_QUARANTINE and decision.refusal is not None:
                record = chunk.trace(decision.ordinal)
                self.add(record, decision.outcome, decision.refusal, content=decision.content)
            elif not decision.is_new and decision.outcome in IN_QUARANTINE:
                self.note_newest(key, decision.ordinal)
            elif decision.reason in IGNORED and key in self.keys:
                self._release_version(key, record_hash(chunk.trace(decision.ordinal).record), others=False)

    def add(
        self,
        record: Traced,
        outcome: Outcome,
        refusal: Refusal,
        delivery: Delivery | None = None,
        content: int | None = None,
        intent: ledger.Intent | None = None,
    ) -> None:
        """Put the record in quarantine; `content` is what was, or may have been, sent of it, `intent` its request.

        A record that is resent keeps its entry. A newer record of the key that a run beside this one put there stays,
        unless this one has to be settled.
        """
        part = self._context.partial or (self._context.each_once and outcome is Outcome.UNKNOWN)
        resent = self._context.resent.get(record.ordinal)
        if resent is None and not part and outcome is not Outcome.UNKNOWN and self._has_newer(record):
            return
        request, sent_at = (None, None) if intent is None else (intent.request, intent.at)
        if delivery is not None:
            is_read_back = outcome is Outcome.UNKNOWN and len(delivery.settled) == 1
            request = request_document(delivery.request, whole=is_read_back)
            sent_at = delivery.last_sent_at or delivery.sent_at  # earlier attempts did nothing, or anything
        row = NewQuarantineRow(
            destination=self._context.destination,
            key=record.key,
            key_hash=record.hash,
            outcome=outcome,
            refusal=refusal,
            at=self._context.now(),
            run=self._run,
            record=record.record,
            record_print=record_hash(record.record) if resent is None or resent.is_raw else resent.version,
            settings=self._context.settings,
            content=content,
            part=part,
            request=request,
            reply=None if delivery is None else reply_document(delivery.answer),
            ordinal=None if record.ordinal == OLDER else record.ordinal,
            sent_at=sent_at,
        )
        newest = self._is_of_input(record.ordinal) and self._is_newest(record.hash, record.ordinal)
        self.keys.add(record.hash)
        self.note_newest(record.hash, record.ordinal)
        if self._context.index is not None and record.key is not None:
            why = refusal_json(refusal)
            version = QuarantinedVersion(outcome, row.record_print, row.settings, refusal.reason, why, content=content)
            if self._context.once_per_key:
                self._context.index.add_once(record.hash, version, newest=newest)
            else:
                self._context.index.add(record.hash, version, part=part)
        self._write(lambda conn: self._store(conn, row, resent, newest=newest))

    def _store(self, conn: Connection, row: NewQuarantineRow, resent: ResentRecord | None, *, newest: bool) -> None:
        once = self._context.once_per_key
        if resent is not None and unknown_records.put_back(conn, resent.id, row, resent, once=once):
            return
        if once and row.key is not None:
            unknown_records.add_version(conn, row, newest=newest)
        else:
            quarantine.add(conn, row)

    def entries_of(self, payloads: Sequence[Payload]) -> dict[int, list[str]]:
        """Of the payloads that resend records: ordinal → the ids of these records in quarantine."""
        resent = self._context.resent
        some = {payload.ordinal: [resent[n].id for n in payload.ordinals if n in resent] for payload in payloads}
        return {ordinal: ids for ordinal, ids in some.items() if ids}

    def _is_of_input(self, ordinal: int) -> bool:
        """Whether the run has read this record from its input: the quarantine has no newer one, but of this run."""
        return self._context.index is not None and 0 <= ordinal < SENT_AGAIN_FROM

    def _is_newest(self, hash_: KeyHash, ordinal: int) -> bool:
        """Whether this run has quarantined no newer record of the key."""
        return self._newest.get(hash_, ordinal) <= ordinal

    def _has_newer(self, record: Traced) -> bool:
        """Whether the quarantine has another record of the key, which is not one that this run replaces or releases."""
        index, once = self._context.index, self._context.once_per_key
        if index is None or record.hash in self.keys:
            return False
        return index.has_others(record.hash, ANY_VERSION, besides_unknown=once)

    def note_newest(self, hash_: KeyHash, ordinal: int) -> None:
        """Note that the quarantine has this record of a key: an older one that is delivered does not release it."""
        self._newest[hash_] = max(ordinal, self._newest.get(hash_, ordinal))

    def release_record(
        self, find: Callable[[int], Traced], ordinal: int, hash_: KeyHash, *, is_older: bool = False
    ) -> None:
        """Release the key of a delivered record or, where it may have versions in quarantine, this version alone.

        One that was resent leaves its entry, also if an edit has changed its key.
        """
        resent = None if is_older else self._context.resent.get(ordinal)
        if resent is not None:
            self._delivered.append(resent)
            if len(self._delivered) == 1:
                self._write(self._release_delivered)
        if hash_ in self.keys:
            record: int | None = None
            if self._context.partial or self._context.each_once or self._context.once_per_key:
                record = record_hash(find(ordinal).record) if resent is None else resent.version
            self.release(hash_, OLDER if is_older else ordinal, record)

    def _release_delivered(self, conn: Connection) -> None:
        unknown_records.release_resent(conn, self._run, self._delivered, self._context.now())
        self._delivered = []

    def release(self, hash_: KeyHash, ordinal: int, record: int | None = None) -> None:
        """Release a key that was delivered, or is as it was sent; with `record` (a hash) of that version alone.

        `ordinal` is that of the delivered record: a newer record of the key that this run quarantined stays.
        """
        is_newest = self._is_newest(hash_, ordinal)
        others = is_newest and self._is_of_input(ordinal)  # versions that a newer one makes obsolete, too
        if hash_ not in self.keys or (record is None and not is_newest):
            return
        if self._context.once_per_key and record is not None:
            self._release_version(hash_, record, others=others)
            return
        refused = others and self._context.each_once
        if record is None or self._context.index is None or not self._context.index.has_others(hash_, record):
            self.keys.discard(hash_)
        if self._context.index is not None:
            self._context.index.release(hash_, record, refused=refused)
        destination = self._context.destination
        if record is not None:
            self._write(lambda conn: quarantine.release_part(conn, destination, hash_, record))
            if refused:
                self._write(lambda conn: unknown_records.release_refused(conn, destination, hash_))
        else:
            self._write(lambda conn: quarantine.release_key(conn, destination, hash_))

    def _release_version(self, hash_: KeyHash, record: int, *, others: bool) -> None:
        """Release a version of a key that is sent once; with `others` also those that cannot have arrived."""
        index, destination = self._context.index, self._context.destination
        if index is not None:
            index.release_once(hash_, record, others=others)
        if index is None or not index.has_others(hash_, record):
            self.keys.discard(hash_)
        self._write(lambda conn: unknown_records.release_version(conn, destination, hash_, record, others=others))
