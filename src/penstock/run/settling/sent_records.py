"""Unknown records as the read-back needs them: what was sent, when, and how it can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson

from penstock.delivery.settle import Recipe, SentRecord, sent_note
from penstock.model.delivery import Delivery, SentNote, SettleKind
from penstock.model.errors import InputError
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, RetryClass
from penstock.render.batches import requests_for
from penstock.render.manual import absolute
from penstock.render.values.macros import parse_macros
from penstock.run.diff.known_records import QuarantineIndex
from penstock.run.diff.unknown_versions import UnknownVersions
from penstock.run.preparation.datasets import chunks_of
from penstock.run.preparation.prepare import Prepared
from penstock.run.recording.commit import RememberSent, Write
from penstock.sources.typing.exact_json import read_record
from penstock.store.quarantine import QuarantineRow
from penstock.store.sent_notes import add_sent_notes
from penstock.store.unknown_records import ResentRecord
from penstock.templates.catalogue import load_catalogue

READS_AT_ONCE = 3  # without a decision; then a run waits longer before each further read-back
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
AT_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # of a record whose request was not written down: long ago
EDITED = "a person edited it: resend it or discard it"
NO_RECIPE = "the request has no `settle`, which says where to read and what to find there"
NO_READS = "the flat API publishes no reads"
NOT_READABLE = "Custify has no read for these objects"
CHANGE = "an object that exists was changed, and a read for new ones does not find it: compare with Custify again"


@dataclass(frozen=True, slots=True)
class SettlePlan:
    """How the unknown records of a destination are settled.

    `kind` None: they cannot be read back. `repeatable`: then they may be sent again all the same, because the API does
    nothing the second time. `why` says why they cannot be read.
    """

    kind: SettleKind | None
    repeatable: bool
    why: str = ""


def is_due(row: QuarantineRow, now: datetime) -> bool:
    """Whether a run reads a record back: after several reads without a decision only from time to time."""
    reads = row.reads or 0
    if reads < READS_AT_ONCE or row.read_at is None:
        return True
    pause = min(FIRST_PAUSE * 2 ** min(reads - READS_AT_ONCE, 10), LONGEST_PAUSE)
    return not timedelta() <= now - datetime.fromisoformat(row.read_at) < pause


def plan_of(prepared: Prepared) -> SettlePlan:
    """How the unknown records of this destination are settled."""
    repeatable = prepared.compiled.shape.retry is RetryClass.IDEMPOTENT
    request = prepared.spec.request
    if request is not None and request.settle is not None:
        return SettlePlan("recipe", repeatable)
    template = load_catalogue().get(prepared.compiled.template or "")
    kind = None if template is None or request is not None else template.read_back[prepared.address.dialect]
    if kind not in (None, "repeatable", "unreadable"):
        return SettlePlan(kind, repeatable)
    why = NO_RECIPE if request is not None else NO_READS if prepared.address.dialect == "flat" else NOT_READABLE
    return SettlePlan(None, repeatable, why)


def unknown_versions(
    prepared: Prepared, index: QuarantineIndex, resent: Mapping[int, ResentRecord] | None = None
) -> UnknownVersions:
    """What of a destination is not sent because another version of its key may have been. `resent`: of a resend."""
    plan = plan_of(prepared)
    can_be_settled = plan.kind is not None or (plan.repeatable and prepared.address.dialect == "native")
    ignore_changed = prepared.policy.ignore_changed
    return UnknownVersions(index, prepared.spec.name, can_be_settled, ignore_changed, resent or {})


def sent_record(prepared: Prepared, plan: SettlePlan, row: QuarantineRow) -> SentRecord | str:
    """What the read-back needs about a record; or the reason why it cannot be read back."""
    assert plan.kind is not None
    if (
        prepared.spec.request is None
        and row.request is not None
        and row.request["method"] != prepared.compiled.shape.method
    ):
        return CHANGE  # sent by `reconcile --fix`
    recipe: Recipe | None = None
    if plan.kind == "recipe":
        made = _recipe(prepared, row)
        if isinstance(made, Refusal):
            return made.reason
        recipe = made
    url, body = _request(prepared, row)
    sent_at = datetime.fromisoformat(row.sent_at) if row.sent_at is not None else AT_ANY_TIME
    return SentRecord(id=row.id, kind=plan.kind, body=body, url=url, sent_at=sent_at, recipe=recipe)


def _recipe(prepared: Prepared, row: QuarantineRow) -> Recipe | Refusal:
    request = prepared.spec.request
    assert request is not None
    assert request.settle is not None
    url = absolute(request.settle.url, prepared.address.base_url)
    values = read_record(row.record)
    made = parse_macros(url, "url").expand_record(values if isinstance(values, Mapping) else {})
    return made if isinstance(made, Refusal) else Recipe(made, request.settle.found)


def sent_object(prepared: Prepared, row: QuarantineRow) -> Mapping[str, Any] | None:
    """The JSON that was sent for a record; None when it was not stored and cannot be made again."""
    return _request(prepared, row)[1]


def stored_object(row: QuarantineRow) -> Mapping[str, Any] | None:
    """The JSON that was sent for a record, if it was stored whole."""
    return None if row.request is None else _object(row.request.get("body"))


def _request(prepared: Prepared, row: QuarantineRow) -> tuple[str, Mapping[str, Any] | None]:
    """The URL and the body that were sent; the body is None when it was not stored and cannot be made again."""
    url = prepared.compiled.shape.url
    if row.request is not None:
        url = row.request["url"]
        body = stored_object(row)
        if body is not None:
            return url, body
    payload = rendered_again(prepared, row)
    if payload is None or payload.lookups or payload.content != row.content:
        return url, None
    (request,) = requests_for(prepared.compiled.shape, [payload])
    return request.url, _object(request.body)


def rendered_again(prepared: Prepared, row: QuarantineRow) -> Payload | None:
    """The payload of its record under the present settings; None when its record is not stored or is refused now."""
    if row.record_print == 0:
        return None
    try:
        (chunk,) = chunks_of(prepared.data, [row])
    except InputError:
        return None  # the dataset's SQL does not make one record of it any more
    payloads = prepared.render(chunk, None).payloads
    return payloads[0] if len(payloads) == 1 else None


def remember_notes(credential: str, delivery: Delivery, write: Callable[[Write], None]) -> None:
    """Store the notes that a delivery created: a later read-back tells them from others with the same text."""
    body = _object(delivery.request.body)
    made = [settled for settled in delivery.settled if settled.outcome is Outcome.DELIVERED]
    at = delivery.last_sent_at or delivery.sent_at
    notes = [sent_note(credential, body or {}, settled.remote_id, at) for settled in made]
    stored = [note for note in notes if note is not None]
    if stored:
        write(lambda conn: add_sent_notes(conn, stored))


def notes_of(prepared: Prepared) -> RememberSent | None:
    """Stores the notes of each delivery; None for other objects."""
    return partial(remember_notes, prepared.credential.name) if plan_of(prepared).kind == "note" else None


def found_note(prepared: Prepared, row: QuarantineRow, remote_id: str | None) -> SentNote | None:
    """A note that was found in Custify, to be stored like one that was delivered; None for any other object."""
    if plan_of(prepared).kind != "note":
        return None
    _, body = _request(prepared, row)
    return sent_note(prepared.credential.name, body or {}, remote_id, row.sent_at or row.at)


def _object(text: str | bytes | None) -> Mapping[str, Any] | None:
    """The text as a JSON object; None for anything else, such as a body that was cut when it was stored."""
    try:
        value = None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
