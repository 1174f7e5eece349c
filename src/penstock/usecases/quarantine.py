"""The quarantine: list, show, edit, resend, discard and settle its records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from penstock.clock import iso
from penstock.model import page
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Outcome, Refusal
from penstock.model.page import ListPage
from penstock.model.record import Chunk
from penstock.model.reports import Preview, QuarantineDetail, QuarantineEntry, as_json
from penstock.run.context import Context
from penstock.run.datasets import known_dataset
from penstock.run.diff.records import chunk_of, read_record, write_record
from penstock.run.prepare import Prepared, prepare
from penstock.sources.pushed.rows import SQL_RULE, too_many_names
from penstock.store import quarantine
from penstock.store.memory.memory import Memory
from penstock.store.quarantine import HeldRecord, QuarantineFilter
from penstock.usecases.preview import preview_of_chunks

DISCARDED_AT_ONCE = 1000  # by one transaction
Told = Callable[[int, int], object]


def tell_nobody(_done: int, _total: int) -> None:
    """How far a discard has come is of no interest."""


def chosen(ctx: Context, ids: Sequence[str], *, cause: str | None, everything: bool) -> list[HeldRecord]:
    """The records in quarantine of these ids, of this cause, or all. InputError for an unknown id."""
    _require_one_way(ids, cause, everything=everything)
    with ctx.database.read() as conn:
        if ids:
            missing = quarantine.unknown(conn, ids)
            if missing is not None:
                raise _unknown_id(missing)
            return quarantine.get_all(conn, ids)
        found = quarantine.entries(conn, cause=cause)
    if cause is not None and not found:
        raise _unknown_cause(cause)
    return found


def _require_one_way(ids: Sequence[str], cause: str | None, *, everything: bool) -> None:
    if sum((bool(ids), cause is not None, everything)) != 1:
        message = "say which: ids, --cause or --all" if not ids else "ids, --cause and --all exclude each other"
        raise InputError(Problem("quarantine", message, "which", "penstock quarantine list shows them"))


def _unknown_cause(cause: str) -> InputError:
    return InputError(Problem("quarantine", "nothing is held for this cause", "unknown-cause", found=cause))


def _unknown_id(name: str) -> InputError:
    hint = "penstock quarantine list shows the ids"
    return InputError(Problem("quarantine", f"there is no quarantined record {name}", "unknown-id", hint, found=name))


def still_held(ctx: Context, ids: Sequence[str]) -> list[HeldRecord]:
    """Those of them that are still in quarantine: some may have left it since the request."""
    with ctx.database.read() as conn:
        return quarantine.get_all(conn, ids)


def by_destination(ctx: Context, ids: Sequence[str]) -> dict[str, list[str]]:
    """These ids by the destination of their records. InputError for an id that is not there."""
    _require_one_way(ids, None, everything=False)
    with ctx.database.read() as conn:
        missing = quarantine.unknown(conn, ids)
        if missing is not None:
            raise _unknown_id(missing)
        return quarantine.by_destination(conn, ids)


def _entry(conn: Any, name: str) -> HeldRecord:
    held = quarantine.get(conn, name)
    if held is None:
        raise _unknown_id(name)
    return held


def listed(held: HeldRecord) -> QuarantineEntry:
    return QuarantineEntry(
        id=held.id,
        destination=held.destination,
        key=held.key,
        outcome=held.outcome.value,
        cause=held.cause,
        reason=held.reason,
        field=held.field,
        at=held.at,
        run=held.run,
        rule=held.rule,
        values=held.values,
    )


def detail(held: HeldRecord) -> QuarantineDetail:
    return QuarantineDetail(
        entry=listed(held),
        record=json.loads(held.record),
        value=held.value,
        accepted=held.accepted,
        request=held.request,
        reply=held.reply,
    )


def listing(ctx: Context, *, destination: str | None, cause: str | None) -> list[QuarantineEntry]:
    """The records in quarantine, of one destination or one cause."""
    with ctx.database.read() as conn:
        return [listed(held) for held in quarantine.entries(conn, destination=destination, cause=cause)]


def shown(ctx: Context, name: str) -> QuarantineDetail:
    """One record in quarantine, whole. InputError when there is none of this id."""
    return detail(chosen(ctx, [name], cause=None, everything=False)[0])


def preview_of(ctx: Context, name: str) -> Preview:
    """What a resend of this record in quarantine would send."""
    held = chosen(ctx, [name], cause=None, everything=False)
    prepared = prepare(ctx, ctx.destination(held[0].destination))
    return preview_of_chunks(prepared, chunks_of(prepared, held), None, 1)


def edit(
    ctx: Context,
    name: str,
    *,
    changes: Mapping[str, Any] | None,
    record: Any,
    guard: Callable[[str], None] = lambda _: None,
) -> QuarantineDetail:
    """Change a record in quarantine; the old one is replaced only when the new one is a JSON object.

    `guard` is called with the record's present text, and raises when the writer has read another.
    """
    with ctx.database.begin() as conn:
        held = _entry(conn, name)
        guard(held.record)
        new = read_record(held.record) if record is None else record
        if not isinstance(new, dict):
            raise InputError(Problem(name, "a record is a JSON object", "not-an-object", 'write {"column": value, …}'))
        for path, value in (changes or {}).items():
            _put(new, path, value)
        quarantine.edit(conn, name, write_record(new))
        return detail(_entry(conn, name))


def record_of(text: str) -> Any:
    """A record as a person wrote it, with every digit of its numbers. InputError where it is no JSON."""
    try:
        return read_record(text)
    except ValueError as error:
        message = f"this is no JSON: {error}"
        raise InputError(Problem("record_text", message, "not-json", 'write {"column": value, …}')) from None


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    """Set a member: the column of that exact name first, else the dotted path into nested values."""
    if path in record or "." not in path:
        record[path] = value
        return
    *parents, last = path.split(".")
    place = record
    for parent in parents:
        inner = place.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise InputError(
                Problem(path, f"{parent} is not an object", "no-such-path", "set the whole member instead")
            )
        place = inner
    place[last] = value


def typed_changes(ctx: Context, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """`--set column=text`, read by the column's type: text columns take it as it is, others as JSON."""
    with ctx.database.read() as conn:
        held = _entry(conn, name)
    spec = ctx.destination(held.destination)
    schema = known_dataset(ctx, spec.dataset).schema
    if held.rule == SQL_RULE and schema.source is not None:
        schema = schema.source
    values: dict[str, Any] = {}
    for path, text in texts.items():
        column = schema.column(path) or schema.column(path.split(".")[0])
        if column is None:
            have = ", ".join(schema.names())
            raise InputError(Problem(path, f"there is no column {path}", "unknown-column", f"columns: {have}", path))
        if column.type in ("text", "date", "timestamp"):
            values[path] = text
            continue
        try:
            values[path] = read_record(text)
        except ValueError:
            values[path] = text  # the kernel's message names what would be accepted
    return values


