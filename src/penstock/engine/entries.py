"""A delivery as the stores have it: an entry of the ledger, a batch job, the memory's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from penstock.engine.backlog import Traced
from penstock.model.delivery import Delivery, Settled
from penstock.model.outcome import Outcome
from penstock.stores.jobs import Job, JobRecord
from penstock.stores.ledger import Change, LedgerEntry, LedgerException, Sent
from penstock.stores.packing import refusal_json

Ticket = tuple[str, int]  # a delivery: its run, and its number in it


def entry_of(delivery: Delivery, number: int, decided: Sequence[Settled]) -> LedgerEntry:
    """A delivery as a row of the ledger: the outcome most of its records met, and the exceptions."""
    if len(decided) == 1:
        outcome = decided[0].outcome
    else:
        usual = Counter(settled.outcome for settled in decided).most_common(1)
        outcome = usual[0][0] if usual else delivery.outcome
    if any(settled.payload.parts for settled in decided):
        decided = [part for settled in decided for part in parts_of(settled)]
    exceptions = [
        LedgerException(item, *_change(delivery, settled))
        for item, settled in enumerate(decided)
        if settled.outcome is not outcome
    ]
    sent = Sent(
        delivery=number,
        method=delivery.request.method,
        url=delivery.request.url,
        status=delivery.status,
        attempts=delivery.attempts,
        requests=delivery.requests,
        duration_ms=delivery.duration_ms,
    )
    ordinals = [settled.payload.ordinal for settled in decided]
    keys = [settled.payload.key for settled in decided]
    why = next((settled.refusal for settled in decided if settled.outcome is outcome), None)
    refusal = refusal_json(why) if why is not None and why.reason == delivery.reason else None
    return LedgerEntry(outcome, ordinals, delivery.sent_at, keys, delivery.reason, sent, exceptions, refusal)


def parts_of(settled: Settled) -> Iterator[Settled]:
    """Every record of a payload, older ones first, with the outcome that they share."""
    for ordinal in settled.payload.ordinals:
        yield settled._replace(payload=settled.payload._replace(ordinal=ordinal, parts=()))


def _change(delivery: Delivery, settled: Settled) -> Change:
    refusal = settled.refusal
    if refusal is None:
        return Change(settled.outcome, delivery.reason)
    return Change(settled.outcome, refusal.reason, refusal.field, refusal_json(refusal))


def changes_of(delivery: Delivery) -> tuple[dict[int, Change], Counter[str]]:
    """What the end of a batch job makes of records that were accepted, by ordinal, and how the counts change."""
    changes: dict[int, Change] = {}
    counts: Counter[str] = Counter()
    for settled in delivery.settled:
        if settled.outcome is not Outcome.ACCEPTED:
            change = _change(delivery, settled)
            for ordinal in settled.payload.ordinals:
                changes[ordinal] = change
                counts[Outcome.ACCEPTED] -= 1
                counts[settled.outcome] += 1
    return changes, counts


def job_of(
    destination: str, ticket: Ticket, delivery: Delivery, decided: Sequence[Settled], traced: Mapping[int, Traced]
) -> Job:
    """A batch job that the API has taken: whoever goes on after us polls it."""
    assert delivery.job is not None
    records = [
        JobRecord(
            *traced[s.payload.ordinal], s.payload.content, [(part, traced[part].record) for part in s.payload.parts]
        )
        for s in decided
    ]
    return Job(destination, *ticket, delivery.job, delivery.sent_at, records)
