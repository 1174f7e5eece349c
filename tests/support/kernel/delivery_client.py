"""Clients and senders for the scripted server, with a real network and simulated chance and time."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from penstock.delivery.http.client import Client
from penstock.delivery.machine.jobs import Polling, poll_job
from penstock.delivery.replies import quoter_of
from penstock.delivery.sender import Driver
from penstock.model.delivery import Connection
from penstock.model.record import Grouping, Payload, Replies, Request, RetryClass, Shape
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.virtual_time import ImpatientClock

KEY = "sk-very-secret-0123456789"
ROOMY = RateLimit(1_000_000, 1.0)


@asynccontextmanager
async def client_of(
    url: str, *, rate: RateLimit = ROOMY, clock=None, patience=5.0, **settings
) -> AsyncIterator[Client]:
    clock = clock or ImpatientClock()
    names = {name: settings.pop(name) for name in ("headers", "allowed_hosts") if name in settings}
    connection = Connection("acme", url, KEY, timeout=patience, **names)
    async with Client(connection, budget_in_memory(rate, clock), clock, **settings) as client:
        yield client


def payloads(count: int, first: int = 0) -> list[Payload]:
    return [Payload(n, f"k{n}", b'{"n":%d}' % n, n) for n in range(first, first + count)]


def shape(url: str, *, retry=RetryClass.IDEMPOTENT, replies=Replies.STATUS, size: int = 1, algorithm="array") -> Shape:
    grouping = Grouping("single" if size == 1 else algorithm)
    return Shape("POST", f"{url}/people", size=size, grouping=grouping, retry=retry, replies=replies)


def polling_of(client: Client, timeout: float = 600.0) -> Polling:
    return Polling(client.connection.base_url + "/batch/{job}", quoter_of(client.connection), timeout)


async def poll(client: Client, clock, polling: Polling, job: str, some: Sequence[Payload]):
    """The delivery in which a batch job ends; None when it has not ended in time."""
    end = await Driver(client, clock).result(poll_job(job, some, polling))
    return None if end is None else end[0]


async def every(deliveries):
    """All deliveries of one batch, as a list."""
    return [delivery async for delivery in deliveries]


def one_body(where: Shape):
    """All payloads in one request, as a JSON array when there may be several."""

    def requests_for(some: Sequence[Payload]) -> list[Request]:
        texts = b",".join(payload.text for payload in some)
        body = texts if where.size == 1 else b"[" + texts + b"]"
        return [Request(where.method, where.url, (("Content-Type", "application/json"),), body)]

    return requests_for
