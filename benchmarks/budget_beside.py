"""A live run beside the backfill of the same destination, for `budget.py`: both are `penstock run`, as two processes.

The source is a SQLite table with a cursor. The live run reads the newest records, changed since the backfill began. The
sandbox's log says which request was sent when, and in which order the versions of a company were sent.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from budget_lanes import Limit, sent_since, used_share, yes

BACKFILL = 10_000  # single requests
CHANGED = 150  # of the live run: it takes more than a window
START_S = 5  # of the process, before its first request can wait for a window


def row(kind: str, state: Callable[[], Any], sandbox: Callable[[str], Any], limit: Limit, windows: int) -> str:
    """The row of the table for one kind of state database."""
    with sandbox(f"{limit.requests}/{limit.per}s") as ready, state() as (folder, database):
        _project(folder, ready, limit)
        _write(folder, range(BACKFILL), version=1)
        backfill = _start(folder, database)
        try:
            while len(sent_since(ready, 0)) < limit.requests * 1.5:
                time.sleep(0.05)
            _write(folder, range(BACKFILL - CHANGED, BACKFILL), version=2)
            began, since = time.time(), time.monotonic()
            report = json.loads(_start(folder, database).communicate()[0])
            took = time.monotonic() - since
            while len(sent_since(ready, 0)) <= limit.requests * windows:
                time.sleep(0.2)
        finally:
            backfill.kill()
            backfill.wait()
        log = sent_since(ready, 0)
    return _text(kind, log, limit, windows, first_s=_first(log) - began, took_s=took, status=report["status"])


def _text(
    kind: str,
    log: Sequence[dict[str, Any]],
    limit: Limit,
    windows: int,
    *,
    first_s: float,
    took_s: float,
    status: str,
) -> str:
    share, refused = used_share(log, limit, windows)
    older = _sent_after_newer(log)
    longest = (CHANGED // limit.requests + 2) * limit.per
    soonest = limit.per + START_S
    met = first_s <= soonest and took_s <= longest and not older and share >= 0.97 and not refused
    what = f"a live run of {CHANGED} records beside the backfill of its destination of {BACKFILL:,} requests"
    target = f"first request ≤ {soonest} s, run ≤ {longest} s; 0 older after newer; ≥ 97 %, 0 × 429"
    reached = f"{first_s:.1f} s, {took_s:.1f} s ({status}); {older}; {share:.1%}, {refused} × 429"
    return f"| {kind} | 2 | {what} | {target} | {reached} | {yes(met and status == 'succeeded')} |"


def _first(log: Sequence[dict[str, Any]]) -> float:
    """When the first request of the live run arrived."""
    return float(min(entry["time"] for entry in log if _version(entry) == 2))


def _sent_after_newer(log: Sequence[dict[str, Any]]) -> int:
    """How many companies were sent as they were before, after they had been sent as they are."""
    newest: dict[str, int] = {}
    older = 0
    for entry in sorted(log, key=lambda entry: int(entry["seq"])):
        company, version = json.loads(entry["body"])["company_id"], _version(entry)
        older += version < newest.get(company, 0)
        newest[company] = max(version, newest.get(company, 0))
    return older


def _version(entry: dict[str, Any]) -> int:
    return int(json.loads(entry["body"])["name"].removeprefix("version "))


def _project(folder: Path, ready: dict[str, str], limit: Limit) -> None:
    account = f'connector: custify, dialect: native, api_key: {ready["api_key"]}, base_url: "{ready["url"]}"'
    (folder / "penstock.yaml").write_text(
        f"credentials: {{acme: {{{account}, rate_limit: {limit}}}}}\n"
        'sources: {crm: {type: sql, url: "sqlite:///crm.db", table: companies, cursor: at}}\n'
        "datasets: {companies: {source: crm, key: company_id}}\n"
        "destinations:\n"
        "  it: {dataset: companies, credential: acme, template: upsert_company, fields: {company_id: company_id, "
        'name: name}, attributes: none, active: true, batch: "off"}\n',
        encoding="utf-8",
    )
    with closing(sqlite3.connect(folder / "crm.db")) as crm, crm:
        crm.execute("create table companies (company_id text primary key, name text, at integer)")


def _write(folder: Path, numbers: range, *, version: int) -> None:
    """The companies of these numbers have this version; they are behind all others in the order of the cursor."""
    with closing(sqlite3.connect(folder / "crm.db")) as crm, crm:
        rows = [(f"c{n}", f"version {version}", version * BACKFILL + n) for n in numbers]
        crm.executemany("insert or replace into companies values (?, ?, ?)", rows)


def _start(folder: Path, database: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "penstock", "--database", database, "--json", "run", "it"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
