"""The lanes of one `penstock serve`, for `budget.py`: a test send during a backfill, and a live run, a resend and a
backfill at once.

The sandbox's log says which request was sent when. A test send is timed by the client that requests it.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from service_parts import Client, Served, served

BACKFILL = 10_000  # single requests
TESTS = 6
RESENT = 300
ROOMY = "{requests: 100000, per: 1s}"


class Limit(NamedTuple):
    requests: int
    per: int

    def __str__(self) -> str:
        return f"{{requests: {self.requests}, per: {self.per}s}}"


def rows(
    kind: str, state: Callable[[], Any], sandbox: Callable[[str], Any], limit: Limit, windows: int
) -> Iterator[str]:
    """The rows of the table for one kind of state database."""
    with sandbox("off") as ready, state() as (folder, database):
        _prepare(folder, database, ready)
        _admin(ready, "POST", "settings", {"rate": f"{limit.requests}/{limit.per}s"})
        _project(folder, ready, str(limit), live=limit.requests * windows * 2)
        _command(folder, database, "apply")
        with served(folder, database=database) as service:
            yield _tests_in_a_backfill(kind, ready, service, limit, windows)
            yield _three_lanes(kind, ready, service, limit, windows)


def _tests_in_a_backfill(kind: str, ready: dict[str, str], service: Served, limit: Limit, windows: int) -> str:
    client, since = service.client(), _last(ready)
    _start(client, "backfill")
    while len(sent_since(ready, since)) < limit.requests:
        time.sleep(0.05)
    waits = []
    for number in range(TESTS):  # at another moment of each window
        time.sleep(limit.per * number / TESTS)
        began = time.monotonic()
        service.client().ask("POST", "/api/v1/destinations/live/test", {"sample": 1})
        waits.append(time.monotonic() - began)
    while len(sent_since(ready, since)) <= limit.requests * windows:
        time.sleep(0.2)
    log = sent_since(ready, since)
    share, refused = used_share(log, limit, windows)
    met = max(waits) <= limit.per and share >= 0.98 and not refused
    what = f"`serve`: {TESTS} test sends during a backfill of {BACKFILL:,} requests"
    target = f"≤ {limit.per} s each; ≥ 98 %, 0 × 429"
    reached = f"longest {max(waits):.1f} s; {share:.1%}, {refused} × 429"
    return f"| {kind} | 1 | {what} | {target} | {reached} | {yes(met)} |"


def _three_lanes(kind: str, ready: dict[str, str], service: Served, limit: Limit, windows: int) -> str:
    client, since = service.client(), _last(ready)
    _start(client, "live")
    client.ask("POST", "/api/v1/quarantine/resend", {"destination": "resent"})
    while {_of(entry) for entry in sent_since(ready, since)} != {"live", "resent", "backfill"}:
        time.sleep(0.2)
    since = _last(ready)
    while len(sent_since(ready, since)) <= limit.requests * windows:
        time.sleep(0.2)
    log = sent_since(ready, since)
    share, refused = used_share(log, limit, windows)
    counted = [entry for entry in log if entry["status"] != 429][: limit.requests * windows]
    sent = Counter(map(_of, counted))
    part = {name: sent[name] / len(counted) for name in ("live", "resent", "backfill")}
    met = part["resent"] >= 0.095 and part["backfill"] >= 0.095 and share >= 0.97 and not refused
    what = "`serve`: a live run, a resend and a backfill at once"
    target = "≥ 10 % (± 0.5) for each lower lane; ≥ 97 %, 0 × 429"
    parts = f"live {part['live']:.1%}, resend {part['resent']:.1%}, backfill {part['backfill']:.1%}"
    return f"| {kind} | 1 | {what} | {target} | {parts}; {share:.1%}, {refused} × 429 | {yes(met)} |"


def _prepare(folder: Path, database: str, ready: dict[str, str]) -> None:
    """The live destination has had its first run, and the API has refused all records of `resent`."""
    _project(folder, ready, ROOMY, live=1)
    _command(folder, database, "run", "live")
    _admin(ready, "POST", "faults", {"status": 422, "times": RESENT})
    _command(folder, database, "run", "resent")
    _admin(ready, "DELETE", "faults", None)


def _project(folder: Path, ready: dict[str, str], limit: str, live: int) -> None:
    account = f'connector: custify, dialect: native, api_key: {ready["api_key"]}, base_url: "{ready["url"]}"'
    numbers = {"live": live, "resent": RESENT, "backfill": BACKFILL}
    shape = 'credential: acme, template: upsert_company, active: true, batch: "off", fuse: "off"'
    lines = [f"credentials: {{acme: {{{account}, rate_limit: {limit}}}}}"]
    lines += ["sources:", *(f"  {name}: {{type: file, path: {name}.ndjson}}" for name in numbers)]
    lines += ["datasets:", *(f"  {name}: {{source: {name}, key: company_id}}" for name in numbers)]
    lines += ["destinations:", *(f"  {name}: {{dataset: {name}, {shape}}}" for name in numbers)]
    (folder / "penstock.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, count in numbers.items():
        text = "".join(json.dumps({"company_id": f"{name}-{n}", "name": "c"}) + "\n" for n in range(count))
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")


def _command(folder: Path, database: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "penstock", "--database", database, *arguments]
    subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)


def _start(client: Client, target: str) -> None:
    client.ask("POST", "/api/v1/runs", {"target": target})


def _of(entry: dict[str, Any]) -> str:
    """The destination of a request."""
    return str(json.loads(entry["body"])["company_id"]).partition("-")[0]


def used_share(log: Sequence[dict[str, Any]], limit: Limit, windows: int) -> tuple[float, int]:
    """The used share of the rate limit from the first request on, and the number of 429s."""
    moments = sorted(entry["time"] for entry in log if entry["status"] != 429)
    share = windows * limit.per / (moments[limit.requests * windows] - moments[0])
    return share, sum(entry["status"] == 429 for entry in log)


def sent_since(ready: dict[str, str], since: int) -> list[dict[str, Any]]:
    """The requests in the sandbox's log after this number."""
    return list(_admin(ready, "GET", f"requests?since={since}", None))


def _last(ready: dict[str, str]) -> int:
    return max((entry["seq"] for entry in sent_since(ready, 0)), default=0)


def _admin(ready: dict[str, str], method: str, path: str, document: Any) -> Any:
    connection = http.client.HTTPConnection(urlsplit(ready["admin_url"]).netloc, timeout=60)
    connection.request(method, f"/_admin/{path}", None if document is None else json.dumps(document))
    return json.loads(connection.getresponse().read())


def yes(met: bool) -> str:
    return "yes" if met else "**no**"
