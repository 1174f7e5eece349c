"""The quarantine as a run fills and empties it: records held, and released once their key got through."""

from __future__ import annotations

from collections.abc import Callable

from penstock.engine.backlog import Traced
from penstock.engine.desk import Desk, Write
from penstock.engine.replies import reply_document, request_document
from penstock.engine.rows import record_hash
from penstock.engine.screen import Held
from penstock.model.delivery import Delivery
from penstock.model.outcome import Outcome, Refusal
from penstock.stores import quarantine
from penstock.stores.packing import refusal_json

KeyHash = tuple[int, int]


class Holder:
    """`held` are the key hashes that stand in the quarantine; `write` puts something into the next commit."""

    def __init__(self, desk: Desk, run: str, write: Callable[[Write], None], held: set[KeyHash]) -> None:
        self.held = held
        self._desk, self._run, self._write = desk, run, write
        self._newest: dict[
            KeyHash, int
        ] = {}  # the ordinal of the newest record of a key that is held, as far as this run knows

    def hold(
        self,
        record: Traced,
        outcome: Outcome,
        refusal: Refusal,
        delivery: Delivery | None = None,
        content: int | None = None,
    ) -> None:
        """Keep the record for a person; `content` is what was, or may have been, sent of it."""
        hold = quarantine.Hold(
            destination=self._desk.destination,
            key=record.key,
            key_hash=record.hash,
            outcome=outcome,
            refusal=refusal,
            at=self._desk.now(),
            run=self._run,
            record=record.record,
            record_print=self._desk.resent.get(record.ordinal) or record_hash(record.record),
            settings=self._desk.settings,
            content=content,
            part=self._desk.partial,
            request=None if delivery is None else request_document(delivery.request),
            reply=None if delivery is None else reply_document(delivery.answer),
        )
        self.held.add(record.hash)
        self.keep(record.hash, record.ordinal)
        if self._desk.index is not None and record.key is not None:
            version = Held(outcome, hold.record_print, hold.settings, refusal.reason, refusal_json(refusal))
            self._desk.index.hold(record.hash, version, part=self._desk.partial)
        self._write(lambda conn: quarantine.hold(conn, hold))

    def keep(self, hash_: KeyHash, ordinal: int) -> None:
        """What is held of a key is this record of the run: an older one that gets through does not let go of it."""
        self._newest[hash_] = max(ordinal, self._newest.get(hash_, ordinal))

    def release(self, hash_: KeyHash, ordinal: int, record: int | None = None) -> None:
        """Let go of a key that got through, or is as it was sent; with `record` (a hash) of that version alone.

        `ordinal` is that of the record that did: a newer record of the key that this run has held stays.
        """
        if hash_ not in self.held or (record is None and self._newest.get(hash_, ordinal) > ordinal):
            return
        if record is None or self._desk.index is None or not self._desk.index.holds_others(hash_, record):
            self.held.discard(hash_)
        if self._desk.index is not None:
            self._desk.index.release(hash_, record)
        destination, mended, now = self._desk.destination, self._desk.mended.get(hash_), self._desk.now()
        if record is not None:
            self._write(lambda conn: quarantine.release_part(conn, destination, hash_, record))
        elif mended is not None:  # the source still has the version that was mended: it must not be held again
            why = f"mended, and delivered by {self._run}"
            self._write(lambda conn: quarantine.discard(conn, [mended], why, now))
        else:
            self._write(lambda conn: quarantine.release_key(conn, destination, hash_))
