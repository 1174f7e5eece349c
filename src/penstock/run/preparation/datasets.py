"""Datasets with the schema from their first read: detected once, stored, and used by preview and run alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import pyarrow as pa

from penstock.clock import iso
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Column, DatasetReport, ReadWindow, Schema
from penstock.model.settings_text import settings_text
from penstock.model.spec import DatasetSpec, SourceSpec, WebhookSource
from penstock.run.connection.object_reads import CustifyReads
from penstock.run.context import Context
from penstock.run.diff.records import JSON_MARK, chunk_of, record_hash, record_json
from penstock.sources.chunks import load_chunk, save_chunk
from penstock.sources.cursor import value_of
from penstock.sources.dataset import Dataset
from penstock.sources.pushed_rows import SQL_RULE, Pushed, StoredReplies, too_many_names
from penstock.sources.source import Tools, open_dataset
from penstock.sources.typing.exact_json import read_record, readable
from penstock.store.project import pushed, resources
from penstock.store.quarantine import QuarantineRow
from penstock.store.runs import deliveries
from penstock.store.unknown_records import ResentRecord

SAMPLES = 20
WHOLE, FIRST_PAGES = "whole", "first pages"  # of an API: what its schema was detected from
MOST_NAMED = 50  # new columns of one event


@dataclass(frozen=True, slots=True)
class KnownDataset:
    """A dataset, the schema its types were decided with, and some of its records."""

    spec: DatasetSpec
    dataset: Dataset
    schema: Schema
    samples: Chunk
    identity: str | None = None  # of the input that the schema was detected from
    may_gain_columns: bool = False  # later records may have columns that no record had yet
    read_at: str | None = None  # when the types were decided; None: by 0.1.0


class Types(NamedTuple):
    """What decided the types of a dataset's columns, and when."""

    settings: str
    read_at: str | None


def known_dataset(ctx: Context, name: str, *, refresh: bool = False, whole: bool = False) -> KnownDataset:
    """Open a dataset; its schema is detected by one full pass when there is none for these settings, or on `refresh`.

    A source that is read from an API is read whole only if `whole`; else its first pages decide, until it was.
    Raises InputError when the source cannot be read, or a key column is not there.
    """
    spec = ctx.dataset(name)
    source = ctx.project.sources[spec.source]
    dataset = open_dataset(spec, source, tools(ctx))
    settings = settings_of(spec, source)
    with ctx.database.read() as conn:
        stored = None if refresh else resources.stored_dataset(conn, name)
    if stored is not None and stored.settings != settings:
        stored = None
    if isinstance(source, WebhookSource):
        return _pushed(ctx, dataset, settings, stored)
    if dataset.api is not None:
        known = _of_api(ctx, dataset, settings, stored, whole=whole or refresh)
    elif stored is None or not stored.schema.columns or dataset.has_renamed(stored.schema):
        known = _detected(ctx, dataset, settings)
    else:
        known = _as_stored(ctx, dataset, stored)
    if not known.schema.columns:  # a source without records shows no columns, and that is no error
        return with_columns(replace(known, may_gain_columns=True), spec.key)
    return _with_its_key(known)


def _detected(ctx: Context, dataset: Dataset, settings: str) -> KnownDataset:
    """The dataset as one full pass over its source finds it."""
    types = Types(settings, iso(ctx.clock.now()))
    detected = dataset.detect()
    seen = dataset.identity()
    _store(ctx, dataset, types, detected.schema, detected.samples)
    return KnownDataset(dataset.spec, dataset, detected.schema, detected.samples, seen, read_at=types.read_at)


