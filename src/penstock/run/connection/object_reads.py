"""`CustifyReads`: reads the objects of a source of `type: custify`, with the rate limit that all processes share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any

from penstock.delivery.http.client import Client
from penstock.delivery.machine.paged_list import PagedState
from penstock.delivery.reader import ApiReader, FailedReadError, ObjectPage, ObjectReader, ReadRefusedError
from penstock.model.errors import CredentialRefused, HostUnreachable, InputError, PenstockError
from penstock.model.spec import CredentialSpec, CustifySource, RateLimit
from penstock.run.connection import check, connection
from penstock.run.connection.leased_window import SharedBudgets
from penstock.run.context import Context
from penstock.sources.api_rows import ApiPage

LARGEST_REPLY = 64_000_000  # bytes; a page has up to 200 objects
LATENCY_S = 0.1  # assumed time of a request when the rate limit does not delay it


class CustifyReads:
    """Implements `ApiObjects`. Its requests have the lane of backfills.

    They are made on an event loop in a thread of their own, because sources are read with and without a running loop.
    """

    def __init__(self, ctx: Context, source: CustifySource) -> None:
        self.requests = 0
        self._ctx = ctx
        self._source = source

    def pages(self, places: Sequence[Mapping[str, Any]]) -> Iterator[ApiPage]:
        """The pages after those with these places.

        Raises InputError for settings with which nothing can be read, CredentialRefused and HostUnreachable, and
        KeyboardInterrupt between two pages when the run is stopped.
        """
        with self._ctx.placing(), _running_loop() as loop:
            pages = self._read(places)

            async def following() -> ApiPage | None:
                return await anext(pages, None)

            try:
                while (page := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
                    yield page
                    if self._ctx.stopping():
                        raise KeyboardInterrupt
            finally:
                asyncio.run_coroutine_threadsafe(pages.aclose(), loop).result()

    async def _read(self, places: Sequence[Mapping[str, Any]]) -> AsyncGenerator[ApiPage]:
        ctx, source = self._ctx, self._source
        spec = connection.credential_spec(ctx, source.credential)
        budget = SharedBudgets().of(ctx, spec)
        if connection.needs_check(ctx, spec):
            self.requests += len(connection.candidates(ctx))
        address = await check.ensure_checked(ctx, spec, budget)
        if address.dialect == "flat":
            raise InputError(connection.no_reads(ctx, spec))
        link = connection.connection(ctx, spec, address.base_url)
        before = [
            ObjectPage((), each["ids"], each["part"], PagedState(*each["state"]), each["requests"]) for each in places
        ]
        gap: str | None = places[-1]["gap"] if places else None
        async with Client(link, budget, ctx.clock, reply_limit=LARGEST_REPLY) as client:
            client.events, counted = ctx.events, 0
            objects = ObjectReader(
                ApiReader(client, ctx.clock, "backfill"), address.base_url, source.object, source.query
            )
            try:
                async for page in objects.pages(before):
                    self.requests, counted = self.requests + client.requests - counted, client.requests
                    gap = page.state.gap or gap
                    yield _api_page(page, gap, spec.rate_limit)
            except FailedReadError as failed:
                raise self._failure(spec, failed, address.base_url) from failed
            except ReadRefusedError as refused:
                message, hint = refused.lost.reason, f"give it a key that may read, then `penstock check {spec.name}`"
                problem = ctx.problem(f"credentials.{spec.name}", message, "credential-refused", hint=hint)
                raise CredentialRefused(problem) from refused

    def _failure(self, spec: CredentialSpec, failed: FailedReadError, base: str) -> PenstockError:
        """A request that the API does not accept is an error of the settings; no answer is one of the environment."""
        if failed.status is not None and 400 <= failed.status < 500 and failed.status not in (408, 429):
            path = f"sources.{self._source.name}"
            hint = "check `query` and `object`"
            return InputError(self._ctx.problem(path, str(failed), "read-failed", hint=hint, found=self._source.object))
        hint = f"check the address, and whether it answers: `penstock check {spec.name}`"
        path = f"credentials.{spec.name}"
        return HostUnreachable(self._ctx.problem(path, str(failed), "host-unreachable", hint=hint, found=base))


def _api_page(page: ObjectPage, gap: str | None, rate: RateLimit) -> ApiPage:
    place = {"ids": page.ids, "part": page.part, "state": list(page.state), "requests": page.requests, "gap": gap}
    windows = max(ceil(page.requests / rate.requests) - 1, 0)
    seconds = max(windows * rate.per, page.requests * LATENCY_S / 10)
    return ApiPage(page.objects, place, gap, page.requests, seconds)


@contextmanager
def _running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own during the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="custify-reads", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _end_tasks() -> None:
    """End what the rate limit does in the background."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
