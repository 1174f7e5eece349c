"""The columns of a file, and the values that a column of a Parquet file holds without loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.types as kinds

from penstock.model.outcome import named, refuse
from penstock.model.record import Chunk, Schema
from penstock.model.spec import ColumnType
from penstock.render.renderer import OPTIONS, Input, as_digits
from penstock.render.values.json_values import plain

ARROW: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
    "json": pa.string(),
}
WHOLE_FLOATS = 2**53  # up to here every whole number has a float of its own
INT64 = 2**63


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file: its name, its type in the dataset, and its Arrow type in a Parquet file."""

    name: str
    type: ColumnType
    arrow: pa.DataType

    def typed(self, value: object) -> object:
        """A value of JSON as the column holds it; a Refusal when it would not be the same."""
        if value is None:
            return None
        found = TYPED[self.type](value, self.arrow)
        if found is not None:
            return found
        refusal = refuse("type", value, f"is no {self.type} that a Parquet file can hold", f"a {self.type}")
        return named(refusal, self.name)


def json_of(value: object) -> str:
    """A value as compact JSON text, with every digit of its numbers."""
    return orjson.dumps(plain(value), as_digits, OPTIONS).decode()


def file_columns(inputs: Sequence[Input], schema: Schema, samples: Chunk) -> tuple[FileColumn, ...]:
    """The columns of the records that these inputs make, in their order. The samples have the scale of decimals."""
    return tuple(_column(each, schema, samples) for each in inputs if each.place is not None)


def _column(each: Input, schema: Schema, samples: Chunk) -> FileColumn:
    step = each.step
    if step.column is None:
        kind = _type_of(None if step.constant is None else step.constant[0])
        return FileColumn(step.field, kind, ARROW[kind])
    column = schema.column(step.column)
    kind = "text" if column is None else column.type
    found = samples.records.schema.get_field_index(step.column)
    exact = None if found < 0 else samples.records.schema.field(found).type
    keeps = exact is not None and (
        (kind == "number" and kinds.is_decimal(exact)) or (kind == "timestamp" and kinds.is_timestamp(exact))
    )
    return FileColumn(step.field, kind, exact if keeps and exact is not None else ARROW[kind])


def _type_of(constant: object) -> ColumnType:
    """The type of a constant."""
    names: tuple[tuple[type, ColumnType], ...] = (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "text"),
    )
    return next((name for kind, name in names if isinstance(constant, kind)), "json")


# ── values: None is what the column cannot hold ──────────────────────────────


def _text(value: Any, _: pa.DataType) -> object:
    return value if isinstance(value, str) else json_of(value)


def _integer(value: Any, _: pa.DataType) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and -INT64 <= value < INT64 else None


def _number(value: Any, arrow: pa.DataType) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if kinds.is_decimal(arrow):
        return _decimal(value, arrow)
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else None
    return float(value) if isinstance(value, float) or abs(value) <= WHOLE_FLOATS else None


def _decimal(value: float | Decimal, arrow: Any) -> object:
    try:
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        scaled = exact.quantize(Decimal(1).scaleb(-arrow.scale))
    except InvalidOperation:
        return None
    fits = scaled == exact and len(scaled.as_tuple().digits) <= arrow.precision
    return scaled if fits else None


def _boolean(value: Any, _: pa.DataType) -> object:
    return value if isinstance(value, bool) else None


def _date(value: Any, _: pa.DataType) -> object:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def _timestamp(value: Any, arrow: Any) -> object:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return moment if arrow.tz is not None else moment.replace(tzinfo=None)


def _json(value: Any, _: pa.DataType) -> object:
    return json_of(value)


TYPED: dict[ColumnType, Callable[[Any, Any], object]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "json": _json,
}