def _of_api(
    ctx: Context, dataset: Dataset, settings: str, stored: resources.StoredDataset | None, *, whole: bool
) -> KnownDataset:
    """A dataset of an API. Nothing is read for one that is known, unless `whole`: then what was open is decided."""
    assert dataset.api is not None
    is_known = stored is not None and bool(stored.schema.columns) and (stored.identity == WHOLE or not whole)
    if stored is not None and is_known:
        schema, samples = stored.schema, load_chunk(stored.samples)
        if whole:
            schema = dataset.with_first_values(schema, None)
        if schema is not stored.schema:
            _store(ctx, dataset, Types(settings, stored.read_at), schema, samples, WHOLE)
        return KnownDataset(dataset.spec, dataset, schema, samples, read_at=stored.read_at)
    types = Types(settings, iso(ctx.clock.now()))
    rows = dataset.api if whole else dataset.api.first()
    detected = Dataset(dataset.spec, dataset.source, rows, ctx.folder, reach=ctx.reach).detect()
    _store(ctx, dataset, types, detected.schema, detected.samples, WHOLE if whole else FIRST_PAGES)
    return KnownDataset(dataset.spec, dataset, detected.schema, detected.samples, read_at=types.read_at)


def _as_stored(ctx: Context, dataset: Dataset, stored: resources.StoredDataset) -> KnownDataset:
    """The dataset as it was detected earlier. Columns without values get types; samples are of the input of now."""
    schema, samples, seen = stored.schema, load_chunk(stored.samples), stored.identity
    store = partial(_store, ctx, dataset, Types(stored.settings, stored.read_at))
    identity = dataset.identity()
    if identity is None or identity != stored.identity:
        schema = dataset.with_first_values(schema, _read_by_all(ctx, dataset.spec.name))
    if schema is not stored.schema:
        samples, seen = next(iter(dataset.read(schema, rows=SAMPLES)), samples), identity
        store(schema, samples)
    elif identity is not None and identity != stored.identity:
        samples = next(iter(dataset.read(schema, rows=SAMPLES)), samples)
        seen = None  # the samples are of the input as it is now, the count of records is not
        store(schema, samples)
    return KnownDataset(dataset.spec, dataset, schema, samples, seen, read_at=stored.read_at)


def _with_its_key(known: KnownDataset) -> KnownDataset:
    """InputError where a key column is not there."""
    problems = known.dataset.check_columns(known.schema, known.spec.key)
    if problems:
        raise InputError(*problems)
    return known


def _read_by_all(ctx: Context, name: str) -> ReadWindow | None:
    """The place that all destinations of a dataset have read up to; None if one reads the source whole."""
    with ctx.database.read() as conn:
        found = [
            resources.window_of(conn, spec.name) for spec in ctx.project.destinations.values() if spec.dataset == name
        ]
    windows = [ReadWindow.from_json(window) for window in found if window is not None]
    if len(windows) < len(found) or any(window.value is None for window in windows):
        return None
    try:
        return min(windows, key=value_of, default=None)
    except (KeyError, TypeError, ValueError):  # of different columns, or of a source that had another kind of place
        return None


def _pushed(ctx: Context, dataset: Dataset, settings: str, stored: resources.StoredDataset | None) -> KnownDataset:
    """A dataset of a webhook source. New columns are added to its schema; the known ones keep their types.

    Before its first record, every column that the project names counts as present.
    """
    spec, tip = dataset.spec, dataset.tip or 0
    dataset.read_upto(tip)  # later records may have columns that the schema lacks: the next run reads them
    seen = 0 if stored is None or stored.identity is None else int(stored.identity)
    read_at = iso(ctx.clock.now()) if stored is None or not stored.schema.records else stored.read_at
    schema, samples = _pushed_columns(ctx, dataset, stored, seen, tip)
    few = samples.records.num_rows < SAMPLES
    if stored is None or schema is not stored.schema or tip - seen >= (1 if few else SAMPLES):
        newest = dataset.newest(schema) if schema.records else None
        samples = padded(samples, schema.columns) if newest is None else newest
        _store(ctx, dataset, Types(settings, read_at), schema, samples, str(tip))
    known = KnownDataset(spec, dataset, schema, samples, read_at=read_at)
    if spec.sql is None or not schema.columns:
        return with_columns(replace(known, schema=replace(schema, grows=True), may_gain_columns=True), spec.key)
    return _with_its_key(known)


