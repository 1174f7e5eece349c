"""The requests for the samples or the whole dataset, made by the code of a run. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from penstock.model.outcome import Note, Outcome, Refusal
from penstock.model.record import Batch, Chunk, Payload, RefusedRecord, Request, Shape
from penstock.model.reports import Preview, PreviewedRequest
from penstock.render.batches import Batcher, encode_bodies, records_of, requests_for
from penstock.render.bodies import Unencodable
from penstock.render.values.macros import shown
from penstock.run.diff.diff import Classifier, Decision
from penstock.run.diff.notes import Notes
from penstock.run.prepare import Prepared
from penstock.run.recorder.known_records import open_chunk
from penstock.usercode.grouping_code import CodeFailed, GroupingCode

CHUNK_ROWS = 4096  # as in a run
REDACTED = "Bearer ***"


def preview(prepared: Prepared, *, limit: int | None, everything: bool) -> Preview:
    """The first `limit` requests for the samples, or every request for the whole dataset."""
    data = prepared.data
    chunks = data.dataset.read(data.schema) if everything else iter([data.samples])
    return preview_of_chunks(prepared, chunks, None if everything else limit, data.samples.records.num_rows)


def preview_of_chunks(prepared: Prepared, chunks: Iterator[Chunk], limit: int | None, rows: int) -> Preview:
    """The first `limit` requests for these records, or all; `rows` is the number of records for the notes."""
    notes = prepared.notes()
    refused: list[RefusedRecord] = []
    made = (request for request in _requests(prepared, chunks, notes, refused) if request is not None)
    return Preview(
        requests=tuple(made if limit is None else islice(made, limit)),
        notes=notes.all(rows),
        refused=tuple(refused),
        base_url=prepared.address.base_url,
        base_url_reason=prepared.address.reason,
    )


def preview_of_everything(prepared: Prepared) -> Iterator[PreviewedRequest | RefusedRecord | Note]:
    """Yield the requests and refused records of the whole dataset in order, then the notes. Uses constant memory."""
    data = prepared.data
    notes, rows = prepared.notes(), 0

    def counted() -> Iterator[Chunk]:
        nonlocal rows
        for chunk in data.dataset.read(data.schema, rows=CHUNK_ROWS):
            rows += chunk.records.num_rows
            yield chunk

    refused: list[RefusedRecord] = []
    for request in _requests(prepared, counted(), notes, refused):
        yield from refused
        refused.clear()
        if request is not None:
            yield request
    yield from refused
    yield from notes.all(rows)


def _requests(
    prepared: Prepared, chunks: Iterator[Chunk], notes: Notes, refused: list[RefusedRecord]
) -> Iterator[PreviewedRequest | None]:
    """Yields requests, and None after each chunk, so that the caller can free the refused records."""
    shape = prepared.compiled.shape
    with grouping_code(shape) as code:
        for batch in _walk(prepared, chunks, notes, refused):
            if batch is None:
                yield None
                continue
            try:
                requests = finished(shape, batch.payloads, code)
            except (CodeFailed, Unencodable) as failure:
                refused.extend(described(payload, failure.refusal) for payload in batch.payloads)
                continue
            for request in requests:
                yield previewed(request, batch.payloads)


def batches(prepared: Prepared, chunks: Iterator[Chunk], notes: Notes, refused: list[RefusedRecord]) -> Iterator[Batch]:
    """The batches of these chunks, without comparison with memory; refused records are added to `refused`."""
    return (batch for batch in _walk(prepared, chunks, notes, refused) if batch is not None)


def _walk(
    prepared: Prepared, chunks: Iterator[Chunk], notes: Notes, refused: list[RefusedRecord]
) -> Iterator[Batch | None]:
    """The same, with None after each chunk."""
    classifier = Classifier(prepared.policy, prepared.render, merger=prepared.merger)
    batcher = Batcher(prepared.compiled.shape, repeats=prepared.policy.repeats)
    for chunk in chunks:
        opened = open_chunk(prepared, chunk)
        classified = classifier.classify(opened)
        notes.count(opened, classified)
        refused.extend(described_decision(d) for d in classified.decided if d.outcome is Outcome.QUARANTINED)
        yield from batcher.add(classified.fresh)
        refused.extend(RefusedRecord(r.key, *words_of(r.refusal)) for r in batcher.oversized)
        batcher.oversized.clear()
        yield None
    notes.read()
    yield from batcher.flush()


@contextmanager
def grouping_code(shape: Shape) -> Iterator[GroupingCode | None]:
    """The user's grouping code, ready to be called; None if the grouping is not by code."""
    if shape.grouping.algorithm != "code":
        yield None
        return
    with GroupingCode(shape.grouping.code) as code:
        yield code


def finished(shape: Shape, payloads: Sequence[Payload], code: GroupingCode | None) -> tuple[Request, ...]:
    """The requests of one batch. Raises CodeFailed or Unencodable if grouping code makes no body from it."""
    bodies = None if code is None else encode_bodies(shape, code.bodies(records_of(payloads)))
    return requests_for(shape, payloads, bodies)


def previewed(request: Request, payloads: Sequence[Payload]) -> PreviewedRequest:
    """A request for people: the credential's header without its value."""
    shown_request = shown(request)
    return PreviewedRequest(
        method=request.method,
        url=shown_request.url,
        headers={"Authorization": REDACTED, **dict(shown_request.headers)},
        body=None if request.body is None else request.body.decode("utf-8"),
        records=tuple(payload.key for payload in payloads),
        unresolved=tuple(dict.fromkeys(lookup.target for payload in payloads for lookup in payload.lookups)),
    )


def described_decision(decision: Decision) -> RefusedRecord:
    assert decision.refusal is not None
    return RefusedRecord(decision.key, *words_of(decision.refusal))


def described(payload: Payload, refusal: Refusal) -> RefusedRecord:
    return RefusedRecord(payload.key, *words_of(refusal))


def words_of(refusal: Refusal) -> tuple[str | None, str, str, str | None, str | None, Mapping[str, Any]]:
    return refusal.field, refusal.rule, refusal.reason, refusal.value, refusal.accepted, refusal.values
