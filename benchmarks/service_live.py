"""From a post to a webhook to the request at the destination, of an idle service: one record after the other.

python benchmarks/service_live.py            # 8 records
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from service_parts import Served, apply, report, served, share

RECORDS = 8
WAITS_S = 6.0  # until the background work of the start is done
PROJECT = """\
credentials:
  sink: {{connector: custify, api_key: "x", base_url: "http://127.0.0.1:{port}/api"}}
sources:
  app: {{type: webhook, auth: none}}
datasets:
  people: {{source: app, key: id}}
destinations:
  it:
    dataset: people
    credential: sink
    template: upsert_person
    fields: {{user_id: id, email: email}}
    active: true
"""


def main() -> None:
    sink = [sys.executable, str(Path(__file__).parent / "sink.py")]
    with tempfile.TemporaryDirectory() as name, subprocess.Popen(sink, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        folder, port = Path(name), other.stdout.readline().strip()
        apply(folder, PROJECT.format(port=port))
        try:
            _measure(folder, port)
        finally:
            other.terminate()


def _measure(folder: Path, port: str) -> None:
    with served(folder) as service:
        time.sleep(WAITS_S)
        _post_and_wait(service, port, 0)  # the first run imports what runs need
        found = sorted(_post_and_wait(service, port, number) for number in range(1, RECORDS + 1))
        report(what="post to request", p50_s=share(found, 0.5), p95_s=share(found, 0.95), longest_s=found[-1])


def _post_and_wait(service: Served, port: str, number: int) -> float:
    began = time.perf_counter()
    service.client().ask("POST", "/hooks/app", {"id": f"u{number}", "email": f"p{number}@example.com"})
    while not _arrived(port):
        if time.perf_counter() - began > 60:
            raise SystemExit("it did not arrive")
        time.sleep(0.01)
    took = time.perf_counter() - began
    time.sleep(3.0)  # the service becomes idle
    return took


def _arrived(port: str) -> bool:
    """Whether a request arrived since the last call."""
    with urlopen(f"http://127.0.0.1:{port}/count") as reply:
        return bool(json.loads(reply.read())["requests"])


if __name__ == "__main__":
    main()
