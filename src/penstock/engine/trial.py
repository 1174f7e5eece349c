"""A test send: one sample (or an edited body), now, with the real credential. It changes no counts and no memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from penstock.clock import iso
from penstock.delivery.budget import Budget
from penstock.delivery.client import Client
from penstock.delivery.lookups import Directory
from penstock.engine import connecting
from penstock.engine.notes import Notes
from penstock.engine.preparing import Prepared
from penstock.engine.preview import batches, finished, previewed
from penstock.engine.remembering import KnownIds
from penstock.engine.replies import reply_document
from penstock.engine.starting import new_run_id
from penstock.engine.surroundings import Surroundings
from penstock.model.delivery import Lost, Reply
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Outcome
from penstock.model.record import Payload, Request
from penstock.model.reports import PreviewedRequest, RefusedRecord, TestReport
from penstock.stores import ledger, runs
from penstock.transform.lookups import filled
from penstock.transform.macros import finish
from penstock.usercode.sandbox import GroupingCode


async def send_test(
    around: Surroundings, prepared: Prepared, budget: Budget, *, sample: int, body: str | None
) -> TestReport:
    """Send the `sample`-th sample record (1 is the first) by itself, or `body` in its place."""
    payload = _sample(prepared, sample)
    run = new_run_id(around.clock)
    link = connecting.connection(around, prepared.credential, prepared.address.base_url)
    async with Client(link, budget, around.clock) as client:
        directory = Directory(client, KnownIds(around.database, prepared.credential.name, around.clock), around.clock)
        request, seen = await _request(around, prepared, directory, payload, run)
        if body is not None:
            request = replace(request, body=body.encode())
            seen = replace(seen, body=body, unresolved=())
        sent_at = iso(around.clock.now())
        answer = await client.send(request, lane="test")
    _log(around, prepared, run, (request, answer), payload, sent_at)
    return _report(seen, answer)


def _sample(prepared: Prepared, sample: int) -> Payload:
    """The payload of one sample record. InputError when there is no such sample, or it would be quarantined."""
    have = prepared.data.samples.records.num_rows
    path = f"destinations.{prepared.spec.name}"
    if not 1 <= sample <= have:
        message = "the dataset has no records to test with" if have == 0 else f"there is no sample {sample}"
        raise InputError(Problem(path, message, "no-sample", f"samples 1 to {have} are kept", found=str(sample)))
    chunk = replace(
        prepared.data.samples,
        records=prepared.data.samples.records.slice(sample - 1, 1),
        first=0,
        absent={n: frozenset({0}) for n, rows in prepared.data.samples.absent.items() if sample - 1 in rows},
        misfits=dict.fromkeys([0], misfit) if (misfit := prepared.data.samples.misfits.get(sample - 1)) else {},
    )
    refused: list[RefusedRecord] = []
    payloads = [payload for batch in batches(prepared, iter([chunk]), Notes(()), refused) for payload in batch.payloads]
    if not payloads:
        problem = refused[0]
        message = f"sample {sample} would be quarantined: {problem.reason}"
        hint = "choose another with --sample, or send an edited body with --body"
        raise InputError(Problem(path, message, problem.rule, hint, found=problem.value))
    return payloads[0]


async def _request(
    around: Surroundings, prepared: Prepared, directory: Directory, payload: Payload, run: str
) -> tuple[Request, PreviewedRequest]:
    """The request to send, its look-ups done, and as people see it."""
    if payload.lookups:
        found = await directory.resolve(payload.lookups)
        trouble = next((answer for answer in found.values() if not isinstance(answer, str)), None)
        if trouble is not None:
            raise InputError(Problem(f"destinations.{prepared.spec.name}", trouble.reason, "lookup"))
        payload = filled(payload, {lookup: str(answer) for lookup, answer in found.items()})
    shape = prepared.compiled.shape
    with ExitStack() as stack:
        code = stack.enter_context(GroupingCode(shape.grouping.code)) if shape.grouping.algorithm == "code" else None
        request = finish(finished(shape, [payload], code)[0], run=run, now=around.clock.now())
    return request, previewed(request, [payload])


def _log(
    around: Surroundings,
    prepared: Prepared,
    run: str,
    exchange: tuple[Request, Reply | Lost],
    payload: Payload,
    sent_at: str,
) -> None:
    """Mark it as a test in the log: a run of its own, which no count looks at."""
    request, answer = exchange
    sent = ledger.Sent(
        delivery=0,
        method=request.method,
        url=request.url,
        status=answer.status if isinstance(answer, Reply) else None,
        attempts=1,
        requests=1,
        duration_ms=answer.duration_ms,
        is_test=True,
    )
    good = isinstance(answer, Reply) and 200 <= answer.status < 300
    outcome = Outcome.DELIVERED if good else Outcome.QUARANTINED
    reason = None if isinstance(answer, Reply) else answer.reason
    entry = ledger.LedgerEntry(outcome, [0], sent_at, [payload.key], reason, sent)
    row = runs.RunRow(
        id=run,
        kind="test",
        target=prepared.spec.name,
        started_at=sent_at,
        resumable=False,
        requests=1,
        status="succeeded" if good else "failed",
        finished_at=iso(around.clock.now()),
    )
    with around.database.begin() as conn:
        runs.start(conn, row)
        ledger.append(conn, run, [entry])


def _report(seen: PreviewedRequest, answer: Reply | Lost) -> TestReport:
    lost = isinstance(answer, Lost)
    return TestReport(
        request=seen,
        response=None if lost else reply_document(answer),
        error=answer.reason if isinstance(answer, Lost) else None,
        duration_ms=round(answer.duration_ms, 1),
    )
