"""`Client`: sends one request and returns one reply or loss. The only file that imports the HTTP library.

A client belongs to one credential. It adds the credential's headers itself, and only for hosts that may see them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import quote

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from penstock.clock import Clock, iso
from penstock.delivery.http.addresses import BarredError, PinningResolver, barred, check_spelling, check_url, literal
from penstock.delivery.http.compression import unpack
from penstock.delivery.limit.budget import RateLimiter
from penstock.delivery.limit.rate_limit import Taken
from penstock.delivery.replies import quoter_of
from penstock.model.delivery import Attempt, Connection, Lane, Lost, LostKind, Reply, Waiting
from penstock.model.errors import InputError, Problem
from penstock.model.events import SILENT, Events
from penstock.model.record import Request

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

KEEP_ALIVE = 4.0  # seconds idle; many servers close after 5, and a request met by that close would be lost
CONNECT_SHARE = 0.9  # of the time-out: connecting gives up first, so that it is known that nothing was sent
LARGE = 1 << 20  # bytes
NOT_WRITTEN = "Cannot write to closing transport"  # the library's message; if it changes, a loss is taken as sent
MASK = b"***"
SHORTEST_KEY = 8  # characters; a shorter one would be found in ordinary text
ATTEMPTS_SHOWN = 50  # of a run in progress
CACHED = 1000  # distinct URLs and header sets kept ready

Before = Callable[[], Awaitable[None]]


class AttemptLog:
    """What a run in progress shows: attempts that failed, and what it waits for.

    It holds the last attempts of requests that needed more than one, oldest first, and the current pauses.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: deque[Attempt] = deque(maxlen=ATTEMPTS_SHOWN)
        self._pauses: dict[int, tuple[Waiting, float]] = {}  # with the moment of its end
        self._numbers = count()

    def add(self, request: Request, number: int, answer: Reply | Lost, again_in_s: float | None) -> None:
        """An attempt has ended; `again_in_s` is the pause before the next one, None when there is no next one."""
        status = answer.status if isinstance(answer, Reply) else None
        reason = None if isinstance(answer, Reply) else answer.reason
        at = iso(self._clock.now())
        self._attempts.append(Attempt(at, request.method, request.url, number, status, reason, again_in_s))

    @contextmanager
    def pause(self, waiting: Waiting) -> Iterator[None]:
        """A block in which the run waits for `waiting`."""
        number = next(self._numbers)
        self._pauses[number] = (waiting, self._clock.monotonic() + waiting.seconds)
        try:
            yield
        finally:
            del self._pauses[number]

    def attempts(self) -> tuple[Attempt, ...]:
        """The last attempts, oldest first."""
        return tuple(self._attempts)

    def waiting(self) -> Waiting | None:
        """The pause that ends first, with the seconds that are left of it."""
        if not self._pauses:
            return None
        waiting, end = min(self._pauses.values(), key=lambda pause: pause[1])
        return waiting._replace(seconds=max(0.0, round(end - self._clock.monotonic(), 3)))


