"""Alerts: one message per alert and state, sent over HTTP to a real receiver; URLs of channels are never returned."""

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.service.documents import RulesDocument
from penstock.service.store.figures import RunFigures
from penstock.service.watch.alert_rules import Facts, FlowFacts, TargetFacts, judge
from penstock.store.runs.reconciliations import Drift
from support.service.watch_service import Service

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(
    number: int, read: int = 100, status: str = "succeeded", quarantined: int = 0, stopped_by: str | None = None
) -> RunFigures:
    return RunFigures(
        f"r-{number}", "destination", "it", status, "s", "f", read, read, quarantined, 0, stopped_by, None
    )


def target(*runs: RunFigures, idle: float | None = 0, held: int = 0, active: bool = True) -> TargetFacts:
    return TargetFacts("it", "acme", active, idle, runs, held)


def raised(*targets: TargetFacts, waiting: float | None = None) -> set[str]:
    return {one.alert.id for one in judge(Facts(START, targets, waiting), RulesDocument(), {})[0]}


def test_drift_that_was_not_fixed_raises_an_alert_until_it_is():
    drifted = replace(target(*USUAL), drift=Drift("2026-01-01T09:30:00.000Z", 3))
    news, _ = judge(Facts(START, (drifted,)), RulesDocument(), {})
    (alert,) = [one.alert for one in news]
    assert (alert.id, alert.reason[:9], "2026-01-01 09:30 UTC" in alert.reason) == ("drift:it", "3 records", True)
    fixed = replace(drifted, drift=Drift("2026-01-01T09:40:00.000Z", 0))
    assert raised(fixed) == set()
    assert judge(Facts(START, (drifted,)), RulesDocument(drift=False), {})[0] == []


def test_a_failed_flow_raises_one_alert_and_none_if_its_destination_failed():
    flow = FlowFacts("nightly", ("it",), (run(9, status="queued"), run(8, status="failed")))
    for newest, expected in (("succeeded", {"flow:nightly"}), ("failed", {"run:it"})):
        facts = Facts(START, (target(run(7, status=newest), *USUAL),), flows=(flow,))
        assert {one.alert.id for one in judge(facts, RulesDocument(), {})[0]} == expected


USUAL = [run(number) for number in range(6)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (target(*USUAL), set()),
        (target(*USUAL, idle=86_400), {"stalled:it"}),
        (target(*USUAL, idle=86_400, active=False), set()),
        (target(idle=None), set()),
        (target(run(9, read=49), *USUAL), {"volume:it"}),
        (target(run(9, read=50), *USUAL), set()),
        (target(run(9, read=0), *USUAL), {"volume:it"}),
        (target(run(9, read=301), *USUAL), {"volume:it"}),
        (target(run(9, read=0), *USUAL[:3]), set()),
        (target(run(9, quarantined=20, status="partial"), *USUAL), {"errors:it"}),
        (target(run(9, quarantined=19, status="partial"), *USUAL), set()),
        (target(*USUAL, held=101), {"quarantine:it"}),
        (target(run(9, status="failed", stopped_by="fuse"), *USUAL), {"run:it"}),
        (target(run(9, status="failed", stopped_by="credential"), *USUAL), {"credential:acme"}),
        (target(run(10, status="running"), run(9, status="failed"), *USUAL), {"run:it"}),
    ],
)
def test_each_rule_raises_its_alert(facts: TargetFacts, expected: set[str]) -> None:
    assert raised(facts) == expected


