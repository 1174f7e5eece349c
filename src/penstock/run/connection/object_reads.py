"""`CustifyReads`: reads the objects of a source of `type: custify`, with the rate limit that all processes share."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from functools import partial
from hashlib import blake2b
from math import ceil
from typing import Any, TypeVar

from penstock.deadline import Deadline, current_deadline
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
LOOK_S = 0.2  # how often a reader looks whether its pages are still wanted

T = TypeVar("T")


class CustifyReads:
    """Implements `ApiObjects`. Its requests have the lane of backfills.

    They are made on an event loop in a thread of their own, because sources are read with and without a running loop.
    `reader` names what reads, where it is no source of the project. `announce` takes requests and seconds of the read.
    """

    def __init__(
        self,
        ctx: Context,
        source: CustifySource,
        reader: str | None = None,
        announce: Callable[[int, float], None] = lambda _requests, _seconds: None,
    ) -> None:
        self.requests = 0
        self._reader = reader
        self._announce = announce
        self._ctx = ctx
        self._source = source

    def account(self) -> str:
        """A digest of the credential's base URL, key and headers. InputError when it has no key."""
        spec = connection.credential_spec(self._ctx, self._source.credential)
        link = connection.connection(self._ctx, spec, spec.base_url)
        parts = [connection.made_for(self._ctx, spec), spec.dialect, link.api_key, *sorted(link.headers.items())]
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def pages(self, places: Sequence[Mapping[str, Any]]) -> Iterator[ApiPage]:
        """The pages after those with these places.

        Raises InputError for settings with which nothing can be read and when the caller's deadline has passed,
        CredentialRefused, HostUnreachable, and KeyboardInterrupt when the run is stopped. A request that is under way
        then is cancelled.
        """
        deadline = current_deadline()
        with self._ctx.placing():
            reading = _ReadingThread(self._read(places))
            try:
                while (page := self._wait_for(reading.next(), deadline)) is not None:
                    yield page
                    self._check_wanted(deadline)
            finally:
                reading.close()

    def _wait_for(self, page: Future[T], deadline: Deadline | None) -> T:
        while not wait([page], LOOK_S).done:
            self._check_wanted(deadline)
        return page.result()

    def _check_wanted(self, deadline: Deadline | None) -> None:
        if self._ctx.stopping():
            raise KeyboardInterrupt
        if deadline is not None and deadline.is_over:
            raise deadline.too_slow(self._path, f"reading {self._source.object}")

    @property
    def _path(self) -> str:
        return f"sources.{self._source.name}" if self._reader is None else f"credentials.{self._source.credential}"

    async def _read(self, places: Sequence[Mapping[str, Any]]) -> AsyncGenerator[ApiPage]:
        ctx, source = self._ctx, self._source
        spec = connection.credential_spec(ctx, source.credential)
        budget = SharedBudgets().of(ctx, spec)
        if connection.needs_check(ctx, spec):
            self.requests += len(connection.candidates(ctx))
        address = await check.ensure_checked(ctx, spec, budget)
        if address.dialect == "flat":
            raise InputError(connection.no_reads(ctx, spec, self._reader or "a source of `type: custify`"))
        link = connection.connection(ctx, spec, address.base_url)
        before = [
            ObjectPage((), each["ids"], each["part"], PagedState(*each["state"]), each["requests"]) for each in places
        ]
        gap: str | None = places[-1]["gap"] if places else None
        async with Client(link, budget, ctx.clock, reply_limit=LARGEST_REPLY) as client:
            client.events, counted = ctx.events, 0
            reader = ApiReader(client, ctx.clock, "backfill")
            objects = ObjectReader(reader, address.base_url, source.object, source.query, partial(self._say, spec))
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

    def _say(self, spec: CredentialSpec, requests: int) -> None:
        self._announce(requests, seconds_of(requests, spec.rate_limit))

    def _failure(self, spec: CredentialSpec, failed: FailedReadError, base: str) -> PenstockError:
        """A request that the API does not accept is an error of the settings; no answer is one of the environment."""
        if failed.status is not None and 400 <= failed.status < 500 and failed.status not in (408, 429):
            hint = "check `query` and `object`" if self._reader is None else f"check the base URL of {spec.name}"
            found = self._source.object
            return InputError(self._ctx.problem(self._path, str(failed), "read-failed", hint=hint, found=found))
        hint = f"check the address, and whether it answers: `penstock check {spec.name}`"
        path = f"credentials.{spec.name}"
        return HostUnreachable(self._ctx.problem(path, str(failed), "host-unreachable", hint=hint, found=base))


def _api_page(page: ObjectPage, gap: str | None, rate: RateLimit) -> ApiPage:
    place = {"ids": page.ids, "part": page.part, "state": list(page.state), "requests": page.requests, "gap": gap}
    return ApiPage(page.objects, place, gap, page.requests, seconds_of(page.requests, rate))


def seconds_of(requests: int, rate: RateLimit) -> float:
    """The time that a read of so many requests takes."""
    windows = max(ceil(requests / rate.requests) - 1, 0)
    return max(windows * rate.per, requests * LATENCY_S / 10)


class _ReadingThread:
    """The pages of a generator, which runs on an event loop in a thread of its own. Any thread may use and close it."""

    def __init__(self, pages: AsyncGenerator[ApiPage]) -> None:
        self._pages = pages
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[Any] | None = None  # reads the next page
        self._thread = threading.Thread(target=_run_to_end, args=(self._loop,), name="custify-reads", daemon=True)
        self._thread.start()

    def next(self) -> Future[ApiPage | None]:
        """The next page; None after the last one."""
        return self._submit(self._next())

    async def _next(self) -> ApiPage | None:
        self._task = asyncio.current_task()
        return await anext(self._pages, None)

    def close(self) -> None:
        """Cancel what is under way and end the loop in its own thread. Waits for that, unless called by that thread."""
        ended = self._submit(self._end())
        ended.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._loop.stop))
        if threading.current_thread() is self._thread or sys.is_finalizing():  # collected there, or at the very end
            return
        ended.result()
        self._thread.join()

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._pages.aclose()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def _run_to_end(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped, then end what the rate limit does in the background, and close it."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop().run_forever()
