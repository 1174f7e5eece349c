"""A preview that takes too much time or memory is stopped with one clear error; so is one whose client disconnected."""

import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from penstock.deadline import LOOK_S
from support.service.measured_service import MeasuredService

ENDLESS = "with recursive c(n) as (select 1 union all select n + 1 from c) select "
ENDLESS_LITE = {
    "endless": (ENDLESS + "max(n) as m from c", "too-slow"),
    "endless texts": (ENDLESS + "max(n) as m, group_concat(hex(zeroblob(50000))) as t from c", "too-long"),
}
LITE = {
    "heavy rows": (ENDLESS + "n, hex(zeroblob(500000)) as t from c", None),
    "a heavy value": ("select hex(zeroblob(250000000)) as t", "too-long"),
    "heavy columns": ("select " + ", ".join(f"hex(zeroblob(7500000)) as c{n}" for n in range(500)), "too-long"),
}
ENDLESS_POSTGRES = {
    "endless": ("select count(*) as n from generate_series(1, 100000000000) as n", "too-slow"),
    "sleep": ("select pg_sleep(3600)::text as n", "too-slow"),
}
POSTGRES = {
    "heavy rows": ("select generate_series(1, 100000000) as n, repeat('a', 1000000) as t", None),
    "a heavy value": ("select repeat(n::text, 100000000) as t from generate_series(1, 9) as n", "too-long"),
}
LIMIT_S = 3.0  # on a query, in place of the ten seconds of the product


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredService]:
    """A service with a shorter time limit for queries than the product, for queries that reach it."""
    with MeasuredService(tmp_path_factory.mktemp("hasty"), look_s=LIMIT_S) as service:
        service.look()
        yield service


def test_a_query_may_take_ten_seconds() -> None:
    assert LOOK_S == 10


def _lite(service: MeasuredService) -> str:
    """The URL of a database in the service's folder."""
    with sqlite3.connect(service.folder / "shop.db") as connection:
        connection.execute("create table if not exists orders (id integer)")
    return "sqlite:///shop.db"


def _stopped(service: MeasuredService, url: str, query: str, code: str | None) -> None:
    with service.attack(within_s=(service.look_s or LOOK_S) + 4):  # the query, and what comes around it
        found = service.check({"type": "sql", "url": url, "query": query})
    assert {problem["code"] for problem in found["problems"]} <= (set() if code is None else {code, "too-slow"})
    assert bool(found["rows"]) == (code is None)


@pytest.mark.parametrize("name", LITE)
def test_a_query_of_sqlite_is_bounded(attacked: MeasuredService, name: str) -> None:
    _stopped(attacked, _lite(attacked), *LITE[name])


@pytest.mark.parametrize("name", ENDLESS_LITE)
def test_an_endless_query_of_sqlite_is_stopped(hasty: MeasuredService, name: str) -> None:
    _stopped(hasty, _lite(hasty), *ENDLESS_LITE[name])


@pytest.mark.parametrize("name", POSTGRES)
def test_a_query_of_postgresql_is_bounded(attacked: MeasuredService, empty_postgres: str, name: str) -> None:
    _stopped(attacked, empty_postgres, *POSTGRES[name])


@pytest.mark.parametrize("name", ENDLESS_POSTGRES)
def test_an_endless_query_of_postgresql_is_stopped(hasty: MeasuredService, empty_postgres: str, name: str) -> None:
    _stopped(hasty, empty_postgres, *ENDLESS_POSTGRES[name])


def test_the_sql_of_a_dataset_is_stopped(hasty: MeasuredService) -> None:
    sql = "select count(*) as id from range(100000000) a, range(100000000) b, source"
    value = {"source": "crm", "key": "id", "sql": sql}
    with hasty.attack(within_s=LIMIT_S + 4):
        reply = hasty.client.post("/datasets/preview", json={"name": "x", "value": value})
    assert reply.json()["errors"][0]["code"] == "too-slow"


@pytest.mark.parametrize(
    ("sql", "codes"),
    [
        ("select id, " + ", ".join(f"1 as c{n}" for n in range(20_000)) + " from source", {"too-many-columns"}),
        ("select id, repeat('x', 1000000 + n) as t from source, range(20000) as r(n)", {"sql-error"}),
        ("select n as id, repeat('x', 30000 + n % 1000) as t from source, range(100000) as r(n)", set()),
    ],
    ids=["wide", "a vector of heavy values", "heavy rows"],
)
def test_the_result_of_a_datasets_sql_is_bounded(hasty: MeasuredService, sql: str, codes: set[str]) -> None:
    value = {"source": "crm", "key": "id", "sql": sql}
    with hasty.attack(within_s=LIMIT_S + 4):
        reply = hasty.client.post("/datasets/preview", json={"name": "x", "value": value})
    assert {problem["code"] for problem in reply.json().get("errors", [])} - {"too-slow"} == codes


def test_sigterm_ends_the_service_although_a_query_never_ends(tmp_path: Path) -> None:
    with MeasuredService(tmp_path) as service:
        value = {"type": "sql", "url": _lite(service), "query": ENDLESS_LITE["endless"][0]}
        begun = threading.Event()

        def ask() -> None:
            begun.set()
            with pytest.raises(httpx.HTTPError):
                while True:  # until the service is gone
                    service.client.post("/sources/check", json={"name": "x", "value": value})

        thread = threading.Thread(target=ask)
        thread.start()
        begun.wait()
        service.until(lambda: _cpu(service) > 0.5)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0
        thread.join()


def test_a_query_whose_client_left_is_stopped(attacked: MeasuredService) -> None:
    body = b'{"name": "x", "value": {"type": "sql", "url": "%s", "query": "%s"}}' % (
        _lite(attacked).encode(),
        ENDLESS_LITE["endless"][0].encode(),
    )
    place = urlsplit(attacked.url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as connection:
        head = f"POST /api/v1/sources/check HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        before = _cpu(attacked)
        attacked.until(lambda: _cpu(attacked) - before > 0.5)
    left = time.monotonic()
    attacked.until(lambda: _rests(attacked))
    assert time.monotonic() - left < 8  # the query alone would take ten seconds


def _cpu(service: MeasuredService) -> float:
    """The processor time of the service, in seconds."""
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _rests(service: MeasuredService) -> bool:
    before = _cpu(service)
    time.sleep(0.5)
    return _cpu(service) - before < 0.1
