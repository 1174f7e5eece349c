"""Requests that must not be sent twice, and that were in flight when the process of their run died.

The run finds out what became of them when it is continued. If another run comes first, their records become unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.outcome import Outcome, Refusal
from penstock.run.context import Context
from penstock.run.diff.backlog import SENT_AGAIN_FROM
from penstock.run.diff.records import record_hash
from penstock.run.preparation.last_run import with_frozen_input
from penstock.run.preparation.prepare import Prepared
from penstock.sources.chunks import read_frozen
from penstock.store import unknown_records
from penstock.store.runs import ledger, runs
from penstock.store.runs.deliveries import refusal_json
from penstock.store.runs.runs import RunRow
from penstock.store.unknown_records import ACCEPTED, DIED, InterruptedRun, SentText


def put_requests_beside_in_doubt(ctx: Context, prepared: Prepared, guard: Callable[[Connection], None]) -> None:
    """Make the records unknown that the unfinished run of the destination was sending when its process died.

    A run beside it, which is about to begin, could otherwise send their keys a second time. The unfinished run counts
    them when it is continued. `guard` raises in a transaction of a process that has lost the destination.
    """
    with ctx.database.read() as conn:
        left = runs.unfinished_alone(conn, prepared.spec.name)
        intents = [] if left is None else ledger.leftover_intents(conn, left.id)
    if left is None or not intents:
        return
    records = _records(prepared, with_frozen_input(ctx, left), [n for intent in intents for n in intent.ordinals])
    with ctx.database.begin() as conn:
        guard(conn)
        at, now = iso(ctx.clock.now()), runs.get(conn, left.id) or left
        runs.save(conn, with_requests_in_doubt(conn, now, prepared, at, records))


def with_requests_in_doubt(
    conn: Connection, run: RunRow, prepared: Prepared, at: str, records: Mapping[int, SentText] | None = None
) -> RunRow:
    """Make the records of its requests unknown; returns the run with its counts. `records`: see `put_in_doubt`."""
    unknown, interrupted = 0, interrupted_run(prepared, run.id)
    for intent in ledger.leftover_intents(conn, run.id):
        again = min(intent.ordinals) >= SENT_AGAIN_FROM
        known = None if again else (records or {})
        unknown_records.put_in_doubt(conn, interrupted, intent, known)
        ledger.end_intents(conn, run.id, [intent.number])
        if again:
            continue  # they have their outcome already: they were sent again
        unknown += len(intent.keys)
        why = refusal_json(Refusal("no answer", DIED, accepted=ACCEPTED))
        entry = ledger.LedgerEntry(Outcome.UNKNOWN, intent.ordinals, at, keys=intent.keys, reason=DIED, refusal=why)
        ledger.append(conn, run.id, [entry])
    first = run.first_sends  # there whenever a run with a limit or a canary has begun a request
    return replace(
        run,
        counts=run.counts.plus({"read": unknown, Outcome.UNKNOWN: unknown}),
        first_sends=None if first is None else {**first, "sent": first["sent"] + unknown},
    )


def interrupted_run(prepared: Prepared, run: str) -> InterruptedRun:
    """A run of this destination whose process died."""
    settings, once = prepared.compiled.version, prepared.policy.once_per_key
    return InterruptedRun(run, prepared.spec.name, settings, once, sends_each_once(prepared))


def sends_each_once(prepared: Prepared) -> bool:
    """Whether each version of a key is sent, once."""
    return prepared.policy.versions == "each" and not prepared.policy.compares and prepared.once


def _records(prepared: Prepared, run: RunRow, ordinals: Sequence[int]) -> dict[int, SentText]:
    """The records of a run's frozen input at these ordinals; none where that is gone."""
    wanted = {ordinal for ordinal in ordinals if ordinal < SENT_AGAIN_FROM}
    found: dict[int, SentText] = {}
    if not wanted or run.frozen is None or not Path(run.frozen).exists():
        return found
    for chunk in read_frozen(Path(run.frozen), skip=min(wanted)):
        opened = prepared.open_chunk(chunk)
        for ordinal in sorted(each for each in wanted if each < opened.end):
            text = opened.json(ordinal - opened.first)
            found[ordinal] = SentText(text, record_hash(text))
            wanted.discard(ordinal)
        if not wanted:
            break
    return found
