"""Webhook intake over real HTTP: posts of one record each, durable on SQLite; server and load in two processes.

python benchmarks/service_intake.py                # at full speed, by 64 connections, for 10 s
python benchmarks/service_intake.py --rate 500     # that many posts a second, evenly
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import cast

import uvloop
from service_parts import cpu_of, report

WAITS_S = 10.0  # until the background work of the start is done
PROJECT = "sources:\n  app: {type: webhook, secret: '${env:HOOK_KEY}', rate_limit: {requests: 1000000, per: 1s}}\n"
BODY = json.dumps({"id": "u-123456", "email": "ada@example.com", "plan": "gold", "seats": 12, "mrr": 49.5}).encode()
REQUEST = b"POST /hooks/app HTTP/1.1\r\nHost: x\r\nX-API-Key: k\r\nContent-Type: application/json\r\nContent-Length: "
MESSAGE = REQUEST + str(len(BODY)).encode() + b"\r\n\r\n" + BODY


def serve(folder: Path, database: str | None) -> None:
    """The service's process: prints its port."""
    from penstock.clock import SystemClock
    from penstock.service.api.server import Options, Ready, serve_until_stopped
    from penstock.usecases.applied_project.applied_project import AppliedProject

    def ready(served: Ready) -> None:
        sys.stdout.write(f"{served.url.rpartition(':')[2]}\n")
        sys.stdout.flush()

    os.environ |= {"HOOK_KEY": "k", "PENSTOCK_LOG_LEVEL": "error"}
    url = database or f"sqlite:///{folder / 'state.db'}"
    with AppliedProject.open(folder / "penstock.yaml", url, os.environ, SystemClock()) as truth:
        truth.apply()
    serve_until_stopped(Options(url, "127.0.0.1", 0, worker=True, without_sign_in=True), ready)


class Poster(asyncio.Protocol):
    """One connection: a post, its reply, the next post. It is cheap, since it shares the machine with the service."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._begun = 0.0
        self.is_idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def post(self, begun: float) -> None:
        """Post now what was due at `begun`."""
        self._begun, self.is_idle = begun, False
        self._transport.write(MESSAGE)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        if body != b'{"accepted":1}':
            self._load.fail(body.decode())
            return
        self._buffer = b""
        self.is_idle = True
        self._load.times.append(time.perf_counter() - self._begun)
        self._load.idle(self)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._load.over.done():
            self._load.fail(f"the service hung up: {error}")


class Load:
    """All connections. With a `rate` posts are due evenly, and wait for a free connection; else each posts at once."""

    def __init__(self, rate: int | None, end: float) -> None:
        self._rate, self._end = rate, end
        self._due: deque[float] = deque()
        self._free: deque[Poster] = deque()
        self.times: list[float] = []
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, why: str) -> None:
        if not self.over.done():
            self.over.set_exception(SystemExit(why))

    def idle(self, poster: Poster) -> None:
        now = time.perf_counter()
        if now >= self._end:
            if not self.over.done():
                self.over.set_result(None)
        elif self._rate is None:
            poster.post(now)
        elif self._due:
            poster.post(self._due.popleft())
        else:
            self._free.append(poster)

    async def pace(self, rate: int) -> None:
        """When each post is due; a late service does not slow the posts down."""
        start, sent = time.perf_counter(), 0
        while (now := time.perf_counter()) < self._end:
            while sent < (now - start) * rate:
                self._due.append(start + sent / rate)
                sent += 1
            while self._due and self._free:
                self._free.popleft().post(self._due.popleft())
            await asyncio.sleep(0.002)
        if not self.over.done():
            self.over.set_result(None)


async def load(port: int, connections: int, seconds: float, rate: int | None) -> dict[str, float]:
    """The load's process."""
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    whole = Load(rate, end)
    posters = [(await loop.create_connection(lambda: Poster(whole), "127.0.0.1", port))[1] for _ in range(connections)]
    for poster in posters:
        whole.idle(poster)
    if rate is not None:
        await whole.pace(rate)
    await whole.over
    times = sorted(whole.times)
    share = {f"p{part}_ms": round(times[int(len(times) * part / 100)] * 1000, 1) for part in (50, 95, 99)}
    return {
        "posts": len(times),
        "per_s": round(len(times) / seconds),
        **share,
        "load_cpu_s": round(time.process_time(), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--database")
    parser.add_argument("--load", type=int)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve, given.database)
    elif given.load is not None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(load(given.load, given.connections, given.seconds, given.rate))
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        _both(sys.argv[1:])


def _both(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "penstock.yaml").write_text(PROJECT, encoding="utf-8")
        command = [sys.executable, __file__]
        with subprocess.Popen([*command, "--serve", folder], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            time.sleep(WAITS_S)
            before = cpu_of(server.pid)
            done = subprocess.run([*command, "--load", port, *arguments], check=True, stdout=subprocess.PIPE)
            found, cpu_s = json.loads(done.stdout), cpu_of(server.pid) - before
            report(**found, service_cpu_s=cpu_s, service_cpu_us_a_post=cpu_s / found["posts"] * 1e6)
            server.terminate()


if __name__ == "__main__":
    main()
