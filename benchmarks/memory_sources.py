"""Speed and memory of reading sources: 5 M rows as CSV, Parquet and SQLite, detected and then read.

    python benchmarks/memory_sources.py [--rows 5000000] [--formats csv,parquet,sqlite,ndjson,csv+sql]

Every case runs in a separate process; the peak is the resident memory of that process by the kernel.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

STEP = 100_000
CASES = {
    "csv": ("rows.csv", None),
    "parquet": ("rows.parquet", None),
    "ndjson": ("rows.ndjson", None),
    "sqlite": ("rows.db", None),
    "csv+sql": ("rows.csv", "select *, upper(plan) as tier from source where seats > 0"),
    "sqlite+freeze": ("rows.db", None),
}


def tables(rows: int) -> Iterator[pa.Table]:
    """Customers of 15 columns, the same every time."""
    for start in range(0, rows, STEP):
        numbers = range(start, min(start + STEP, rows))
        yield pa.table(
            {
                "id": [f"cus_{n:09d}" for n in numbers],
                "email": [f"person.{n}@example.com" for n in numbers],
                "name": [f"Zoë O'Brien {n}" for n in numbers],
                "company": [f"company-{n % 9973}" for n in numbers],
                "plan": ["free" if n % 3 else "business" for n in numbers],
                "zip": [f"{n % 100_000:05d}" for n in numbers],
                "note": [None if n % 5 else f'said "hello", line {n}' for n in numbers],
                "seats": [n % 500 for n in numbers],
                "logins": [n * 7 % 100_003 for n in numbers],
                "mrr": [n % 10_000 / 100 for n in numbers],
                "score": [None if n % 11 == 0 else n % 1000 / 8 for n in numbers],
                "active": [n % 2 == 0 for n in numbers],
                "trial": [n % 7 == 0 for n in numbers],
                "created": [f"2026-01-{n % 28 + 1:02d}" for n in numbers],
                "seen": [f"2026-02-{n % 28 + 1:02d}T{n % 24:02d}:00:00Z" for n in numbers],
            }
        )


def write(folder: Path, rows: int, names: set[str]) -> None:
    """Write the files of `names` once."""
    database = sqlite3.connect(folder / "rows.db") if "rows.db" in names else None
    lines = (folder / "rows.ndjson").open("w") if "rows.ndjson" in names else None
    csv_writer = parquet_writer = None
    for table in tables(rows):
        if "rows.csv" in names:
            csv_writer = csv_writer or pa.csv.CSVWriter(folder / "rows.csv", table.schema)
            csv_writer.write_table(table)
        if "rows.parquet" in names:
            parquet_writer = parquet_writer or pq.ParquetWriter(folder / "rows.parquet", table.schema)
            parquet_writer.write_table(table)
        if database is not None:
            database.execute(f"create table if not exists rows ({', '.join(table.schema.names)})")
            marks = ",".join("?" * table.num_columns)
            records = zip(*(column.to_pylist() for column in table.columns), strict=True)
            database.executemany(f"insert into rows values ({marks})", records)
        if lines is not None:
            lines.writelines(json.dumps(row) + "\n" for row in table.to_pylist())
    for writer in (csv_writer, parquet_writer, lines):
        if writer is not None:
            writer.close()
    if database is not None:
        database.commit()
        database.close()


def measure(case: str, folder: Path) -> None:
    """Detect and read one case in this process; print one JSON line."""
    from penstock.model.spec import CursorSpec, DatasetSpec, FileSource, Secret, SqlSource
    from penstock.sources.source import Tools, open_dataset

    name, sql = CASES[case]
    cursor = CursorSpec("seats") if case == "sqlite+freeze" else None
    source = (
        SqlSource("s", Secret(()), folder, table="rows", cursor=cursor)
        if name.endswith(".db")
        else FileSource("s", name, folder)
    )
    spec = DatasetSpec("d", "s", ("id",), sql=sql)
    dataset = open_dataset(spec, source, Tools(lambda _: f"sqlite:///{name}", folder))
    before = time.perf_counter()
    schema = dataset.detect().schema
    detected = time.perf_counter()
    if case == "sqlite+freeze":
        count = dataset.freeze(schema, folder / "frozen", None).rows
    else:
        count = sum(chunk.records.num_rows for chunk in dataset.read(schema))
    done = time.perf_counter()
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent before its exec
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    times = {"detect": detected - before, "read": done - detected}
    print(json.dumps({"case": case, "rows": count, "peak": peak, **times}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--formats", default=",".join(CASES))
    parser.add_argument("--folder", type=Path, help="keep the files here, and use them again")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        measure(options.case, options.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        cases = options.formats.split(",")
        write(folder, options.rows, {CASES[case][0] for case in cases if not (folder / CASES[case][0]).exists()})
        print(f"{'case':<15}{'rows':>10}{'detect s':>10}{'read s':>10}{'peak MB':>10}")
        for case in cases:
            command = [sys.executable, __file__, "--case", case, "--folder", str(folder)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            times = f"{found['detect']:>10.1f}{found['read']:>10.1f}"
            print(f"{case:<15}{found['rows']:>10,}{times}{found['peak']:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
