"""One run of Penstock in a separate process: `python benchmarks/send.py FOLDER`, where penstock.yaml names `it`.

Prints {"records", "seconds", "delivered", "unchanged", "requests", "status"} as JSON. Opening the project and its state
and typing the dataset's columns are in the seconds; imports are not. Arrow's memory pool is that of the command line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
from penstock import Project


def main() -> None:
    began = time.perf_counter()
    with Project.load(Path(sys.argv[1]) / "penstock.yaml") as project:
        report = project.run("it")
    document = {
        "records": report.records.read,
        "seconds": time.perf_counter() - began,
        "delivered": report.records.delivered,
        "unchanged": report.records.unchanged,
        "requests": report.requests,
        "status": report.status,
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
