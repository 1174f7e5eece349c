"""The HTTP server: reads requests, logs them, sends replies, and applies faults to replies."""

import asyncio
import gzip
from collections.abc import Mapping

import orjson
from aiohttp import web

from penstock_sandbox.account.call import Reply, error_body
from penstock_sandbox.api.api import Answer, Api, ApiRequest
from penstock_sandbox.server.admin import Admin
from penstock_sandbox.server.request_log import LogEntry, RequestLog

JSON = "application/json; charset=utf-8"
HUGE = 8_000_000
_HTML = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><div id='app'></div></body></html>"
_INVALID_BODIES: Mapping[str | None, tuple[bytes, str]] = {
    "html": (_HTML, "text/html; charset=utf-8"),
    "empty": (b"", JSON),
    "broken-json": (b'{"id": "5f00000000000000', JSON),
    "huge": (b'{"padding": "' + b"x" * HUGE + b'"}', JSON),
    "text": (b"upstream connect error or disconnect/reset before headers", "text/plain; charset=utf-8"),
}


class SandboxServer:
    """`handle` is a low-level handler of aiohttp, without router and middleware, for speed."""

    def __init__(self, api: Api, request_log: RequestLog) -> None:
        self.api = api
        self.request_log = request_log
        self.admin = Admin(api, request_log)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        if target.startswith("/_admin"):
            return await self.admin.answer(request)
        body = await request.content.read() if request.body_exists else b""
        entry = self.request_log.record(self.api.account.now(), request.method, target, request.raw_headers, body)
        headers = request.headers
        arrived = ApiRequest(
            request.method, target, headers.get("Authorization", ""), headers.get("Content-Type", ""), body
        )
        answer = self.api.answer(arrived)
        entry.committed = answer.committed
        entry.fault = answer.fault.name() or None
        return await self._sent(request, entry, answer)

    async def _sent(self, request: web.BaseRequest, entry: LogEntry, answer: Answer) -> web.StreamResponse:
        """Send the reply, delayed, dropped or altered by a fault. The change was already made."""
        wait = self.api.account.settings.latency + answer.fault.slow
        if wait > 0:
            await asyncio.sleep(wait)
        if answer.fault.cut is not None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        response = rendered(answer, self.api.account.now())
        entry.status = response.status
        if answer.reply.status >= 400:
            entry.error = answer.reply.body["message"]
        return response


def rendered(answer: Answer, now: float) -> web.Response:
    """The HTTP response at the time `now` for a reply, altered by its fault."""
    reply, fault = answer.reply, answer.fault
    status, headers = reply.status, dict(reply.headers)
    if fault.status is not None:
        status = fault.status
        reply = Reply(status, reply.body if status < 400 else error_body(status, "Simulated by the sandbox"))
        wait = fault.retry_after_header(now)
        if wait is not None:
            headers["Retry-After"] = wait
    body, kind = orjson.dumps(reply.body), JSON
    if fault.body is not None:
        body, kind = _INVALID_BODIES[fault.body]
    headers["Content-Type"] = kind
    if fault.gzip:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    if status in {204, 304}:
        body = b""
    return web.Response(status=status, body=body, headers=headers)


async def serve(server: SandboxServer, host: str, port: int) -> tuple[web.ServerRunner, int]:
    """Listen; port 0 uses a free port. Returns the runner (`cleanup` stops it) and the port. Raises OSError."""
    low = web.Server(server.handle, access_log=None)
    runner = web.ServerRunner(low, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=512)
    await site.start()
    address = runner.addresses[0]
    return runner, int(address[1])