def test_a_run_without_a_worker_raises_an_alert() -> None:
    assert raised(waiting=299) == set()
    assert raised(waiting=300) == {"worker:queue"}


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40 * 60)), max_size=60))
def test_an_alert_sends_one_message_for_each_state(steps: list[tuple[bool, int]]) -> None:
    """For any changes of a fact: messages are not too close, raised and over alternate, and the last one is true."""
    rules, known, now = RulesDocument(), {}, START
    said: list[tuple[datetime, str]] = []
    stalled = False
    for stalled, minutes in steps:
        now += timedelta(minutes=minutes)
        news, known = judge(Facts(now, (target(idle=90_000 if stalled else 0),)), rules, known)
        said += [(now, one.what) for one in news]
    calm = timedelta(minutes=rules.calm_minutes)
    assert all(later - earlier >= calm for (earlier, _), (later, _) in itertools.pairwise(said))
    states = [what for _, what in said if what != "still"]
    assert all(what == ("raised", "over")[number % 2] for number, what in enumerate(states))
    repeats = [at for at, what in said if what != "over"]
    for at, what in said:
        if what == "still":
            before = max(other for other in repeats if other < at)
            assert at - before >= timedelta(hours=rules.repeat_hours)
    news, known = judge(Facts(now + calm, (target(idle=90_000 if stalled else 0),)), rules, known)
    states += [one.what for one in news if one.what != "still"]
    assert (states[-1] == "raised" if states else False) == stalled