def chunks_of(prepared: Prepared, held: Sequence[HeldRecord]) -> Iterator[Chunk]:
    """The records in quarantine as the input of a run: one chunk."""
    lost = [entry.id for entry in held if entry.record_print == 0]
    if lost:
        message = f"the record of {', '.join(lost)} was not kept: it was read from an input that has changed since"
        hint = "did it arrive? then settle it; if not, discard it: the next run that reads its key sends it"
        raise InputError(Problem("quarantine", message, "record-not-kept", hint))
    if any(entry.rule == SQL_RULE for entry in held):
        for row, entry in enumerate(held):
            yield replace(_one(prepared, entry), first=row)
        return
    records = [read_record(entry.record) for entry in held]
    chunk = chunk_of(records, prepared.data.schema)
    refused = {row: refusal for row, record in enumerate(records) if (refusal := too_many_names(record)) is not None}
    originals = {row: held[row].record for row in refused}
    yield replace(chunk, misfits={**chunk.misfits, **refused}, originals=originals) if refused else chunk


def _one(prepared: Prepared, held: HeldRecord) -> Chunk:
    """One record in quarantine as a chunk; a record of the source goes through the SQL first, which must return one."""
    data = prepared.data
    if held.rule != SQL_RULE:
        return chunk_of([read_record(held.record)], data.schema)
    made = data.dataset.shape(held.record, data.schema)
    rows = sum(chunk.records.num_rows for chunk in made)
    if rows == 1:
        return next(chunk for chunk in made if chunk.records.num_rows)
    reason = f"the dataset's SQL makes {rows or 'no'} records of it; a resend sends one"
    refusal = Refusal(SQL_RULE, reason, accepted="discard it, and post what is to be sent")
    return replace(chunk_of([{}], data.schema), misfits={0: refusal}, originals={0: held.record})


