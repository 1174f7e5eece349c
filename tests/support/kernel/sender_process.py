"""Sends under the shared rate limit for some seconds. A script: python sender_process.py STATE API KEY RATE PER SECONDS"""

import asyncio
import http.client
import sys
import time
from urllib.parse import urlsplit

from penstock.clock import SystemClock
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import shared_budget
from penstock.store.database import Database


async def main() -> None:
    state, api, key, rate, per, seconds = sys.argv[1:]
    database = Database.open(state)
    budget = shared_budget(RateLimit(int(rate), float(per)), SystemClock(), database, "acme")
    until = time.time() + float(seconds)
    parts = urlsplit(api)

    def ask():
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        path = parts.path + "/company/all?itemsPerPage=1&page=1"
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        reply.read()
        connection.close()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}

    async def send():
        while time.time() < until:
            taken = await budget.acquire("backfill")
            if time.time() > until:
                budget.give_back(taken)
                return
            status, headers = await asyncio.to_thread(ask)
            budget.observe(taken, status, headers)
            print(status, time.time(), flush=True)

    await asyncio.gather(*(send() for _ in range(4)))


asyncio.run(main())