class Receiver(ThreadingHTTPServer):
    """Receives JSON messages; replies with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[dict] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            self.server.got.append(body)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def channel(receiver: Receiver, **more: object) -> dict:
    return {"url": f"json://user:hush-hush-password@127.0.0.1:{receiver.server_port}/secretpath", **more}


RULES = {"quarantine_more": 0, "calm_minutes": 0}


def test_an_alert_is_reported_once_and_when_it_is_over(service: Service, receiver: Receiver) -> None:
    document = {"channels": {"ops": channel(receiver, allowed_hosts=["127.0.0.1"])}, "rules": RULES}
    assert service.client.put("/api/v1/settings/alerts", json=document).status_code == 200
    service.people("not an address", "ada@example.com")
    service.app.run("it")
    for _ in range(3):
        service.app.watch.tick()
    assert [message["title"] for message in receiver.got] == ["Penstock: quarantine:it"]
    assert "1 records are in quarantine" in receiver.got[0]["message"]
    (alert,) = service.client.get("/api/v1/alerts").json()["items"]
    assert (alert["id"], alert["state"]) == ("quarantine:it", "raised")
    service.app.discard(everything=True, reason="a trial")
    for _ in range(3):
        service.app.watch.tick()
    assert [message["title"] for message in receiver.got][1:] == ["Penstock, over: quarantine:it"]
    assert service.client.get("/api/v1/alerts").json()["items"][0]["state"] == "over"


def test_new_and_missing_columns_raise_an_alert_until_the_dataset_is_refreshed(
    service: Service, receiver: Receiver
) -> None:
    document = {"channels": {"ops": channel(receiver, allowed_hosts=["127.0.0.1"])}, "rules": RULES}
    service.app.watch.set_alerts(document, by="test")
    file = service.folder / "people.csv"
    file.write_text("id,email,phone\n1,ada@example.com,5\n")
    service.app.dataset("people")
    service.app.run("all")
    service.app.watch.tick()
    assert receiver.got == []
    file.write_text("id,email,city\n1,ada@example.com,Ulm\n")
    service.app.run("all")
    service.app.watch.tick()
    assert [message["title"] for message in receiver.got] == ["Penstock: columns:all"]
    assert "new, not sent: city; no longer in the source: phone" in receiver.got[0]["message"]
    service.app.dataset("people", refresh=True)
    service.app.run("all")
    service.app.watch.tick()
    assert [message["title"] for message in receiver.got][1:] == ["Penstock, over: columns:all"]


def test_a_channel_that_fails_gets_its_message_later(service: Service, receiver: Receiver) -> None:
    document = {"channels": {"ops": channel(receiver, allowed_hosts=["127.0.0.1"])}, "rules": RULES}
    service.app.watch.set_alerts(document, by="test")
    service.people("not an address")
    service.app.run("it")
    receiver.status = 503
    service.app.watch.tick()
    receiver.status = 200
    service.app.watch.tick()  # not due yet
    assert receiver.got == []
    ctx = service.app._ctx
    later = replace(ctx, clock=_Later(ctx.clock))
    service.app._ctx = later
    service.app.watch.tick()
    assert len(receiver.got) == 1


class _Later:
    def __init__(self, clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() + timedelta(minutes=5)

    def monotonic(self) -> float:
        return self._clock.monotonic()


def test_urls_of_channels_are_sealed_and_private_hosts_refused(service: Service, receiver: Receiver) -> None:
    path = "/api/v1/settings/alerts"
    shown = service.client.put(path, json={"channels": {"ops": channel(receiver)}})
    assert shown.status_code == 200, shown.text
    (tried,) = service.client.post(f"{path}/test").json()["items"]
    assert not tried["ok"]
    assert "inside the network" in tried["reason"]
    assert receiver.got == []
    etag = shown.headers["etag"]
    allowed = {"channels": {"ops": {"allowed_hosts": ["127.0.0.1"]}}}
    assert service.client.put(path, json=allowed, headers={"If-Match": etag}).status_code == 200
    assert service.client.put(path, json=allowed, headers={"If-Match": etag}).status_code == 412
    assert service.client.post(f"{path}/test").json()["items"] == [{"channel": "ops", "ok": True, "reason": None}]
    assert len(receiver.got) == 1
    texts = [shown.text, service.client.get(path).text]
    stored = b"".join(file.read_bytes() for file in service.folder.glob("state.db*") if file.is_file())
    for secret in ("hush-hush-password", "secretpath"):
        assert all(secret not in text for text in texts)
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"rules": {"stalled_minutes": -1}}, "rules.stalled_minutes"),
        ({"rule": {}}, "rule"),
        ({"channels": {"a": {}}}, "channels.a.url"),
        ({"channels": {"a": {"url": "nonsense"}}}, "channels.a.url"),
        ({"channels": {"a": {"url": "syslog://"}}}, "channels.a.url"),
    ],
)
def test_invalid_alert_settings_are_refused_with_their_path(service: Service, document: dict, path: str) -> None:
    reply = service.client.put("/api/v1/settings/alerts", json=document)
    assert (reply.status_code, reply.json()["errors"][0]["path"]) == (400, path)


def test_results_of_runs_are_sent_in_one_message_if_enabled(service: Service, receiver: Receiver) -> None:
    def rules(**more: object) -> None:
        channels = {"ops": channel(receiver, allowed_hosts=["127.0.0.1"])}
        document = {"channels": channels, "rules": {"run_results": True, **more}}
        assert service.client.put("/api/v1/settings/alerts", json=document).status_code == 200

    service.people("ada@example.com")
    service.app.run("it")
    rules(calm_minutes=0)
    service.app.watch.tick()
    assert receiver.got == [], "what ended before is old"
    service.people("grace@example.com", "not an address")
    first = service.app.run("it").run
    for _ in range(3):
        service.app.watch.tick()
    (message,) = receiver.got
    assert message["title"] == "Penstock: it partial"
    assert (
        message["message"]
        == f"it: partial (delivered, 1 in quarantine); 2 read, 1 sent, 1 quarantined or unknown, run {first}"
    )
    rules(calm_minutes=10)
    service.people("bob@example.com")
    later = [service.app.run("it").run for _ in range(2)]
    service.app.watch.tick()
    assert len(receiver.got) == 1, "the last message is too fresh"
    rules(calm_minutes=0)
    service.app.watch.tick()
    assert receiver.got[1]["title"] == "Penstock: 2 runs ended"
    assert [line.rpartition(" ")[2] for line in receiver.got[1]["message"].splitlines()] == later
    rules(run_results=False)
    service.app.run("it")
    service.app.watch.tick()
    assert len(receiver.got) == 2
