"""The preview of a file destination: what a run would write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.model.outcome import Refusal
from penstock.model.record import Batch, Key, Payload, RefusedRecord
from penstock.model.reports import PreviewedRequest
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.file_output import format_of, text_of


def file_requests(
    prepared: Prepared, batches: Iterator[Batch | None], refused: list[RefusedRecord]
) -> Iterator[PreviewedRequest | None]:
    """What would be written to a file, and None for None. The first has the header."""
    rows = format_of(prepared)
    body = b"" if rows.converts else rows.head()
    for batch in batches:
        if batch is None:
            yield None
            continue
        encoded = rows.rows(batch.payloads)
        refused.extend(refused_record(payload.key, refusal) for payload, refusal in encoded.refused)
        yield written(prepared, body + text_of(rows, encoded), encoded.written)
        body = b""


def written(prepared: Prepared, body: bytes, payloads: Sequence[Payload]) -> PreviewedRequest:
    """What is written to a file, for people."""
    shape = prepared.compiled.shape
    keys = tuple(payload.key for payload in payloads)
    return PreviewedRequest(shape.method, shape.url, {}, body.decode("utf-8", errors="replace"), keys, ())


def refused_record(key: Key | None, refusal: Refusal | None) -> RefusedRecord:
    """A refused record for people. `refusal` is not None: every quarantined record has one."""
    assert refusal is not None
    return RefusedRecord(
        key, refusal.field, refusal.rule, refusal.reason, refusal.value, refusal.accepted, refusal.values
    )
