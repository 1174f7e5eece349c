"""List pages of the API with 100,000 runs in the state: the first page, a later one, and filtered ones.

python benchmarks/service_lists.py            # 100,000 runs; another number as argument
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service_parts import Client, apply, served, share, tell

TIMES = 100
PROJECT = """\
credentials:
  acme: {connector: custify, api_key: "x", base_url: "http://127.0.0.1:9/api"}
sources:
  file: {type: file, path: people.csv}
datasets:
  people: {source: file, key: id}
destinations:
  people: {dataset: people, credential: acme, template: upsert_person, fields: {user_id: id}, active: true}
  others: {dataset: people, credential: acme, template: upsert_person, fields: {user_id: id}}
flows:
  nightly: {schedule: "0 2 * * *", destinations: [people, others]}
"""


def fill(folder: Path, number: int) -> None:
    """So many runs, one a minute: three of four succeeded; a tenth are of flows, with two parts each."""
    from sqlalchemy import insert

    from penstock.clock import iso
    from penstock.stores.database import Database
    from penstock.stores.runs import RunRow, start
    from penstock.stores.schema import runs

    database = Database.open(f"sqlite:///{folder / '.penstock' / 'state.db'}")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    with database.begin() as conn:
        start(conn, RunRow("model", "destination", "people", iso(first)))
        model = dict(conn.execute(runs.select()).mappings().one())
        conn.execute(runs.delete())
        rows = []
        for n in range(number):
            at = iso(first + timedelta(minutes=n))
            status = ("succeeded", "succeeded", "succeeded", "partial")[n % 4]
            kind, target = ("flow", "nightly") if n % 10 == 0 else ("destination", ("people", "others")[n % 2])
            parent = f"r-{n - n % 10:09d}" if n % 10 in (1, 2) else None
            counts = {"read": 100, "delivered": 90 + n % 10}
            rows.append(
                {**model, "id": f"r-{n:09d}", "kind": kind, "target": target, "started_at": at, "finished_at": at}
                | {"status": status, "parent": parent, "resumable": False, "holder": None, **counts}
            )
        conn.execute(insert(runs), rows)
    database.close()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "people.csv").write_text("id\n1\n")
        apply(folder, PROJECT)
        fill(folder, number)
        with served(folder, "--no-worker") as service:
            client = service.client()
            for path in _paths(client):
                began = service.cpu_s()
                found = client.times(TIMES, "GET", path)
                cpu_ms = (service.cpu_s() - began) / TIMES * 1000
                tell(page=path, p50_ms=share(found, 0.5), p95_ms=share(found, 0.95), cpu_ms=cpu_ms)


def _paths(client: Client) -> list[str]:
    root = "/api/v1/runs"
    page = client.ask("GET", f"{root}?limit=500")
    for _ in range(20):
        page = client.ask("GET", f"{root}?limit=500&cursor={page['next']}")
    return [
        root,
        f"{root}?limit=500",
        f"{root}?cursor={page['next']}",
        f"{root}?target=people",
        f"{root}?status=partial",
        f"{root}?status=failed",
        f"{root}?status=running",
        f"{root}?target=nightly&status=succeeded",
        f"{root}?since=2026-02-01T00:00:00.000Z",
        "/api/v1/destinations",
        "/api/v1/flows",
        "/api/v1/quarantine",
        "/api/v1/audit",
    ]


if __name__ == "__main__":
    main()
