"""Webhook intake over real HTTP: posts of one record each, durable on SQLite; server and load in two processes.

python benchmarks/service_intake.py                # as fast as it goes, by 64 connections, for 10 s
python benchmarks/service_intake.py --rate 500     # that many posts a second, evenly
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = "sources:\n  app: {type: webhook, secret: '${env:HOOK_KEY}', rate_limit: {requests: 1000000, per: 1s}}\n"
BODY = json.dumps({"id": "u-123456", "email": "ada@example.com", "plan": "gold", "seats": 12, "mrr": 49.5}).encode()
REQUEST = b"POST /hooks/app HTTP/1.1\r\nHost: x\r\nX-API-Key: k\r\nContent-Type: application/json\r\nContent-Length: "


def serve(folder: Path) -> None:
    """The service's process: prints its port."""
    import socket

    import uvicorn

    from penstock.api.service import make_api
    from penstock.clock import SystemClock
    from penstock.engine.app import App
    from penstock.engine.truth import Truth

    url = f"sqlite:///{folder / 'state.db'}"
    with Truth.open(folder / "penstock.yaml", url, {}, SystemClock()) as truth:
        truth.apply()
    with socket.socket() as listening, App.open_applied(url, environ={"HOOK_KEY": "k"}) as app:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(make_api(app), log_level="critical", access_log=False, lifespan="off")
        uvicorn.Server(config).run([listening])


async def _post(port: int, end: float, due: asyncio.Queue[float] | None, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    message = REQUEST + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
    while time.perf_counter() < end:
        begun = time.perf_counter() if due is None else await due.get()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if b'"accepted":1' not in answer:
            raise SystemExit(answer.decode())
        times.append(time.perf_counter() - begun)
    writer.close()


async def _pace(rate: int, end: float, due: asyncio.Queue[float]) -> None:
    """When each post is due; a late server does not slow the posts down."""
    start, sent = time.perf_counter(), 0
    while (now := time.perf_counter()) < end:
        while sent < (now - start) * rate:
            due.put_nowait(start + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)


async def load(port: int, connections: int, seconds: float, rate: int | None) -> dict[str, float]:
    """The load's process."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    due: asyncio.Queue[float] | None = None if rate is None else asyncio.Queue()
    posts = [asyncio.create_task(_post(port, end, due, times)) for _ in range(connections)]
    if rate is not None and due is not None:
        await _pace(rate, end, due)
        for _ in range(connections):
            due.put_nowait(time.perf_counter())
    await asyncio.gather(*posts)
    times.sort()
    share = {f"p{part}_ms": round(times[int(len(times) * part / 100)] * 1000, 1) for part in (50, 95, 99)}
    return {"posts": len(times), "per_s": round(len(times) / seconds), **share}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--load", type=int)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve)
    elif given.load is not None:
        found = asyncio.run(load(given.load, given.connections, given.seconds, given.rate))
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
            subprocess.run([*command, "--load", port, *arguments], check=True)
            server.terminate()


if __name__ == "__main__":
    main()
