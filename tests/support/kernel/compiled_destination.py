"""Chunks, schemas and compiled destinations from plain Python records, for the kernel's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import BatchSpec, Binding, DestinationSpec
from penstock.render.compile import Compiled, compile_template
from penstock.templates.catalogue import load_catalogue

BASES = {"native": "https://api.custify.com", "flat": "https://app.custify.com/api"}


def chunk_of(records: Sequence[Mapping[str, Any]], absent: Mapping[str, frozenset[int]] | None = None) -> Chunk:
    """Records with the union of their members as columns."""
    names = list(dict.fromkeys(name for record in records for name in record))
    arrays = [pa.array([record.get(name) for record in records]) for name in names]
    return Chunk(pa.RecordBatch.from_arrays(arrays, names), 0, absent or {})


def json_column(texts: Sequence[str | None]) -> tuple[pa.Field, pa.Array]:
    """A column of JSON as the sources return it: text, marked as JSON."""
    return pa.field("", pa.string(), metadata={b"penstock": b"json"}), pa.array(texts, pa.string())


def with_json(chunk: Chunk, **columns: Sequence[str | None]) -> Chunk:
    records = chunk.records
    for name, texts in columns.items():
        field, array = json_column(texts)
        records = records.append_column(field.with_name(name), array)
    return Chunk(records, chunk.first, chunk.absent, chunk.misfits)


def schema_of(chunk: Chunk) -> Schema:
    return Schema(
        tuple(Column(each.name, _type(each), nullable=True) for each in chunk.records.schema), chunk.records.num_rows
    )


def _type(field: pa.Field) -> Any:
    kind = field.type
    if (field.metadata or {}).get(b"penstock") == b"json" or pa.types.is_nested(kind):
        return "json"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind):
        return "date"
    return "timestamp" if pa.types.is_timestamp(kind) else "text"


def bindings(fields: Mapping[str, Any] | None) -> dict[str, Binding] | None:
    """`fields` as in the project file: field → column, {value: …} or {column: …, default: …}."""
    if fields is None:
        return None
    return {name: _binding(given) for name, given in fields.items()}


def _binding(given: Any) -> Binding:
    if isinstance(given, str):
        return Binding(column=given)
    if isinstance(given, Binding):
        return given
    constant = (given["value"],) if "value" in given else None
    default = (given["default"],) if "default" in given else None
    return Binding(given.get("column"), constant, default)


def compiled(
    template: str, dialect: Any, chunk: Chunk, key: str | Sequence[str], batch: BatchSpec | None = None, **settings: Any
) -> Compiled:
    keys = (key,) if isinstance(key, str) else tuple(key)
    fields = bindings(settings.pop("fields", None))
    spec = DestinationSpec(
        "d", "data", "acme", template=template, fields=fields, batch=batch or BatchSpec(), **settings
    )
    return compile_template(spec, keys, schema_of(chunk), load_catalogue()[template], dialect, BASES[dialect])