def _pushed_columns(
    ctx: Context, dataset: Dataset, stored: resources.StoredDataset | None, seen: int, tip: int
) -> tuple[Schema, Chunk]:
    """The columns of the records up to number `tip`, and samples. Those up to number `seen` were read before."""
    if stored is None or (tip > seen and not stored.schema.records):
        detected = dataset.detect()
        return detected.schema, detected.samples
    samples = load_chunk(stored.samples)
    if tip <= seen or not dataset.has_grown(stored.schema, seen):
        return stored.schema, samples
    schema = with_later(dataset.detect(known=stored.schema).schema, stored.schema)
    new = [name for name in schema.names() if name not in stored.schema.names()]
    ctx.events.emit("intake.changed", dataset=dataset.spec.name, columns=new[:MOST_NAMED])
    return schema, samples


def with_columns(known: KnownDataset, names: Iterable[str]) -> KnownDataset:
    """The dataset with columns that no record has had yet: absent in every sample, of any type."""
    there = set(known.schema.names())
    more = tuple(Column(name, "json", nullable=True) for name in dict.fromkeys(names) if name not in there)
    if not more:
        return known
    schema = replace(known.schema, columns=(*known.schema.columns, *more))
    return replace(known, schema=schema, samples=padded(known.samples, schema.columns))


def with_later(found: Schema, before: Schema) -> Schema:
    """The schema in which the columns that `before` lacks are marked as later ones, as those that were before are."""
    known = {column.name: column.later for column in before.columns}
    return replace(found, columns=tuple(replace(c, later=known.get(c.name, True)) for c in found.columns))


def with_new_columns(known: KnownDataset) -> KnownDataset:
    """The dataset with the columns that came after it was first read; what was decided of the others stays."""
    schema = known.dataset.with_new_columns(known.schema)
    return replace(known, schema=schema, samples=next(iter(known.dataset.read(schema, rows=SAMPLES)), known.samples))


def padded(chunk: Chunk, columns: Iterable[Column]) -> Chunk:
    """A chunk with the columns that it lacks: absent in every row."""
    rows = chunk.records.num_rows
    there = set(chunk.records.schema.names)
    missing = [column for column in columns if column.name not in there]
    fields = [pa.field(column.name, pa.string(), metadata={b"penstock": b"json"}) for column in missing]
    records = pa.RecordBatch.from_arrays(
        [*chunk.records.columns, *(pa.nulls(rows, field.type) for field in fields)],
        schema=pa.schema([*chunk.records.schema, *fields]),
    )
    everywhere = frozenset(range(rows))
    absent = {**chunk.absent, **{column.name: everywhere for column in missing}}
    return replace(chunk, records=records, absent=absent)


def _store(
    ctx: Context,
    dataset: Dataset,
    types: Types,
    schema: Schema,
    samples: Chunk,
    identity: str | None = None,
) -> None:
    row = resources.StoredDataset(
        name=dataset.spec.name,
        settings=types.settings,
        identity=identity or dataset.identity(),
        schema=schema,
        samples=save_chunk(samples),
        read_at=types.read_at,
    )
    with ctx.database.begin() as conn:
        resources.store_dataset(conn, row)


@cache
def reply_schema() -> pa.Schema:
    """The columns of a reply; nested ones are marked JSON text."""
    kinds = {"attempt": pa.int64(), "duration_ms": pa.float64()}
    return pa.schema(
        [
            pa.field(name, pa.string(), metadata=JSON_MARK)
            if name in deliveries.NESTED_COLUMNS
            else pa.field(name, kinds.get(name, pa.string()))
            for name in deliveries.RESPONSE_COLUMNS
        ]
    )


