"""What processes that died left: records that they were sending again from the quarantine, and batch jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from penstock.model.record import Payload, Rendered
from penstock.run.diff.backlog import SENT_AGAIN_FROM
from penstock.run.pipeline import BatchPipeline
from penstock.run.preparation.interrupted_requests import interrupted_run
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.recorder import Recorder
from penstock.store import unknown_records
from penstock.store.database import Database
from penstock.store.runs import ledger, runs
from penstock.store.runs.runs import RunRow


def put_leftovers_in_doubt(
    database: Database, prepared: Prepared, run: str, guard: Callable[[Connection], None]
) -> None:
    """Make these records unknown, before the run `run` of their destination begins.

    Records of the input that an unfinished run was sending are left to that run: it reads them again.
    """
    name = prepared.spec.name
    with database.read() as conn:
        left = {other: ledger.leftover_intents(conn, other) for other in ledger.leftover_runs(conn, name)}
        unfinished = {each.id for each in runs.unfinished_runs(conn, name)} if left else set[str]()
        from_quarantine = {other for other in left if _is_from_quarantine(runs.get(conn, other))}
    reading = {run, *unfinished}
    doubtful = {
        other: [intent for intent in intents if other not in reading or min(intent.ordinals) >= SENT_AGAIN_FROM]
        for other, intents in left.items()
    }
    if not any(doubtful.values()):
        return
    with database.begin() as conn:
        guard(conn)
        for other, intents in doubtful.items():
            interrupted = interrupted_run(prepared, other)
            for intent in intents:
                again = other in from_quarantine or min(intent.ordinals) >= SENT_AGAIN_FROM
                known = None if again else dict[int, unknown_records.SentText]()
                unknown_records.put_in_doubt(conn, interrupted, intent, known)
            ledger.end_intents(conn, other, [intent.number for intent in intents])


def _is_from_quarantine(run: RunRow | None) -> bool:
    return run is not None and run.kind in ("resend", "settle")


def poll_left_jobs(
    jobs: Sequence[ledger.PendingJob], prepared: Prepared, recorder: Recorder, pipeline: BatchPipeline
) -> None:
    """Poll the batch jobs that earlier processes left unconfirmed, in the background."""
    for left in jobs:
        recorder.resume_job(left)
        if recorder.context.unchanged is not None:
            recorder.context.unchanged.resume(left.records)
        payloads = [
            Payload(r.ordinal, r.key or "", r.record.encode(), r.content, parts=tuple(n for n, _ in r.parts))
            for r in left.records
        ]
        older = {ordinal: text for record in left.records for ordinal, text in record.parts}
        render = partial(_rendered_again, prepared, recorder, older)
        pipeline.poll((left.run, left.delivery), left.job, payloads, render)


async def _rendered_again(
    prepared: Prepared, recorder: Recorder, older: Mapping[int, str], payloads: Sequence[Payload]
) -> Rendered:
    """What is sent again of a job, without the fields that Custify has changed. Raises Stopped when the run stops."""
    rendered = prepared.rendered_again(older, payloads)
    unchanged = recorder.context.unchanged
    if unchanged is None:
        return rendered
    return replace(rendered, payloads=await unchanged.checked(rendered.payloads, recorder.notes.add))
