"""Compares a stored schema with the columns that the source has now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penstock.model.record import Column, Schema
from penstock.model.spec import ColumnType
from penstock.sources.pieces import Rows


def gone_from(rows: Rows, schema: Schema) -> tuple[str, ...]:
    """The columns of the schema that the rows do not have; records of JSON may lack any of them."""
    known = () if rows.open_ended else frozenset(rows.names())
    return () if rows.open_ended else tuple(name for name in schema.names() if name not in known)


def united(new: Schema, old: Schema) -> Schema:
    """The new schema, then the columns that only the old one has."""
    names = new.names()
    return replace(new, columns=(*new.columns, *(column for column in old.columns if column.name not in names)))


def decided_types(schema: Schema | None) -> Mapping[str, ColumnType]:
    """The types that a value was seen for."""
    return {} if schema is None else {column.name: column.type for column in schema.columns if not column.open}


def closed(old: Schema, new: Schema) -> tuple[Column, ...]:
    """The old columns, those without a type yet as the new schema has them."""
    return tuple((new.column(column.name) or column) if column.open else column for column in old.columns)
