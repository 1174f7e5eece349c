"""The processor time (user and system) of an idle `penstock serve` over a minute.

python benchmarks/service_rest.py            # a small project, and one of 1,000 destinations and 500 flows
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from service_parts import apply, report, served

WAITS_S = 15.0  # until the start-up work of the background threads is over
MEASURED_S = 60.0
BEGINNING = """\
credentials:
  sink: {connector: custify, api_key: "x", base_url: "http://127.0.0.1:9/api"}
sources:
  file: {type: file, path: people.csv}
  app: {type: webhook, auth: none}
datasets:
  people: {source: file, key: id}
  posted: {source: app, key: id}
destinations:
  live: {dataset: posted, credential: sink, template: upsert_person, fields: {user_id: id}, active: true}
"""
DESTINATION = "{{dataset: people, credential: sink, template: upsert_person, fields: {{user_id: id}}, active: true}}"


def main() -> None:
    for destinations in (2, 1000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "people.csv").write_text("id,email\n1,ada@example.com\n")
            apply(folder, _project(destinations))
            with served(folder) as service:
                time.sleep(WAITS_S)
                before, began = service.cpu_s(), time.perf_counter()
                time.sleep(MEASURED_S)
                percent = 100 * (service.cpu_s() - before) / (time.perf_counter() - began)
                report(what="at rest", destinations=destinations, flows=destinations // 2, percent_of_a_core=percent)


def _project(destinations: int) -> str:
    """Destinations, and flows of two each with a schedule that is not due meanwhile."""
    lines = [f"  d{n:04}: {DESTINATION.format()}" for n in range(destinations)]
    lines.append("flows:")
    lines += [
        f'  f{n:04}: {{destinations: [d{2 * n:04}, d{2 * n + 1:04}], schedule: "every 1d"}}'
        for n in range(destinations // 2)
    ]
    return BEGINNING + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
