"""A run that reads its source again from the start or from a value of the cursor, requested by REST and resumed."""

import sqlite3

import pytest

from penstock.store.runs import runs
from support.deadline import until
from support.service.applied_project import ended, serving

MORE = """\
  orders:
    dataset: orders
    credential: sandbox
    template: upsert_person
    fields: {user_id: id, name: name}
    attributes: none
    active: true
  again:
    dataset: orders
    credential: sandbox
    template: upsert_person
    fields: {user_id: id, phone: name}
    attributes: none
    active: true
"""


@pytest.fixture
def shop(project):
    """A table with a cursor that has been read once; then old rows are changed, whose cursor stays."""
    with sqlite3.connect(project.folder / "shop.db") as connection:
        connection.execute("create table people (id text, name text, at integer)")
        rows = [(f"s{number}", f"Person {number}", number) for number in range(40)]
        connection.executemany("insert into people values (?, ?, ?)", rows)
    source = "  shop: {type: sql, url: 'sqlite:///shop.db', table: people, cursor: at}\n"
    text = (project.folder / "penstock.yaml").read_text()
    for section, more in (
        ("datasets:\n", "orders: {source: shop, key: id}"),
        ("flows:\n", "shop: {destinations: [orders, again]}"),
    ):
        text = text.replace(section, f"{section}  {more}\n")
    text = text.replace("sources:\n", f"sources:\n{source}").replace("destinations:\n", f"destinations:\n{MORE}", 1)
    (project.folder / "penstock.yaml").write_text(text)
    project.apply_file()
    with project.open() as app:
        worker = app.worker()
        worker.start()
        for name in ("orders", "again"):
            asked = app.work.enqueue(name, trigger="person:ada", asked_by="ada")
            assert ended(app, asked["run"])["records"]["delivered"] == 40
        yield app
        worker.stop()


def _rename(project, numbers):
    with sqlite3.connect(project.folder / "shop.db") as connection:
        connection.executemany("update people set name = name || ' II' where at = ?", [(number,) for number in numbers])


def _ask(client, target, **more):
    reply = client.post("/runs", json={"target": target, **more})
    assert reply.status_code == 202, reply.text
    return reply.json()["run"]


def _counts(run):
    return {name: number for name, number in run["records"].items() if number}


def test_a_run_reads_again_from_the_start_or_from_a_value(project, shop):
    _rename(project, (3, 30))  # old rows, whose cursor stays
    with serving(shop) as client:
        assert _counts(ended(shop, _ask(client, "orders"))) == {}
        some = ended(shop, _ask(client, "orders", **{"from": "25"}))
        assert _counts(some) == {"read": 15, "delivered": 1, "unchanged": 14}
        every = ended(shop, _ask(client, "orders", **{"from": "start"}))
        assert _counts(every) == {"read": 40, "delivered": 1, "unchanged": 39}
        assert client.post("/runs", json={"target": "orders", "from": ""}).status_code == 400
        refused = client.post("/runs", json={"target": "it", "from": "2026-01-01"}).json()["errors"][0]
        assert (refused["path"], refused["code"], refused["found"]) == ("from", "wrong-start", "2026-01-01")
        failed = ended(shop, _ask(client, "orders", **{"from": "yesterday"}))
        assert (failed["status"], "no value of the cursor" in failed["reason"]) == ("failed", True)


def test_a_resumed_run_of_a_flow_still_begins_where_it_was_requested(project, shop, sandbox):
    _rename(project, range(40))
    sandbox.settings(latency=2000)
    with serving(shop) as client:
        run = _ask(client, "shop", **{"from": "start"})
        until(lambda: shop.work.progress(run)[0]["status"] == "running" and sandbox_is_asked(shop, run))
        shop.work.cancel(run, by="ada")
        assert ended(shop, run)["status"] == "cancelled"
        sandbox.settings(latency=0)
        assert client.post(f"/runs/{run}/resume").json()["run"] == run
        whole = until(lambda: (found := shop.work.run(run))["status"] == "succeeded" and found)
    assert [part["records"]["read"] for part in whole["destinations"]] == [40, 40]
    assert _counts(whole) == {"read": 80, "delivered": 80}


def sandbox_is_asked(app, run):
    """Whether the first destination of a flow's run has begun to send."""
    return app.work.progress(run)[0].get("destination") == "orders"


def test_a_queued_run_begins_at_the_last_requested_place(project):
    with project.open() as app:  # without a worker

        def ask(begins_at=None):
            return app.work.enqueue("all", trigger="person:ada", asked_by="ada", begins_at=begins_at)["run"]

        def begins_at():
            with app._ctx.database.read() as conn:
                return runs.get(conn, run).begins_at

        run = ask()
        assert begins_at() is None
        for asked, wanted in (("5", "5"), (None, "5"), ("start", "start"), ("7", "start")):
            assert ask(asked) == run
            assert begins_at() == wanted


def test_a_live_run_does_not_wait_for_a_run_that_reads_again(shop, project, sandbox):
    sandbox.settings(latency=2000)
    _rename(project, range(40))
    backfill = shop.work.enqueue("orders", trigger="person:ada", asked_by="ada", begins_at="start")["run"]
    until(lambda: shop.work.run(backfill)["status"] == "running" and shop.work.progress(backfill)[0]["total"] == 40)
    with sqlite3.connect(project.folder / "shop.db") as connection:
        connection.execute("insert into people values ('s39', 'Person 39 III', 40)")
    live = ended(shop, shop.work.enqueue("orders", trigger="new-data", asked_by="schedule")["run"])
    assert live["records"]["delivered"] == 1
    assert shop.work.run(backfill)["finished_at"] is None
    sandbox.settings(latency=0)
    records = ended(shop, backfill)["records"]
    assert (records["read"], records["delivered"] + records["unchanged"]) == (40, 40)
    assert ended(shop, shop.work.enqueue("orders", trigger="new-data", asked_by="s")["run"])["records"]["read"] == 0
