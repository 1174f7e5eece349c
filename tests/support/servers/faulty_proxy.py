"""A proxy between Penstock and the sandbox that breaks replies on the wire, each record's in its own way."""

import http.client
import re
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Literal
from urllib.parse import urlsplit

RECORD = re.compile(rb"k-([a-z0-9-]+)")  # the name of a record in a body or a URL: `k-` and that of its fault

ALWAYS = 1 << 30
How = Literal["reply", "cut", "cut in the body", "time out", "close unread", "refuse"]


@dataclass(frozen=True)
class WireFault:
    """What the client gets in place of the API's reply. `done`: the API executes the request nevertheless.

    `refuse` and `close unread` are for all connections, whatever they carry.
    """

    how: How = "reply"
    status: int = 200
    body: bytes = b'{"message": "fault"}'
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False

    def lines(self) -> dict[str, str]:
        """The headers; `in 2 s` and `an hour ago` are HTTP dates."""
        now = datetime.now(UTC)
        dates = {"in 2 s": now + timedelta(seconds=2), "an hour ago": now - timedelta(hours=1)}
        return {
            name: format_datetime(dates[value], usegmt=True) if value in dates else value
            for name, value in self.headers.items()
        }


class FaultyProxy(ThreadingHTTPServer):
    """Use `running_proxy`. A POST whose body names a fault of `faults` meets it, `times` times."""

    daemon_threads = True

    def __init__(self, port: int, target: str, faults: Mapping[str, WireFault]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.target, self.faults = urlsplit(target), faults
        self.times = 0
        self.closes_unread = False
        self.seen: Counter[str] = Counter()  # the requests that arrived, by the fault that their record names

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self.closes_unread

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client has closed its connection: that is what these tests are about."""

    def fault_of(self, method: str, body: bytes) -> WireFault | None:
        named = RECORD.search(body)
        if method != "POST" or named is None:
            return None
        name = named[1].decode()
        self.seen[name] += 1
        return self.faults[name] if self.seen[name] <= self.times else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultyProxy

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fault = self.server.fault_of(self.command, body)
        status, headers, content = 0, {}, b""
        if fault is None or fault.done:
            status, headers, content = self._forward(body)
        if fault is None:
            self._reply(status, headers, content)
        elif fault.how == "reply":
            self._reply(fault.status, {"Content-Type": "application/json", **fault.lines()}, fault.body)
        elif fault.how == "cut in the body":
            self._reply(status, headers, content, cut=True)
        elif fault.how == "time out":
            self.connection.recv(1)  # until the client gives up
            self.close_connection = True
        else:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        target = self.server.target
        connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, body=body or None, headers=headers)
            reply = connection.getresponse()
            names = ("content-type", "x-ratelimit-limit", "x-ratelimit-remaining")
            return reply.status, {n: v for n, v in reply.getheaders() if n.lower() in names}, reply.read()
        finally:
            connection.close()

    def _reply(self, status: int, headers: Mapping[str, str], content: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class ProxyPort:
    """The port of a proxy, on which it listens only sometimes."""

    target: str
    faults: Mapping[str, WireFault]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{urlsplit(self.target).path.rstrip('/')}"

    @contextmanager
    def open(self, times: int = 0, *, closes_unread: bool = False) -> Iterator[FaultyProxy]:
        """The proxy, which breaks so many requests of each record."""
        with FaultyProxy(self.port, self.target, self.faults) as server:
            server.times, server.closes_unread = times, closes_unread
            thread = Thread(target=server.serve_forever, args=(0.005,))
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    @contextmanager
    def broken(self, how: How) -> Iterator[FaultyProxy | None]:
        """The proxy, which breaks every request; None: connections are refused."""
        if how == "refuse":
            yield None
        else:
            with self.open(ALWAYS, closes_unread=how == "close unread") as server:
                yield server


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port that no other process gets meanwhile."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        yield holder.getsockname()[1]
