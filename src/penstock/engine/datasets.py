"""Datasets with the schema they were first read with: detected once, stored, used by preview and run alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from penstock.engine.surroundings import Surroundings
from penstock.model.errors import InputError
from penstock.model.record import Chunk, Schema
from penstock.model.spec import DatasetSpec, SourceSpec
from penstock.sources.dataset import Dataset
from penstock.sources.freezing import load_chunk, save_chunk
from penstock.sources.opening import Tools, open_dataset
from penstock.stores import resources, responses

SAMPLES = 20
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class KnownDataset:
    """A dataset, the schema its types were decided with, and some of its records."""

    spec: DatasetSpec
    dataset: Dataset
    schema: Schema
    samples: Chunk
    identity: str | None = None  # of the input that the schema was detected from


def dataset_spec(around: Surroundings, name: str) -> DatasetSpec:
    spec = around.project.datasets.get(name)
    if spec is None:
        raise around.unknown("dataset", name, around.project.datasets)
    return spec


def known_dataset(
    around: Surroundings,
    name: str,
    *,
    refresh: bool = False,
    progress: Progress = lambda _: None,
) -> KnownDataset:
    """Open a dataset; its schema is detected by one full pass when there is none for these settings, or on `refresh`.

    Raises InputError when the source cannot be read, or a key column is not there.
    """
    spec = dataset_spec(around, name)
    source = around.project.sources[spec.source]
    dataset = open_dataset(spec, source, _tools(around))
    settings = _settings(spec, source)
    with around.database.read() as conn:
        stored = None if refresh else resources.stored_dataset(conn, name)
    if stored is None or stored.settings != settings:
        detected = dataset.detect(progress)
        schema, samples = detected.schema, detected.samples
        seen = dataset.identity()
        _store(around, name, settings, dataset, schema, samples)
    else:
        schema, samples, seen = stored.schema, load_chunk(stored.samples), stored.identity
        identity = dataset.identity()
        if identity is not None and identity != stored.identity:
            samples = next(iter(dataset.read(schema, rows=SAMPLES)), samples)
            seen = None  # the samples are of the input as it is now, the count of records is not
            _store(around, name, settings, dataset, schema, samples)
    problems = dataset.check_columns(schema, spec.key)
    if problems:
        raise InputError(*problems)
    return KnownDataset(spec, dataset, schema, samples, seen)


def _store(
    around: Surroundings,
    name: str,
    settings: str,
    dataset: Dataset,
    schema: Schema,
    samples: Chunk,
) -> None:
    row = resources.StoredDataset(
        name=name,
        settings=settings,
        identity=dataset.identity(),
        schema=schema,
        samples=save_chunk(samples),
    )
    with around.database.begin() as conn:
        resources.store_dataset(conn, row)


def _tools(around: Surroundings) -> Tools:
    def rows(destination: str) -> Iterator[pa.RecordBatch]:
        with around.database.read() as conn:
            yield from responses.batches(conn, destination)

    return Tools(resolve=around.resolve, workspace=around.folder, responses=rows)


def _settings(spec: DatasetSpec, source: SourceSpec) -> str:
    """What decides the types besides the data: a change of it makes the schema be detected anew."""
    return f"{spec!r} {source!r}"
