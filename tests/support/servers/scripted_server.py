"""A real HTTP server that misbehaves on cue, to the byte. It runs in the test's own event loop.

Its script is a list of steps, one per request, in the order the requests arrive; when it is over, every answer is
`200 {}`. Its log has every request of which the headers arrived.
"""

import asyncio
import gzip
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

JSON = "application/json"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. Header names are lower-case; `connection` counts from 0."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


Step = Callable[[asyncio.StreamWriter, Seen], Awaitable[bool | None]]  # False: close the connection afterwards


def reply(status: int, body: Any = b"", headers: dict[str, str] | None = None, *, content_type: str = JSON) -> Step:
    """A complete reply. A body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": content_type, "Content-Length": str(len(content)), **(headers or {})}
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    return raw(head.encode() + content, close=False)


def raw(data: bytes, *, close: bool = True) -> Step:
    """These bytes, unchanged."""

    async def step(writer: asyncio.StreamWriter, _: Seen) -> bool:
        writer.write(data)
        await writer.drain()
        return not close

    return step


def gzipped(content: bytes, status: int = 200) -> Step:
    return reply(status, gzip.compress(content), {"Content-Encoding": "gzip"})


def cut() -> Step:
    """No reply: the connection is closed."""
    return raw(b"")


def cut_in_headers() -> Step:
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: appl")


def cut_in_body(status: int = 200) -> Step:
    return raw(f"HTTP/1.1 {status} OK\r\nContent-Type: {JSON}\r\nContent-Length: 100\r\n\r\n".encode() + b'{"id": "a')


def never() -> Step:
    """No reply, and the connection stays open until the client gives up."""

    async def step(writer: asyncio.StreamWriter, _: Seen) -> bool:
        await writer.wait_closed()
        return False

    return step


def after(seconds: float, then: Step) -> Step:
    async def step(writer: asyncio.StreamWriter, seen: Seen) -> bool | None:
        await asyncio.sleep(seconds)
        return await then(writer, seen)

    return step


def endless() -> Step:
    """A body that does not end."""

    async def step(writer: asyncio.StreamWriter, _: Seen) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        while not writer.is_closing():
            writer.write(b"1," * 50_000)
            await writer.drain()
        return False

    return step


@dataclass
class ScriptedServer:
    """Use as an async context manager. `answer`, if given, makes every reply in place of the script."""

    script: list[Step] = field(default_factory=list)
    answer: Callable[[Seen], Step] | None = None
    tls: ssl.SSLContext | None = None
    log: list[Seen] = field(default_factory=list)
    port: int = 0
    _connections: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection now, as a server does with idle ones."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._connections = self._connections, self._connections + 1
        self._writers.add(writer)
        try:
            while True:
                seen = await _read(reader, number)
                self.log.append(seen)
                if self.answer is not None:
                    step = self.answer(seen)
                else:
                    step = self.script.pop(0) if self.script else reply(200, {})
                if await step(writer, seen) is False:
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader, connection: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body, connection)