def tools(ctx: Context) -> Tools:
    """What sources need from this context."""

    def replies(destination: str) -> StoredReplies:
        def after(last: int) -> Iterator[tuple[int, pa.RecordBatch]]:
            with ctx.database.read() as conn:
                while rows := deliveries.responses_after(conn, destination, last):
                    last = rows[-1][0]
                    yield last, pa.RecordBatch.from_pylist([row for _, row in rows], schema=reply_schema())

        return StoredReplies(f"{destination}.responses", reply_schema(), after)

    def posted(source: str) -> Pushed:
        def after(last: int, upto: int | None) -> Iterator[tuple[int, list[str]]]:
            with ctx.database.read() as conn:
                yield from pushed.after(conn, source, last, upto)

        def tip() -> int:
            with ctx.database.read() as conn:
                return pushed.received(conn, source).tip

        def latest(count: int) -> list[str]:
            with ctx.database.read() as conn:
                return [record for _, _, record in pushed.latest(conn, source, count)]

        return Pushed(after, tip, latest)

    return Tools(
        ctx.resolve, ctx.folder, responses=replies, pushed=posted, reach=ctx.reach, objects=partial(CustifyReads, ctx)
    )


def settings_of(spec: DatasetSpec | None, source: SourceSpec) -> str:
    """What decides the types besides the data: a change of it makes the schema be detected again.

    Without a dataset, the end of the text: the settings of the source.
    """
    own: object = source
    if isinstance(source, WebhookSource):
        own = dict(source.columns) if source.decimal is None else (dict(source.columns), source.decimal)
    return f"{'' if spec is None else settings_text(spec)} {settings_text(own)}"


def dataset_report(ctx: Context, name: str, *, refresh: bool = False) -> DatasetReport:
    """The detected schema of a dataset; `refresh` reads and detects it again."""
    known = known_dataset(ctx, name, refresh=refresh)
    dataset, schema = known.dataset, known.schema
    later = tuple(column.name for column in schema.columns if column.later)
    new, gone = dataset.new_columns(schema, look=dataset.api is None or refresh), dataset.gone_columns(schema)
    return DatasetReport(name, ctx.dataset(name).key, schema, (*later, *new), gone)


def samples_of(ctx: Context, name: str) -> list[dict[str, Any]]:
    """The sample records stored for a dataset, as JSON values."""
    found = known_dataset(ctx, name).samples
    return [readable(read_record(record_json(found, row))) for row in range(found.records.num_rows)]


def chunks_of(data: KnownDataset, rows: Sequence[QuarantineRow]) -> Iterator[Chunk]:
    """The records in quarantine as the input of a run: one chunk."""
    lost = [entry.id for entry in rows if entry.record_print == 0]
    if lost:
        message = f"the record of {', '.join(lost)} was not stored: it was read from an input that has changed since"
        hint = "did it arrive? then settle it; if not, discard it: the next run that reads its key sends it"
        raise InputError(Problem("quarantine", message, "record-not-kept", hint))
    if any(entry.rule == SQL_RULE for entry in rows):
        for number, entry in enumerate(rows):
            yield replace(_one(data, entry), first=number)
        return
    records = [read_record(entry.record) for entry in rows]
    chunk = chunk_of(records, data.schema)
    refused = {row: refusal for row, record in enumerate(records) if (refusal := too_many_names(record)) is not None}
    originals = {row: rows[row].record for row in refused}
    yield replace(chunk, misfits={**chunk.misfits, **refused}, originals=originals) if refused else chunk


def resent_record(row: QuarantineRow) -> ResentRecord:
    """What a run needs to know about a record in quarantine that it sends."""
    is_fixed = row.record_print != 0 and (row.edited or record_hash(row.record) != row.record_print)
    return ResentRecord(row.id, row.record_print, row.record, is_fixed, is_raw=row.rule == SQL_RULE)


def _one(data: KnownDataset, entry: QuarantineRow) -> Chunk:
    """One record in quarantine as a chunk; a record of the source goes through the SQL first, which must return one."""
    if entry.rule != SQL_RULE:
        return chunk_of([read_record(entry.record)], data.schema)
    made = data.dataset.shape(entry.record, data.schema)
    rows = sum(chunk.records.num_rows for chunk in made)
    if rows == 1:
        return next(chunk for chunk in made if chunk.records.num_rows)
    reason = f"the dataset's SQL makes {rows or 'no'} records of it; a resend sends one"
    refusal = Refusal(SQL_RULE, reason, accepted="discard it, and post what is to be sent")
    return replace(chunk_of([{}], data.schema), misfits={0: refusal}, originals={0: entry.record})
