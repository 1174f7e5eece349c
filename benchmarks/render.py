"""The speed of rendering alone: one core maps, converts, checks, lays out and hashes records.

python benchmarks/render.py [records]

Prints records/s of 15-field records (9 fields of a person, 6 custom attributes) in both dialects: clean columns, then
text that has to be coerced value by value; then the time of one record alone. Medians of 5 rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import Binding, ColumnType, DestinationSpec, Dialect
from penstock.render.compile import Compiled, compile_template
from penstock.templates.catalogue import load_catalogue

CHUNK = 8_000
FIELDS = ("user_id", "email", "name", "phone", "signed_up_at", "churned_at", "plan", "company_id", "session_count")
TYPES: dict[str, ColumnType] = {
    "string": "text",
    "int64": "integer",
    "double": "number",
    "bool": "boolean",
    "date32[day]": "date",
}


def record(number: int) -> dict[str, object]:
    return {
        "user_id": f"u-{number}",
        "email": f"ada.{number}@example.com",
        "name": f"Zoë “Ada” Müller {number}",
        "phone": f"+49 30 {number}",
        "signed_up_at": datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        "churned_at": None if number % 3 else date(2026, 1, 1),
        "plan": ("free", "team", "pro")[number % 3],
        "company_id": f"c-{number // 10}",
        "session_count": number % 1000,
        "seats": number % 50,
        "score": number / 7,
        "region": "emea",
        "trial": number % 2 == 0,
        "renewal": date(2026, 1, 1) + timedelta(days=number % 365),
        "note": None if number % 4 else 'said "yes"',
    }


def as_text(row: dict[str, object]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in row.items()}


def compiled(batch: pa.RecordBatch, dialect: Dialect) -> Compiled:
    columns = tuple(Column(each.name, TYPES.get(str(each.type), "timestamp"), nullable=True) for each in batch.schema)
    destination = DestinationSpec(
        "people", "contacts", "acme", template="upsert_person", fields={name: Binding(column=name) for name in FIELDS}
    )
    template = load_catalogue()["upsert_person"]
    return compile_template(destination, ("user_id",), Schema(columns, len(batch)), template, dialect, "https://x.test")


def seconds(work: Compiled, chunks: list[Chunk]) -> float:
    began = time.perf_counter()
    for chunk in chunks:
        rendered = work.renderer.render(chunk)
        assert not rendered.refused
    return time.perf_counter() - began


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 80_000
    rows = [record(number) for number in range(total)]
    print(f"{total} records of 15 fields, one core, chunks of {CHUNK}")
    for title, table in (("typed", rows), ("all text", [as_text(row) for row in rows])):
        batches = pa.Table.from_pylist(table).combine_chunks().to_batches(CHUNK)
        chunks = [Chunk(batch, number * CHUNK) for number, batch in enumerate(batches)]
        for dialect in ("native", "flat"):
            work = compiled(batches[0], dialect)
            median = statistics.median(seconds(work, chunks) for _ in range(5))
            print(f"{title:9} {dialect:7} {total / median:10,.0f} records/s  {median / total * 1e6:5.1f} µs a record")
    one = [Chunk(batches[0].slice(0, 1), 0)]
    alone = statistics.median(seconds(work, one) for _ in range(200))
    print(f"one record alone {alone * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
