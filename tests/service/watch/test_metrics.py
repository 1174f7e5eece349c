"""Metrics can be parsed by Prometheus, and equal the ledger."""

from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from penstock.model.errors import Problem
from penstock.store.database import Database
from penstock.store.runs import ledger, runs, timeseries
from penstock.store.runs.runs import RunRow
from support.service.http_service import served
from support.service.watch_service import Service, applied


def scraped(body: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def value(found: dict, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_metrics_equal_the_ledger(service: Service) -> None:
    service.people("ada@example.com", "not an address", "bob@example.com", "")
    service.sandbox.fault(status=422, path="/people", times=1)
    report = service.app.run("it")
    assert report.records.read == 4
    reply = service.client.get("/metrics")
    assert reply.status_code == 200
    found = scraped(reply.text)
    with service.app._ctx.database.read() as conn:
        outcomes = Counter(conn.execute(text("select outcome from ledger")).scalars())
        statuses = Counter(
            str(status)
            for status in conn.execute(text("select status from ledger_batches where delivery is not null")).scalars()
        )
    assert outcomes["quarantined"] > 0
    for outcome, records in outcomes.items():
        assert value(found, "penstock_records_total", destination="it", outcome=outcome) == records
    for status, deliveries in statuses.items():
        assert value(found, "penstock_deliveries_total", destination="it", status=status) == deliveries
    assert value(found, "penstock_requests_total", destination="it") == report.requests
    assert value(found, "penstock_delivery_seconds_count", destination="it") == sum(statuses.values())
    assert value(found, "penstock_runs", kind="destination", target="it", status="partial") == 1
    in_quarantine = sum(number for (name, _), number in found.items() if name == "penstock_quarantine_records")
    assert in_quarantine == outcomes["quarantined"]
    assert value(found, "penstock_destination_lag_seconds", destination="it") < 60
    assert 0 < value(found, "penstock_budget_used_ratio", credential="sandbox") <= 1
    assert value(found, "process_resident_memory_bytes") > 0
    assert service.sandbox.api_key not in reply.text
    assert "example.com" not in reply.text


def test_counts_do_not_shrink_when_runs_are_pruned(database: Database) -> None:
    with database.begin() as conn:
        for number in range(3):
            run = RunRow(id=f"r-{number}", kind="destination", target="it", started_at=f"2026-01-0{number + 1}")
            runs.start(conn, run)
            sent = ledger.Sent(1, "POST", "u", 200, 1, 1, 30.0)
            ledger.append(
                conn, run.id, [ledger.LedgerEntry(ledger.Outcome.DELIVERED, [0, 1], "t", ["a", "b"], sent=sent)]
            )
            counted = run.counts.plus({"read": 2, "delivered": 2})
            runs.finish(conn, RunRow(**{**_fields(run), "counts": counted, "requests": 1}), "succeeded", "t")

    def now() -> dict:
        with database.read() as conn:
            counts = timeseries.all_counts(conn)
            for more in (timeseries.run_counts(conn), timeseries.new_deliveries(conn, timeseries.folded(conn))):
                for name, values in more.items():
                    for labels, number in values.items():
                        counts[name][labels] = counts[name].get(labels, 0) + number
        return {name: {k: v for k, v in values.items() if v} for name, values in counts.items() if name != "folded"}

    before = now()
    assert before["records"][("it", "delivered")] == 6
    assert before["deliveries"] == {("it", "200"): 3}
    assert before["buckets"] == {("it", "0.05"): 3}
    with database.begin() as conn:
        timeseries.fold_deliveries(conn)
        timeseries.fold_deliveries(conn)
    assert now() == before
    for ids in (["r-0"], ["r-1", "r-2"]):
        with database.begin() as conn:
            timeseries.add_deleted_runs(conn, ids)
            for run in ids:
                conn.execute(text("delete from ledger_batches where run = :run"), {"run": run})
                conn.execute(text("delete from runs where id = :run"), {"run": run})
        assert now() == before


def _fields(run: RunRow) -> dict:
    return {name: getattr(run, name) for name in run.__slots__}


@pytest.mark.parametrize(
    ("environ", "header", "status"),
    [
        ({}, "", 401),
        ({"PENSTOCK_METRICS_TOKEN": "scrape-me-please"}, "", 401),
        ({"PENSTOCK_METRICS_TOKEN": "scrape-me-please"}, "Bearer scrape-me", 401),
        ({"PENSTOCK_METRICS_TOKEN": ""}, "Bearer", 401),
        ({"PENSTOCK_METRICS_TOKEN": "scrape-me-please"}, "Bearer scrape-me-please", 200),
        ({"PENSTOCK_METRICS_PUBLIC": "true"}, "", 200),
    ],
)
def test_metrics_need_a_viewer_or_a_token(tmp_path: Path, environ: dict, header: str, status: int) -> None:
    with applied(tmp_path, "http://127.0.0.1:9", **environ) as app, served(app, without_sign_in=False) as client:
        headers = {"Authorization": header} if header else {}
        assert client.get("/metrics", headers=headers).status_code == status


def test_readiness_names_the_problem(tmp_path: Path) -> None:
    with applied(tmp_path, "http://127.0.0.1:9") as app, served(app, without_sign_in=False) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ready"}
        trouble: list[str] = ["the worker thread ended"]
        app.watch.depend_on(lambda: trouble[0] if trouble else None)
        reply = client.get("/readyz")
        assert (reply.status_code, reply.json()["errors"][0]["code"]) == (503, "not-alive")
        trouble.clear()
        assert client.get("/readyz").status_code == 200


def test_a_database_that_a_newer_version_has_changed_is_not_ready(tmp_path: Path) -> None:
    with applied(tmp_path, "http://127.0.0.1:9") as app:
        with app._ctx.database.begin() as conn:
            conn.execute(text("update alembic_version set version_num = '9999'"))
        problems = app.watch.not_ready()
    assert [problem.code for problem in problems] == ["other-schema"]
    assert isinstance(problems[0], Problem)
