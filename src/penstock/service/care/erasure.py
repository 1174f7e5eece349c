"""`erase`: removes a person's values from the state and from the exported ledger. Hashes stay.

The record is found by its key in one dataset and in the destinations that send it. What a dry run finds is found by the
same statements, which are rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NoReturn

import orjson
from sqlalchemy import Connection, select, update

from penstock.config.sources import RESPONSES
from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.record import Chunk, Key, Schema
from penstock.model.spec import WebhookSource
from penstock.render.values.columns import key_cells
from penstock.run.context import Context
from penstock.run.destination_lock import lock_destination
from penstock.run.diff.records import record_json
from penstock.service.care.ended_inputs import discard_inputs, remove_files
from penstock.service.care.retention import rewrite
from penstock.service.model import Erased, EraseRequest
from penstock.sources.chunks import load_chunk, save_chunk
from penstock.sources.typing.exact_json import read_record
from penstock.store.memory import key_hashes
from penstock.store.project import resources
from penstock.store.runs import runs
from penstock.store.runs.erasure import ERASED, Erasure, found_names
from penstock.store.tables import metadata
from penstock.store.tables import runs as runs_table
from penstock.usecases.ledger_export import erase_exported

LEFT_PAGES = "freed pages of the state's file may hold old values: run this again while nothing else uses the state"
UNSCOPED = frozenset({"texts", "known_ids"})
LEFT_BACKUPS = "backups, logs, and files that destinations wrote are not changed"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the record is looked for: a dataset of the project (None: only destinations that were removed)."""

    dataset: str | None
    destinations: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.dataset or ", ".join(self.destinations)


class _DryRunEnded(Exception):  # noqa: N818 - it rolls a transaction back
    pass


def _undo() -> NoReturn:
    raise _DryRunEnded


def erase(ctx: Context, wanted: EraseRequest) -> Erased:
    """Erase the record with this key, or find what would be erased.

    InputError if several datasets have the key and none is named, or while a request with the key is in flight.
    """
    key = _key(wanted.key)
    scopes = _scopes(ctx, wanted)
    found = {scope.name: _state(ctx, scope, key, dry_run=True) for scope in scopes}
    holding = [scope for scope in scopes if _has_record(found[scope.name])]
    if len(holding) > 1:
        names = " and ".join(scope.name for scope in holding)
        hint = "name one with --dataset or --destination: the same key can be another person's there"
        raise InputError(Problem("KEY", f"{names} have a record with this key", "several-datasets", hint, found=names))
    exported = erase_exported(ctx, key, dry_run=True) if len(scopes) == 1 or holding else 0
    scope = holding[0] if holding else scopes[0]
    erasure = found[scope.name]
    notes: list[str] = []
    if not wanted.dry_run:
        with ExitStack() as stack:
            for name in scope.destinations:
                stack.enter_context(lock_destination(ctx, name, lambda: None))
            erasure = _state(ctx, scope, key, dry_run=False)
        exported = max(erase_exported(ctx, key, dry_run=False), exported)
        notes = [*remove_files(ctx, erasure), *_rewritten(ctx), LEFT_BACKUPS]
    counts = dict(found_names({**erasure.found, "exported": exported}))
    if not counts and len(scopes) > 1:
        scope = Scope(None, ())  # no dataset has it
    return Erased(
        key_hash=sha256(str(erasure.json).encode()).hexdigest()[:16],
        dataset=scope.dataset,
        destinations=scope.destinations,
        found=counts,
        erased=bool(counts) and not wanted.dry_run,
        notes=tuple(notes),
    )


def _has_record(erasure: Erasure) -> bool:
    """Whether the record itself was found: texts and Custify's ids belong to no dataset."""
    return any(number for name, number in erasure.found.items() if name not in UNSCOPED)


def _key(text: str) -> Key:
    """A key as a person writes it: text, or a JSON list for a key of several columns."""
    if text.startswith("["):
        try:
            parts = orjson.loads(text)
        except ValueError:
            return text
        if isinstance(parts, list) and len(parts) > 1 and all(isinstance(part, str) for part in parts):
            return tuple(parts)
    return text


def _scopes(ctx: Context, wanted: EraseRequest) -> list[Scope]:
    """The datasets with the destinations that send them; removed destinations each alone."""
    project = ctx.project
    if wanted.dataset is not None:
        ctx.dataset(wanted.dataset)
    known = [
        Scope(name, tuple(d.name for d in project.destinations.values() if d.dataset == name))
        for name in project.datasets
        if wanted.dataset in (None, name)
    ]
    with ctx.database.read() as conn:
        kinds = ("destination", "resend", "settle", "test")
        targets = conn.execute(select(runs_table.c.target).where(runs_table.c.kind.in_(kinds)).distinct()).scalars()
        removed = [Scope(None, (name,)) for name in sorted(targets) if name not in project.destinations]
    if wanted.destination is None:
        return known if wanted.dataset is not None else [*known, *removed]
    if wanted.destination in project.destinations:
        return [Scope(project.destinations[wanted.destination].dataset, (wanted.destination,))]
    found = [scope for scope in removed if wanted.destination in scope.destinations]
    if not found:
        raise ctx.unknown("destination", wanted.destination, project.destinations)
    return found