def discard(
    ctx: Context,
    ids: Sequence[str],
    *,
    cause: str | None,
    everything: bool,
    reason: str,
    told: Told = tell_nobody,
) -> int:
    """Discard these versions: they count as unchanged from now on. In parts, so that others can write in between.

    `told` is called after each part with how many are done, of how many.

    Returns how many there were; InputError, before anything is discarded, for an id that is not there.
    """
    named = _named(ctx, ids, cause, everything=everything)
    at, done = iso(ctx.clock.now()), 0
    for first in range(0, len(named), DISCARDED_AT_ONCE):
        with ctx.database.begin() as conn:
            done += quarantine.discard(conn, named[first : first + DISCARDED_AT_ONCE], reason, at)
        told(done, len(named))
    return done


def _named(ctx: Context, ids: Sequence[str], cause: str | None, *, everything: bool) -> Sequence[str]:
    """The ids that a person means. InputError as `chosen`."""
    _require_one_way(ids, cause, everything=everything)
    with ctx.database.read() as conn:
        if ids:
            missing = quarantine.unknown(conn, ids)
            if missing is not None:
                raise _unknown_id(missing)
            return ids
        found = quarantine.ids(conn, QuarantineFilter(cause=cause))
    if cause is not None and not found:
        raise _unknown_cause(cause)
    return found


def settle(ctx: Context, name: str, *, delivered: bool) -> None:
    """Settle an unknown record as a person decides. InputError unless it was delivered, and is unknown."""
    if not delivered:
        message = "say --delivered: it arrived"
        hint = "if it did not arrive, use `penstock quarantine resend`; if it never shall, discard it"
        raise InputError(Problem("quarantine", message, "settle-how", hint))
    held = chosen(ctx, [name], cause=None, everything=False)[0]
    _settle_delivered(ctx, prepare(ctx, ctx.destination(held.destination)), held)


def _settle_delivered(ctx: Context, prepared: Prepared, held: HeldRecord) -> None:
    """A person saw that it arrived: remember its content as sent, and let it go."""
    if held.outcome is not Outcome.UNKNOWN:
        message = f"{held.id} is {held.outcome}, not unknown: there is nothing to settle"
        raise InputError(Problem("quarantine", message, "not-unknown", "resend or discard it", found=held.outcome))
    with ctx.database.begin() as conn:
        if held.content is not None and held.key is not None and prepared.policy.compares:
            memory = Memory.load(conn, held.destination, prepared.fingerprints)
            hashes = np.array([held.key_hash], dtype=np.uint64)
            contents = np.array([held.content], dtype=np.uint64)
            memory.remember(conn, hashes, contents, np.zeros(1, dtype=np.uint64))
        quarantine.release(conn, [held.id])


@dataclass(frozen=True, slots=True)
class QuarantinePages:
    """The use-cases on the lists of records in quarantine. `ctx` returns the context with the present project."""

    ctx: Callable[[], Context]

    def page(self, which: QuarantineFilter, *, limit: int, cursor: str | None = None) -> ListPage:
        """Records in quarantine, oldest first, a page at a time."""
        (after,) = (0,) if cursor is None else page.read(cursor, int)
        with self.ctx().database.read() as conn:
            found = quarantine.page(conn, which, limit + 1, after)
        more = page.write(int(found[limit - 1].id.removeprefix("q-"))) if len(found) > limit else None
        return ListPage([as_json(listed(held)) for held in found[:limit]], more)

    def text(self, entry: str) -> str:
        """The record in quarantine as JSON text, with every digit of its numbers."""
        with self.ctx().database.read() as conn:
            return _entry(conn, entry).record

    def edit(
        self, entry: str, *, changes: Mapping[str, Any] | None, record: Any, guard: Callable[[str], None]
    ) -> QuarantineDetail:
        """Change a record in quarantine: some of its members, or all of it."""
        return edit(self.ctx(), entry, changes=changes, record=record, guard=guard)

    def groups(self) -> list[dict[str, Any]]:
        """All records in quarantine by destination, cause, outcome and field; the largest group first."""
        with self.ctx().database.read() as conn:
            return [as_json(group) for group in quarantine.groups(conn)]

    def ids(self, which: QuarantineFilter) -> list[str]:
        """The ids of records in quarantine. InputError when there are none."""
        with self.ctx().database.read() as conn:
            found = quarantine.ids(conn, which)
        if not found:
            raise InputError(Problem("body", "nothing of this is held", "nothing-held", "look at the groups"))
        return found
