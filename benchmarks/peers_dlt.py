"""dlt's custom destination: `python benchmarks/peers_dlt.py dicts|arrow PARQUET PORT SIZE FOLDER`.

`dicts` yields pages of dicts and uses dlt's default load files; `arrow` yields Arrow batches and loads Parquet files.
The destination maps each item to its payload and posts it over a keep-alive session; dlt's default of 20 workers.
Prints {"records", "seconds"} as JSON, imports not included.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from peers_input import READ_AT_ONCE, pages, payload

HEADERS = {"Content-Type": "application/json"}


def rows_of(items: Any) -> list[dict[str, Any]]:
    """dlt passes a list of dicts, an Arrow batch, or (with a size of 1) one dict; null columns may be missing."""
    if isinstance(items, pa.RecordBatch | pa.Table):
        return items.to_pylist()
    return [items] if isinstance(items, dict) else list(items)


def as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


class Complete(dict[str, Any]):
    def __missing__(self, name: str) -> None:
        return None


def main() -> None:
    kind, path, port, size, folder = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": folder}
    import dlt
    import requests

    url, mine, counts = f"http://127.0.0.1:{port}/in", threading.local(), []

    def send(items: Any, table: Any) -> None:  # noqa: ARG001 -- dlt calls it with both
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
        found = [payload(Complete(row)) for row in rows_of(items)]
        data = json.dumps({"batch": found} if size > 1 else found[0], default=as_text)
        mine.session.post(url, data=data, headers=HEADERS, timeout=30).raise_for_status()
        counts.append(len(found))

    def batches() -> Iterator[Any]:
        if kind == "arrow":
            yield from pq.ParquetFile(path).iter_batches(READ_AT_ONCE)
        else:
            yield from pages(path, READ_AT_ONCE)

    began = time.perf_counter()
    form: dict[str, Any] = {"loader_file_format": "parquet"} if kind == "arrow" else {}
    destination = dlt.destination(send, batch_size=size, name="sink", **form)
    pipeline = dlt.pipeline("bench", destination=destination(), pipelines_dir=folder)
    pipeline.run(batches(), table_name="people")
    print(json.dumps({"records": sum(counts), "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
