"""The benchmark's input: customers with 19 columns, of which 15 fields are sent, as Parquet. Seeded, vectorised."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SENT = [
    "customer_id",
    "email",
    "name",
    "company_id",
    "plan",
    "country",
    "signed_up_at",
    "seats",
    "mrr",
    "last_seen_at",
    "is_admin",
    "churn_risk",
    "nps",
    "locale",
    "notes",
]
LEFT_OUT = ("internal_a", "internal_b", "internal_c", "internal_d")


def table(rows: int, first: int = 0) -> pa.Table:
    dice = np.random.default_rng(7 + first)
    numbers = np.arange(first, first + rows)
    some = [f"Müller {n % 977}" if n % 5 else f'O"Neil {n % 977}' for n in numbers]
    days = np.datetime64("2023-01-01") + (numbers % 900).astype("timedelta64[D]")
    moments = np.datetime64("2026-01-01T00:00:00", "s") + (numbers % 10_000_000).astype("timedelta64[s]")
    columns = {
        "customer_id": [f"c-{n:08}" for n in numbers],
        "email": [f"person{n}@example.com" for n in numbers],
        "name": some,
        "company_id": [f"acc-{n % 5000:05}" for n in numbers],
        "plan": np.array(["free", "team", "business"])[numbers % 3],
        "country": np.array(["DE", "ES", "US", "FR"])[numbers % 4],
        "signed_up_at": pa.array(days, pa.date32()),
        "seats": pa.array(numbers % 500, pa.int64()),
        "mrr": pa.array(np.round(dice.random(rows) * 900, 2), pa.float64()),
        "last_seen_at": pa.array(moments, pa.timestamp("us", "UTC")),
        "is_admin": numbers % 7 == 0,
        "churn_risk": pa.array(np.round(dice.random(rows), 3), pa.float64()),
        "nps": pa.array(numbers % 11, pa.int64(), mask=numbers % 3 == 0),
        "locale": np.array(["de_DE", "en_US"])[numbers % 2],
        "notes": pa.array([f"seen {n % 100} times" for n in numbers], mask=numbers % 2 == 0),
        **dict.fromkeys(LEFT_OUT, numbers * 3),
    }
    return pa.table(columns)


def write(path: Path, rows: int, piece: int = 100_000) -> None:
    """Write `rows` customers to a Parquet file, a piece at a time."""
    first = table(min(rows, piece))
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for start in range(piece, rows, piece):
            writer.write_table(table(min(piece, rows - start), start))


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
