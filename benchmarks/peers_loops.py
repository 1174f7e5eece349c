"""Hand-written loops: `python benchmarks/peers_loops.py requests|aiohttp PARQUET PORT SIZE CONCURRENCY`.

`requests` posts one after the other over one session; `aiohttp` encodes with orjson and keeps CONCURRENCY in flight.
They check nothing, remember nothing and retry nothing. Prints {"records", "seconds"} as JSON, imports not included.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from peers_input import body, pages, plain

HEADERS = {"Content-Type": "application/json"}


def with_requests(path: Path, url: str, size: int) -> int:
    import requests

    sent = 0
    with requests.Session() as session:
        for rows in pages(path, size):
            data = json.dumps(body(rows, size), default=plain)
            session.post(url, data=data, headers=HEADERS, timeout=30).raise_for_status()
            sent += len(rows)
    return sent


def with_aiohttp(path: Path, url: str, size: int, concurrency: int) -> int:
    import asyncio

    import aiohttp
    import orjson

    async def work() -> int:
        sent = 0
        todo = pages(path, size)

        async def one_after_the_other(session: aiohttp.ClientSession) -> None:
            nonlocal sent
            for rows in todo:
                async with session.post(url, data=orjson.dumps(body(rows, size)), headers=HEADERS) as reply:
                    reply.raise_for_status()
                    await reply.read()
                sent += len(rows)

        connector = aiohttp.TCPConnector(limit=concurrency)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(one_after_the_other(session))
        return sent

    return asyncio.run(work())


def main() -> None:
    peer, path, port, size, concurrency = sys.argv[1:]
    url = f"http://127.0.0.1:{port}/in"
    began = time.perf_counter()
    if peer == "requests":
        sent = with_requests(Path(path), url, int(size))
    else:
        sent = with_aiohttp(Path(path), url, int(size), int(concurrency))
    print(json.dumps({"records": sent, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
