"""A test send: sends one sample or an edited body with the real credential. It changes no counts and no memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from penstock.clock import iso
from penstock.delivery.http.client import Client
from penstock.delivery.limit.budget import Budget
from penstock.delivery.lookup import LookupClient
from penstock.model.delivery import Lost, Reply, reply_document
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, RefusedRecord, Request
from penstock.model.reports import TestReport
from penstock.render.batches import filled
from penstock.render.bodies import Unencodable
from penstock.render.values.macros import finish
from penstock.run.connection import connection
from penstock.run.connection.key_locks import locks_of_test
from penstock.run.context import Context
from penstock.run.diff.known_records import StoredIds
from penstock.run.diff.notes import Notes
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.file_output import format_of, text_of, try_folder
from penstock.store.runs import ledger, runs
from penstock.store.runs.runs import new_run_id
from penstock.usecases.file_preview import written
from penstock.usecases.preview import batches, finished, grouping_code, previewed
from penstock.usercode.grouping_code import CodeFailed


class TestExchange(NamedTuple):
    """One request of a test, its reply or loss, and when it was sent."""

    request: Request
    answer: Reply | Lost
    at: str

    @property
    def taken(self) -> bool:
        return isinstance(self.answer, Reply) and 200 <= self.answer.status < 300


async def send_test(ctx: Context, prepared: Prepared, budget: Budget, *, sample: int, body: str | None) -> TestReport:
    """Send the `sample`-th sample record (from 1), or `body` instead.

    If grouping code makes several requests from the record, sends them in order until one gets no 2xx.
    """
    payload = _sample(prepared, sample)
    run = new_run_id(ctx.clock)
    if prepared.is_file:
        return _test_file(ctx, prepared, run, payload, body)
    link = connection.connection(ctx, prepared.credential, prepared.address.base_url)
    exchanges: list[TestExchange] = []
    async with Client(link, budget, ctx.clock) as client:
        known = StoredIds(ctx.database, prepared.credential.name, ctx.clock)
        directory = LookupClient(client, known, ctx.clock, "test")
        requests, payload = await _requests(ctx, prepared, directory, payload, run)
        if body is not None:
            requests = (replace(requests[0], body=body.encode()),)
        sent = payload if body is None else payload._replace(text=body.encode())
        async with locks_of_test(ctx, prepared.spec) as locks, locks.held([sent]):
            for request in requests:
                at = iso(ctx.clock.now())
                exchanges.append(TestExchange(request, await client.send(request, lane="test"), at))
                if not exchanges[-1].taken:
                    break
            _log(ctx, prepared, run, exchanges, payload)
    reports = [_report(exchange, payload) for exchange in exchanges]
    return replace(reports[-1], earlier=tuple(reports[:-1]))


def _test_file(ctx: Context, prepared: Prepared, run: str, payload: Payload, body: str | None) -> TestReport:
    """Write the record to a file of its own beside the real one, and remove it: the real file does not change."""
    rows = format_of(prepared)
    encoded = rows.rows([payload])
    if encoded.refused:
        refusal = encoded.refused[0][1]
        raise InputError(Problem(f"destinations.{prepared.spec.name}", refusal.reason, refusal.rule))
    began, at = ctx.clock.monotonic(), iso(ctx.clock.now())
    error = try_folder(ctx, prepared, run, encoded.data if body is None else body.encode())
    duration_ms = (ctx.clock.monotonic() - began) * 1000
    text = rows.head() * (not rows.converts) + text_of(rows, encoded) if body is None else body.encode()
    request = written(prepared, text, [payload])
    sent = ledger.Sent(0, request.method, request.url, None, 1, 0, duration_ms, is_test=True)
    outcome = Outcome.DELIVERED if error is None else Outcome.QUARANTINED
    _store_test(ctx, prepared, run, at, [ledger.LedgerEntry(outcome, [0], at, [payload.key], error, sent)])
    return TestReport(request, None, error, round(duration_ms, 1))


def _sample(prepared: Prepared, sample: int) -> Payload:
    """The payload of one sample record. Raises InputError if there is no such sample, or it would be quarantined."""
    have = prepared.data.samples.records.num_rows
    path = f"destinations.{prepared.spec.name}"
    if not 1 <= sample <= have:
        message = "the dataset has no records to test with" if have == 0 else f"there is no sample {sample}"
        raise InputError(Problem(path, message, "no-sample", f"the dataset has samples 1 to {have}", found=str(sample)))
    chunk = replace(
        prepared.data.samples,
        records=prepared.data.samples.records.slice(sample - 1, 1),
        first=0,
        absent={n: frozenset({0}) for n, rows in prepared.data.samples.absent.items() if sample - 1 in rows},
        misfits=dict.fromkeys([0], misfit) if (misfit := prepared.data.samples.misfits.get(sample - 1)) else {},
        originals={},
    )
    refused: list[RefusedRecord] = []
    payloads = [payload for batch in batches(prepared, iter([chunk]), Notes(()), refused) for payload in batch.payloads]
    if not payloads:
        problem = refused[0]
        message = f"sample {sample} would be quarantined: {problem.reason}"
        hint = "choose another with --sample, or send an edited body with --body"
        raise InputError(Problem(path, message, problem.rule, hint, found=problem.value))
    return payloads[0]


async def _requests(
    ctx: Context, prepared: Prepared, directory: LookupClient, payload: Payload, run: str
) -> tuple[tuple[Request, ...], Payload]:
    """The requests to send, and the payload with its look-ups done."""
    path = f"destinations.{prepared.spec.name}"
    if payload.lookups:
        found = await directory.resolve(payload.lookups)
        failure = next((answer for answer in found.values() if not isinstance(answer, str)), None)
        if isinstance(failure, Refusal):
            raise InputError(Problem(path, failure.reason, "lookup", failure.accepted or "", found=failure.value))
        if failure is not None:
            raise InputError(Problem(path, failure.reason, "lookup"))
        payload = filled(payload, {lookup: str(answer) for lookup, answer in found.items()})
    try:
        with grouping_code(prepared.compiled.shape) as code:
            made = finished(prepared.compiled.shape, [payload], code)
    except (CodeFailed, Unencodable) as error:
        hint = "fix the grouping code, or send an edited body with --body"
        raise InputError(Problem(path, error.refusal.reason, error.refusal.rule, hint)) from error
    return tuple(finish(request, run=run, now=ctx.clock.now()) for request in made), payload


def _log(ctx: Context, prepared: Prepared, run: str, exchanges: Sequence[TestExchange], payload: Payload) -> None:
    """Record the test as a run of the kind `test`, which no count includes."""
    last = exchanges[-1]
    entries = [_entry(number, exchange, payload, last=exchange is last) for number, exchange in enumerate(exchanges)]
    _store_test(ctx, prepared, run, exchanges[0].at, entries, requests=len(exchanges))


def _store_test(
    ctx: Context, prepared: Prepared, run: str, at: str, entries: Sequence[ledger.LedgerEntry], requests: int = 0
) -> None:
    row = runs.RunRow(
        id=run,
        kind="test",
        target=prepared.spec.name,
        started_at=at,
        resumable=False,
        requests=requests,
        status="succeeded" if entries[-1].outcome is Outcome.DELIVERED else "failed",
        finished_at=max(at, iso(ctx.clock.now())),
    )
    with ctx.database.begin() as conn:
        runs.start(conn, row)
        ledger.append(conn, run, entries)


def _entry(number: int, exchange: TestExchange, payload: Payload, *, last: bool) -> ledger.LedgerEntry:
    """One request of the test; the last one settles its record."""
    answer = exchange.answer
    sent = ledger.Sent(
        delivery=number,
        method=exchange.request.method,
        url=exchange.request.url,
        status=answer.status if isinstance(answer, Reply) else None,
        attempts=1,
        requests=1,
        duration_ms=answer.duration_ms,
        is_test=True,
    )
    outcome = Outcome.DELIVERED if exchange.taken else Outcome.QUARANTINED
    reason = None if isinstance(answer, Reply) else answer.reason
    ordinals, keys = ([0], [payload.key]) if last else ([], [])
    return ledger.LedgerEntry(outcome, ordinals, exchange.at, keys, reason, sent)


def _report(exchange: TestExchange, payload: Payload) -> TestReport:
    answer = exchange.answer
    return TestReport(
        request=previewed(exchange.request, [payload]),
        response=None if isinstance(answer, Lost) else reply_document(answer),
        error=answer.reason if isinstance(answer, Lost) else None,
        duration_ms=round(answer.duration_ms, 1),
    )