def _state(ctx: Context, scope: Scope, key: Key, *, dry_run: bool) -> Erasure:
    """Erase the record from the state in one transaction, which a dry run rolls back."""
    erasure: Erasure | None = None
    try:
        with _overwriting(ctx) as conn:
            erasure = Erasure(conn, key, key_hashes([key]).astype("<u8").tobytes(), scope.destinations)
            if not dry_run:
                _refuse_in_flight(conn, erasure, scope)
            if scope.dataset is not None:
                _samples(ctx, erasure, scope.dataset)
                _posted(ctx, erasure, scope.dataset)
                discard_inputs(ctx, erasure, scope.dataset)
            erasure.erase()
            if scope.dataset is None:
                discard_inputs(ctx, erasure, None)
            for name in scope.destinations if erasure.found["responses"] else ():
                _reply_samples(erasure, f"{name}{RESPONSES}")
            conn.execute(update(runs_table).where(runs_table.c.id.in_(erasure.runs)).values(exported=None))
            if dry_run:
                _undo()
    except _DryRunEnded:
        pass
    assert erasure is not None
    return erasure


@contextmanager
def _overwriting(ctx: Context) -> Iterator[Connection]:
    """A transaction in which SQLite overwrites what is deleted."""
    with ctx.database.begin() as conn:
        if not ctx.database.is_shared:
            conn.exec_driver_sql("PRAGMA secure_delete=ON").close()
        yield conn


def _refuse_in_flight(conn: Connection, erasure: Erasure, scope: Scope) -> None:
    for name in scope.destinations:
        for left in runs.unfinished_runs(conn, name):
            message = f"the run {left.id} of {name} has not ended, and its input may hold the record"
            hint = f"run it to its end (penstock run {name}), then erase"
            raise InputError(Problem("KEY", message, "in-flight", hint, found=left.id))
    if erasure.in_flight():
        hint = "run the destination to its end, then erase"
        raise InputError(Problem("KEY", "a request with this record has no outcome yet", "in-flight", hint))


def _samples(ctx: Context, erasure: Erasure, name: str) -> None:
    """Erase the record from the samples of a dataset. Examples of values do not say whose they are: all are erased."""
    stored = resources.stored_dataset(erasure.conn, name)
    if stored is None:
        return
    samples = load_chunk(stored.samples)
    mine = [row for row, key in enumerate(key_cells(samples, ctx.dataset(name).key)) if key == erasure.key]
    for row in mine:
        erasure.note_values(read_record(record_json(samples, row)))
    erasure.found["samples"] += len(mine)
    kept = save_chunk(without_rows(samples, mine))
    resources.store_dataset(erasure.conn, replace(stored, schema=_without_examples(stored.schema), samples=kept))


def _reply_samples(erasure: Erasure, name: str) -> None:
    """Erase all samples of a dataset of replies: each holds whole requests."""
    stored = resources.stored_dataset(erasure.conn, name)
    if stored is not None:
        samples = load_chunk(stored.samples)
        kept = save_chunk(without_rows(samples, range(samples.records.num_rows)))
        resources.store_dataset(erasure.conn, replace(stored, schema=_without_examples(stored.schema), samples=kept))


def _without_examples(schema: Schema) -> Schema:
    columns = tuple(replace(column, examples=(ERASED,) if column.examples else ()) for column in schema.columns)
    source = None if schema.source is None else _without_examples(schema.source)
    return replace(schema, columns=columns, source=source)


def without_rows(chunk: Chunk, rows: Sequence[int]) -> Chunk:
    """The chunk without these rows."""
    left = [row for row in range(chunk.records.num_rows) if row not in rows]
    place = {row: number for number, row in enumerate(left)}
    return replace(
        chunk,
        records=chunk.records.take(left) if left else chunk.records.slice(0, 0),
        absent={name: frozenset(place[row] for row in some if row in place) for name, some in chunk.absent.items()},
        misfits={place[row]: refusal for row, refusal in chunk.misfits.items() if row in place},
        originals={place[row]: text for row, text in chunk.originals.items() if row in place},
    )


def _posted(ctx: Context, erasure: Erasure, name: str) -> None:
    """Erase the record from what was posted to the source of a dataset."""
    dataset = ctx.dataset(name)
    if not isinstance(ctx.project.sources[dataset.source], WebhookSource):
        return

    def key_of(record: Mapping[str, Any]) -> Key | None:
        parts = tuple(str(record[column]) if column in record else "" for column in dataset.key)
        return parts[0] if len(parts) == 1 else parts

    erasure.posted(dataset.source, key_of)


def _rewritten(ctx: Context) -> list[str]:
    """Remove old values from the database's files; a note if that is not possible now."""
    try:
        if not ctx.database.is_shared:
            rewrite(ctx.database)
            return []
        with ctx.database.alone() as execute:
            for table in metadata.sorted_tables:
                execute(f'VACUUM "{table.name}"')
    except EnvironmentFailure:
        return [LEFT_PAGES]
    return []
