"""Logs and traces: every event has a documented, stable name, and no line has a secret."""

import ast
import io
import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penstock.model.errors import InputError
from penstock.model.events import EVENTS
from penstock.service.watch.logs import start_logs
from penstock.service.watch.watch import watched
from support.docs.source_trees import source_trees
from support.service.watch_service import Service

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


def test_every_event_is_documented_and_emitted():
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `([a-z]+\.[a-z-]+|defect)` \| (\w+) \|", page, re.MULTILINE)) == {
        name: kind.level for name, kind in EVENTS.items()
    }
    emitted = {event for module in source_trees().values() for event in events_emitted(module)}
    assert emitted == EVENTS.keys()


def events_emitted(module: ast.Module) -> Iterator[str]:
    """The events that the calls of `emit` in a module name, and those that it assigns to a variable for one."""
    names = {node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    calls = (
        node.func.attr
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )
    if "emit" in calls:
        yield from names & EVENTS.keys()


def test_every_metric_is_documented(service: Service):
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    names = set(re.findall(r"^# TYPE (penstock_\w+)", service.client.get("/metrics").text, re.MULTILINE))
    assert len(names) > 15
    hidden = {name for name in names if name.endswith("_created")} | {"penstock_info"}
    assert [name for name in names - hidden if name not in page] == []


def test_the_log_of_a_run_has_no_secrets_and_no_records(service: Service):
    stream = io.StringIO()
    service.people("ada@example.com", "bob@example.com")
    service.sandbox.fault(status=422, path="/batch", times=3)
    with watched(service.app, {"PENSTOCK_LOG_LEVEL": "debug", "PENSTOCK_LOG_FORMAT": "json"}, stream):
        service.app.run("it")
        service.client.get("/api/v1/runs?api_key=hush-hush")
        service.client.post("/hooks/nothing?key=hush-hush")
        end = time.monotonic() + 60
        while "http.request" not in stream.getvalue():  # a reply can arrive before its line
            assert time.monotonic() < end, stream.getvalue()
            time.sleep(0.01)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    events = [line["event"] for line in lines]
    assert {"run.started", "run.ended", "delivery.failed", "http.request"} <= set(events)
    ended = next(line for line in lines if line["event"] == "run.ended")
    assert (ended["status"], ended["records"]["read"], ended["destination"]) == ("partial", 2, "it")
    for secret in (service.sandbox.api_key, "hush-hush", "example.com"):
        assert secret not in stream.getvalue()
    found = service.client.get("/metrics").text
    assert 'penstock_events_total{event="run.ended"} 1.0' in found
    assert 'penstock_attempt_seconds_count{credential="sandbox",status="422"} 3.0' in found
    assert re.search(r'penstock_http_request_seconds_count\{method="GET",route="[^"]*/runs",status="200"\} 1.0', found)


def test_secrets_are_redacted_by_value_name_and_form():
    stream = io.StringIO()
    events = start_logs({"PENSTOCK_LOG_FORMAT": "json", "BILLING_PASSWORD": "from-the-environment"}, stream)
    events.hide("learned-later")
    events.emit(
        "change.made",
        what=["learned-later", {"api_key": "by-its-name"}, "from-the-environment"],
        url="https://user:in-the-url@host/path?token=in-the-query&page=2",
        header="Bearer in-the-header",
    )
    line = stream.getvalue()
    secrets = ("learned-later", "by-its-name", "from-the-environment", "in-the-url", "in-the-query", "in-the-header")
    for secret in secrets:
        assert secret not in line
    assert "page=2" in line


@pytest.mark.parametrize("environ", [{"PENSTOCK_LOG_LEVEL": "loud"}, {"PENSTOCK_LOG_FORMAT": "xml"}])
def test_unknown_log_levels_and_formats_are_refused(environ):
    with pytest.raises(InputError):
        start_logs(environ, io.StringIO())


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_a_run_is_a_trace_of_batches_and_requests(service: Service, monkeypatch):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    server.got = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        service.people("ada@example.com", "bob@example.com")
        with watched(service.app, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, io.StringIO()):
            service.app.run("it")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    spans = {}
    for body in server.got:
        assert service.sandbox.api_key.encode() not in body
        assert b"example.com" not in body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                spans.update({span.span_id: span for span in scope.spans})
    (run,) = [span for span in spans.values() if span.name == "penstock.run"]
    batches = [span for span in spans.values() if span.name == "penstock.batch"]
    requests = [span for span in spans.values() if span.name == "penstock.request"]
    assert batches
    assert requests
    assert all(span.parent_span_id == run.span_id for span in batches)
    parents = {spans[span.parent_span_id].name for span in requests}
    assert "penstock.batch" in parents
    assert parents <= {"penstock.batch", "penstock.run"}  # the result of a batch job is polled afterwards
    facts = {item.key: item.value for item in batches[0].attributes}
    assert facts["penstock.outcome"].string_value in {"delivered", "accepted"}
    assert facts["penstock.attempts"].int_value == 1
