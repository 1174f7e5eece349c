"""A local HTTP sink that answers at once (or after a given time): the receiver of every benchmark.

It reads whole bodies, and counts requests and bytes. Run as a separate process: `python benchmarks/sink.py [MS]`
prints its port. GET /count returns the counts and resets them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import cast

try:
    import uvloop

    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
except ImportError:
    new_event_loop = asyncio.new_event_loop

REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\nX-RateLimit-Limit: 1000000\r\n"
    b'X-RateLimit-Remaining: 999999\r\n\r\n{"message":"success"}'
)


class Sink(asyncio.Protocol):
    delay = 0.0
    requests = 0
    size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.buffer = bytearray()
        self.missing = -1  # bytes of the body still to come; -1: the head has not ended

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            if self.missing < 0:
                end = self.buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                head = bytes(self.buffer[:end])
                del self.buffer[: end + 4]
                if head.startswith(b"GET /count"):
                    self.count()
                    continue
                self.missing = _length(head)
            if len(self.buffer) < self.missing:
                return
            Sink.size += self.missing
            del self.buffer[: self.missing]
            self.missing = -1
            Sink.requests += 1
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.answer)
            else:
                self.transport.write(REPLY)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(REPLY)

    def count(self) -> None:
        body = b'{"requests":%d,"bytes":%d}' % (Sink.requests, Sink.size)
        Sink.requests = Sink.size = 0
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def main() -> None:
    Sink.delay = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())
