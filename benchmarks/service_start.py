"""Start and memory of `penstock serve`: the time until it answers, and its memory before and after a run.

python benchmarks/service_start.py            # three starts, then a run of 20,000 people to a local sink
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service_parts import Client, apply, report, served, share

PEOPLE = 20_000
WAITS_S = 8.0  # until the background work of the start is done
RETURNS_S = 1.0  # after a run, for the service to return memory to the system
PROJECT = """\
credentials:
  sink: {{connector: custify, api_key: "x", base_url: "http://127.0.0.1:{port}/api"}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  people: {{source: file, key: id}}
destinations:
  it:
    dataset: people
    credential: sink
    template: send_batch
    fields: {{user_id: id, email: email, name: name}}
    active: true
"""


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    sink = [sys.executable, str(Path(__file__).parent / "sink.py")]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(sink, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout is not None
        folder, port = Path(name), other.stdout.readline().strip()
        rows = "".join(f"u{n},p{n}@example.com,Person {n}\n" for n in range(PEOPLE))
        (folder / "people.csv").write_text("id,email,name\n" + rows)
        apply(folder, PROJECT.format(port=port))
        _starts(folder, starts)
        with served(folder) as service:
            client = service.client()
            time.sleep(WAITS_S)
            report(what="memory before the first run", mb=service.memory_mb(), highest_mb=service.memory_mb("VmHWM"))
            _run(client)
            time.sleep(RETURNS_S)
            report(what="memory after a run", mb=service.memory_mb(), highest_mb=service.memory_mb("VmHWM"))
        other.terminate()


def _starts(folder: Path, times: int) -> None:
    found, cpu = [], []
    for _ in range(times):
        with served(folder) as service:
            found.append(service.ready_s)
            cpu.append(service.ready_cpu_s)
    report(what="start to ready", best_s=min(found), median_s=share(sorted(found), 0.5), cpu_s=min(cpu))


def _run(client: Client) -> None:
    run = client.ask("POST", "/api/v1/runs", {"target": "it"})["run"]
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = client.ask("GET", f"/api/v1/runs/{run}")
        if found["status"] not in ("queued", "running"):
            report(what="run", status=found["status"], records=found["records"]["read"], seconds=found["duration_s"])
            return
        time.sleep(0.2)
    raise SystemExit("the run did not end")


if __name__ == "__main__":
    main()
