"""The preview of an edit over HTTP: unsaved settings of a destination with 19 columns, another constant each time.

python benchmarks/service_preview.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from service_parts import apply, report, served, share

TIMES = 200
COLUMNS = [f"extra_{number}" for number in range(16)]
PROJECT = """\
credentials:
  acme: {connector: custify, api_key: "x", base_url: "http://127.0.0.1:9/api"}
sources:
  file: {type: file, path: people.csv}
datasets:
  people: {source: file, key: id}
destinations:
  people: {dataset: people, credential: acme, template: upsert_person, fields: {user_id: id, email: email, name: name}}
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = (
            ",".join((f"u{n}", f"p{n}@example.com", f"Person {n}", *("x" * 10 for _ in COLUMNS))) for n in range(1000)
        )
        (folder / "people.csv").write_text("\n".join((",".join(("id", "email", "name", *COLUMNS)), *lines)))
        apply(folder, PROJECT)
        with served(folder, "--no-worker") as service:
            client = service.client()
            value = client.ask("GET", "/api/v1/destinations/people")["value"]
            for what, more in (("5 requests", {"limit": 5}), ("1 request", {"limit": 1})):
                found: list[float] = []
                began = service.cpu_s()
                for number in range(TIMES):
                    edited = {**value, "fields": {**value["fields"], "phone": {"value": f"{100_000 + number}"}}}
                    started = time.perf_counter()
                    reply = client.ask(
                        "POST", "/api/v1/destinations/preview", {"name": "people", "value": edited, **more}
                    )
                    found.append((time.perf_counter() - started) * 1000)
                    if f"{100_000 + number}" not in reply["requests"][0]["body"]:
                        raise SystemExit("it is not the edit that was shown")
                cpu_ms = (service.cpu_s() - began) / TIMES * 1000
                first, found = found[0], sorted(found)
                report(what=what, p50_ms=share(found, 0.5), p95_ms=share(found, 0.95), first_ms=first, cpu_ms=cpu_ms)


if __name__ == "__main__":
    main()
