"""List pages of the API with 100,000 runs in the state: the first page, a later one, filtered ones and the longest;
searches, and the statistics of 30 days, with 300,000 requests that sent 9,000,000 records.

python benchmarks/service_lists.py            # 100,000 runs; another number as argument
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from service_parts import Client, apply, report, served, share
from sqlalchemy import insert

TIMES = 100
REQUESTS = 3  # of a run
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
    """This many runs, one a minute: three of four succeeded; a tenth are of flows, with two parts each."""
    from penstock.clock import iso
    from penstock.store.database import Database
    from penstock.store.runs import timeseries
    from penstock.store.runs.runs import RunRow, start
    from penstock.store.tables import ledger_batches, runs

    database = Database.open(f"sqlite:///{folder / '.penstock' / 'state.db'}")
    first = datetime.now(UTC) - timedelta(minutes=number)
    with database.begin() as conn:
        start(conn, RunRow("model", "destination", "people", iso(first)))
        model = dict(conn.execute(runs.select()).mappings().one())
        conn.execute(runs.delete())
        rows = []
        for n in range(number):
            at = iso(first + timedelta(minutes=n))
            status = ("succeeded", "succeeded", "succeeded", "partial")[n % 4]
            kind, target = ("flow", "nightly") if n % 10 == 0 else ("destination", ("people", "others")[n % 2])
            parent = _id(first, n - n % 10) if n % 10 in (1, 2) else None
            counts = {"read": 100, "delivered": 90 + n % 10}
            rows.append(
                {**model, "id": _id(first, n), "kind": kind, "target": target, "started_at": at, "finished_at": at}
                | {"status": status, "parent": parent, "resumable": False, "holder": None, **counts}
            )
        conn.execute(insert(runs), rows)
        for begin in range(0, number, 10_000):
            conn.execute(
                insert(ledger_batches), [entry for row in rows[begin : begin + 10_000] for entry in _sent(row)]
            )
        timeseries.fold(conn)  # as a service does every few seconds
    _fill_quarantine(database)
    database.close()


def _id(first: datetime, number: int) -> str:
    """The id of a run as the service makes it, from its number."""
    return f"r-{first + timedelta(minutes=number):%Y%m%d-%H%M%S}-{number:06d}"


def _sent(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The ledger of a run: three requests with 30 records each; none for a flow's run."""
    if run["kind"] == "flow":
        return
    number = int(run["id"].rpartition("-")[2])
    for delivery in range(REQUESTS):
        keys = [f"c-{(number * 90 + delivery * 30 + n) % 1_000_000:07d}" for n in range(30)]
        yield {
            "run": run["id"],
            "delivery": delivery,
            "method": "POST",
            "url": "http://127.0.0.1:9/api/people",
            "status": 200,
            "attempts": 1,
            "requests": 1,
            "duration_ms": 20.0 + (number * 7 + delivery) % 400,
            "at": run["started_at"],
            "outcome": "delivered",
            "reason": None,
            "is_test": False,
            "records": 30,
            "keys": json.dumps(keys),
            "ordinals": f"[[{delivery * 30},30,0]]",
            "top": delivery * 30 + 29,
        }


def _fill_quarantine(database: Any) -> None:
    """Ten thousand records in quarantine."""
    from penstock.store.tables import quarantine

    empty = {column.name: None for column in quarantine.columns if column.name != "id"}
    with database.begin() as conn:
        same: dict[str, Any] = {
            "destination": "people",
            "outcome": "quarantined",
            "cause": "email",
            "reason": "no e-mail address",
        }
        same |= {"rule": "email", "at": "2026-01-01T00:00:00.000Z", "run": "r-20260101-000000-000001", "record": "{}"}
        same |= {"record_print": 0, "edited": False, "settings": "{}"}
        rows = [{"identity": n.to_bytes(16), "key": json.dumps(f"held-{n}")} for n in range(10_000)]
        conn.execute(insert(quarantine), [{**empty, **same, **row} for row in rows])


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
                report(page=path, p50_ms=share(found, 0.5), p95_ms=share(found, 0.95), cpu_ms=cpu_ms)


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
        f"{root}?since={(datetime.now(UTC) - timedelta(days=30)).strftime('%Y-%m-%dT00:00:00.000Z')}",
        "/api/v1/overview",
        "/api/v1/destinations",
        "/api/v1/flows",
        "/api/v1/quarantine",
        "/api/v1/audit",
        "/api/v1/stats",
        f"/api/v1/stats?hours={30 * 24}",
        f"/api/v1/stats?hours={30 * 24}&destination=people",
        "/api/v1/search?q=peop",
        "/api/v1/search?q=c-0012345",
        "/api/v1/search?q=held-99",
        "/api/v1/search?q=-012345",
        "/api/v1/search?q=nowhere+to+be+found",
    ]


if __name__ == "__main__":
    main()