class Client:
    """Sends requests with one credential. Use as an async context manager.

    `requests` counts the HTTP requests made so far: those of which a byte may have left. Each is reported to `events`.
    Callers that retry fill `attempt_log`.
    """

    def __init__(
        self,
        connection: Connection,
        budget: RateLimiter,
        clock: Clock,
        *,
        concurrency: int = 10,
        reply_limit: int = 4_000_000,
        names: AbstractResolver | None = None,
    ) -> None:
        self.connection = connection
        self.requests = 0
        self.events: Events = SILENT
        self.attempt_log = AttemptLog(clock)
        self._budget = budget
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._reply_limit = reply_limit
        self._names = names
        self._urls: dict[str, URL] = {}
        self._headers: dict[tuple[tuple[str, str], ...], CIMultiDict[str]] = {}
        self._quoter = quoter_of(connection)
        self._hidden = _secret_forms(connection)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = self.connection.timeout
        pinning = PinningResolver(self.connection, self._names or aiohttp.ThreadedResolver())
        resolver = cast("AbstractResolver", pinning)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, ttl_dns_cache=60, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout * CONNECT_SHARE, ceil_threshold=3600),
            max_line_size=65_536,
            max_field_size=65_536,
            skip_auto_headers=("User-Agent", "Content-Type"),
        )
        # else aiohttp repeats GET, PUT and DELETE on a dropped connection: a request that Penstock does not count
        self._session._retry_connection = False  # noqa: SLF001 - there is no public switch; a test watches it
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(
        self, request: Request, *, lane: Lane = "live", before: Before | None = None, jobs: int = 1
    ) -> Reply | Lost:
        """One attempt: wait for the rate limit, then for `before`, then send.

        Redirects are returned as replies. Raises InputError for a URL that would send the key to another host, and
        nothing for network errors, which are a `Lost`.
        """
        return await self.send_reserved(request, await self.reserve(request, lane, jobs), before)

    async def reserve(self, request: Request, lane: Lane, jobs: int = 1) -> Taken:
        """Wait for a place in the rate limit, which `send_reserved` uses. Raises InputError like `send`."""
        if request.url not in self._urls:
            self._checked_url(request.url)
        return await self._budget.acquire(lane, jobs)

    async def send_reserved(self, request: Request, place: Taken, before: Before | None = None) -> Reply | Lost:
        """One attempt with a place in the rate limit, to which its end is reported.

        `before` is where the intent of a request that must not be sent twice is made durable.
        """
        answer: Reply | Lost | None = None
        try:
            url = self._urls.get(request.url) or self._checked_url(request.url)
            headers = self._headers.get(request.headers) or self._complete(request.headers)
            if before is not None:  # outside the slot: it is made durable while others are under way
                await before()
            async with self._slots:
                answer = await self._observed_attempt(request, url, headers)
        finally:
            if answer is None:
                self._budget.lost(place)
            elif isinstance(answer, Reply):
                self._budget.observe(place, answer.status, answer.headers)
            elif answer.nothing_sent:
                self._budget.give_back(place)
            else:
                self._budget.lost(place)
        return answer

    async def _observed_attempt(self, request: Request, url: URL, headers: CIMultiDict[str]) -> Reply | Lost:
        name = self.connection.name
        with self.events.span("request", credential=name, method=request.method) as span:
            answer = await self._attempt(request, url, headers)
            span.set(status=answer.status if isinstance(answer, Reply) else answer.kind)
        if isinstance(answer, Reply) and answer.status == 429:
            self.events.emit("budget.blocked", credential=name, retry_after=answer.headers.get("retry-after"))
        return answer

    async def _attempt(self, request: Request, url: URL, headers: CIMultiDict[str]) -> Reply | Lost:
        if self._session is None:
            raise RuntimeError("the client is used outside its `async with`")
        started = self._clock.monotonic()
        self.requests += 1
        try:
            async with self._session.request(
                request.method, url, data=_body(request.body), headers=headers, allow_redirects=False
            ) as response:
                body, whole = await _read(response, self._reply_limit)
                reply_headers = _lower(response.headers)
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            kind, nothing_sent, reason = _loss(error, in_one_piece=not _is_large(request.body))
            if nothing_sent:
                self.requests -= 1
            return Lost(kind, nothing_sent, self._quoter.clean(reason), self._since(started))
        if "content-encoding" in reply_headers:
            body, fits = unpack(body, reply_headers["content-encoding"], self._reply_limit)
            whole = whole and fits
        return Reply(
            status, self._masked(reply_headers), self._without_key(body), self._since(started), truncated=not whole
        )

    def _without_key(self, body: bytes) -> bytes:
        """The body with the key masked: a server may echo it, and bodies are stored and shown."""
        for form in self._hidden:
            if form in body:
                body = body.replace(form, MASK)
        return body

    def _masked(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        for form in map(bytes.decode, self._hidden):
            if any(form in value for value in headers.values()):
                headers = {name: value.replace(form, MASK.decode()) for name, value in headers.items()}
        return headers

    def _since(self, started: float) -> float:
        return (self._clock.monotonic() - started) * 1000

    def _checked_url(self, url: str) -> URL:
        check_url(url, self.connection)
        if len(self._urls) >= CACHED:
            self._urls.clear()
        parsed = URL(url, encoded=True)
        check_spelling(parsed.host or "", self.connection)
        self._check_literal(parsed)
        return self._urls.setdefault(url, parsed)

    def _check_literal(self, url: URL) -> None:
        """Raise InputError for an address in the URL that is inside the network: no resolver sees it."""
        host = url.host or ""
        address = literal(host)
        reason = None if address is None else barred(host, url.port or 443, [address], self.connection)
        if reason is not None:
            raise InputError(Problem(self.connection.name, reason, "foreign-host", found=host))

    def _complete(self, own: tuple[tuple[str, str], ...]) -> CIMultiDict[str]:
        headers = CIMultiDict[str]({"Accept": "application/json", "Accept-Encoding": "gzip, deflate"})
        headers["User-Agent"] = "penstock"
        headers.update(CIMultiDict(own))
        headers.update(self.connection.headers)
        if self.connection.api_key is not None:
            headers["Authorization"] = f"Bearer {self.connection.api_key}"
        if len(self._headers) >= CACHED:
            self._headers.clear()
        return self._headers.setdefault(own, headers)


def _secret_forms(connection: Connection) -> tuple[bytes, ...]:
    """The secrets of a credential as a reply can contain them: plain, in JSON, in a URL. The longest first."""
    secrets = [secret for secret in (connection.api_key, *connection.hidden) if len(secret or "") >= SHORTEST_KEY]
    found: set[str] = set()
    for secret in filter(None, secrets):
        in_json = orjson.dumps(secret).decode()[1:-1]
        found |= {secret, in_json, in_json.replace("/", "\\/"), quote(secret, safe="")}
    return tuple(form.encode() for form in sorted(found, key=len, reverse=True))


def _body(body: bytes | None) -> bytes | BytesIO | None:
    """A large body is sent in pieces, so that other tasks of this loop are not delayed."""
    return BytesIO(body) if body is not None and _is_large(body) else body


def _is_large(body: bytes | None) -> bool:
    return body is not None and len(body) > LARGE


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """The body as received, and whether it is complete. A reply that is cut short still has its status."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in response.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > limit:
                response.close()
                return b"".join(parts)[:limit], False
    except (aiohttp.ClientError, OSError, TimeoutError):
        return b"".join(parts), False
    return b"".join(parts), True


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    lowered: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        lowered[lower] = f"{lowered[lower]}, {value}" if lower in lowered else value
    return lowered


def _loss(error: Exception, *, in_one_piece: bool) -> tuple[LostKind, bool, str]:
    """The kind of a loss, whether nothing was sent for certain, and the reason.

    `in_one_piece`: headers and body are one write, so that a failed write has sent nothing.
    """
    if in_one_piece and NOT_WRITTEN in {str(error), str(error.__cause__)}:
        return "cut", True, "the server had closed the connection before the request left"
    match error:
        case aiohttp.ClientConnectorError():
            kind, reason = _not_connected(error)
            return kind, True, reason
        case aiohttp.ConnectionTimeoutError():
            return "timeout", True, "the connection was not made in time"
        case TimeoutError():
            return "timeout", False, "no answer in time"
        case aiohttp.ClientResponseError():
            return "cut", False, f"the answer was not HTTP: {error.message}"
        case _:
            return "cut", False, "the connection was cut before the answer came"


def _not_connected(error: aiohttp.ClientConnectorError) -> tuple[LostKind, str]:
    """Why there is no connection, as a kind and as text."""
    match error:
        case aiohttp.ClientConnectorDNSError() if isinstance(error.os_error, BarredError):
            return "barred", str(error.os_error)
        case aiohttp.ClientConnectorDNSError():
            return "dns", f"the host {error.host} was not found"
        case aiohttp.ClientConnectorCertificateError():
            return "tls", f"the certificate of {error.host} was not accepted: {error.certificate_error}"
        case aiohttp.ClientConnectorSSLError():
            return "tls", f"no secure connection to {error.host}: {error.os_error.strerror or error.os_error}"
    place = f"{error.host}:{error.port}"
    cause = error.os_error
    if isinstance(cause, ConnectionRefusedError):
        return "refused", f"nothing listens at {place}"
    if isinstance(cause, (ssl.SSLError, ConnectionResetError)):  # reset by a listener: the handshake failed
        return "tls", f"no secure connection to {place}"
    return "refused", f"no connection to {place}: {cause.strerror or cause}"
