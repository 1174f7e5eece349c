"""Custify in virtual time: fixed windows, objects that are visible late, replies that are lost, and other clients."""

import asyncio
import json
from dataclasses import dataclass, field
from html import escape
from itertools import count
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

from penstock.clock import iso
from penstock.model.delivery import Lost, Reply
from penstock.model.record import Request
from support.kernel.shared_budget import FixedWindow
from support.kernel.virtual_time import LoopClock

CLOCK = LoopClock()
ENTITY = "5f00000000000000000000aa"

FaultName = Literal["refused", "cut before", "cut after", "cut, done late", "503 before", "503 after", "429"]
# 429: other clients have used the window up
NOTHING_DONE = ("refused", "429")  # faults that say so: even a request that is done only once is sent again


class Arrived(NamedTuple):
    """A request that the API got: its body, whether it was executed, and the fault that its sender met."""

    body: dict
    done: bool
    fault: FaultName | None


@dataclass
class SimulatedApi:
    """The account. `window` decides about 429; `faults` are met by the next POSTs, one each."""

    window: FixedWindow
    visible_after: float = 0.0
    note_form: Literal["text", "html"] = "text"
    faults: list[FaultName] = field(default_factory=list)
    log: list[Arrived] = field(default_factory=list)  # POSTs, in the order in which they came
    created: list[tuple[float, str, dict]] = field(default_factory=list)  # when, of which kind, the object
    others: int = 0  # requests of other clients
    others_last: float = float("-inf")
    refused_alone: int = 0  # 429s though no other client had used the key for a whole window
    _numbers: count = field(default_factory=lambda: count(1))

    def other_clients(self, requests: int) -> None:
        now = CLOCK.monotonic()
        for _ in range(requests):
            self.window.answer(now)
        self.others += requests
        self.others_last = now

    async def exchange(self, request: Request, up: float, down: float) -> Reply | Lost:
        """What the client gets. What the API does does not end when the client does."""
        return await asyncio.shield(asyncio.ensure_future(self._exchange(request, up, down)))

    async def _exchange(self, request: Request, up: float, down: float) -> Reply | Lost:
        fault = self.faults.pop(0) if request.method == "POST" and self.faults else None
        if fault == "refused":
            await asyncio.sleep(down)
            return Lost("refused", True, "connection refused", 1.0)
        await asyncio.sleep(up)
        now = CLOCK.monotonic()
        if fault == "429":
            self.other_clients(self.window.limit)
        status, headers = self.window.answer(now)
        body = json.loads(request.body or b"{}")
        if status == 429:
            self.refused_alone += now - self.others_last > 2 * self.window.per
            if request.method == "POST":
                self.log.append(Arrived(body, done=False, fault="429"))
            await asyncio.sleep(down)
            return Reply(429, headers, b"{}", 1.0)
        if request.method == "GET":
            found = json.dumps(self._read(request.url)).encode()
            await asyncio.sleep(down)
            return Reply(200, headers, found, 1.0)
        done = fault not in ("cut before", "503 before")
        self.log.append(Arrived(body, done, fault))
        if fault == "cut, done late":
            asyncio.get_running_loop().call_later(3.0, self._create, request.url, body)
            return Lost("timeout", False, "no answer in time", 1.0)
        remote = self._create(request.url, body) if done else ""
        await asyncio.sleep(down)
        if fault in ("cut before", "cut after"):
            return Lost("cut", False, "the connection was cut", 1.0)
        if fault in ("503 before", "503 after"):
            return Reply(503, headers, b"{}", 1.0)
        return Reply(200, headers, json.dumps({"id": remote}).encode(), 1.0)

    def _create(self, url: str, body: dict) -> str:
        remote = f"{next(self._numbers):024x}"
        kind = urlsplit(url).path.removeprefix("/")
        stored = {**body, "id": remote, "createdByType": "api", "created_at": iso(CLOCK.now())}
        self.created.append((CLOCK.monotonic(), kind, stored))
        return remote

    def _read(self, url: str) -> dict:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        now = CLOCK.monotonic()
        visible = [(kind, each) for at, kind, each in self.created if at + self.visible_after <= now]
        if parts.path.startswith("/note/"):
            found = [self._shown(each) for kind, each in visible if kind == "note"]
            page, size = int(query["page"]), int(query["itemsPerPage"])
            return {"notes": found[(page - 1) * size : page * size], "total": len(found)}
        found = [each for kind, each in visible if kind == "task" and each["externalId"] == query["externalId"]]
        return {"tasks": found, "total": len(found)}

    def _shown(self, note: dict) -> dict:
        return note if self.note_form == "text" else {**note, "text": f"<p>{escape(note['text'])}</p>"}
