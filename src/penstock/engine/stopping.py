"""Why a run stops before its end: a person, the fuse, the credential, the host."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from penstock.clock import Clock
from penstock.model.spec import FuseSpec

StopKind = Literal["cancelled", "fuse", "credential", "unreachable", "error"]


class Stopped(Exception):  # noqa: N818 - it is a signal, raised where a request would have to wait or leave
    """The run is stopping: nothing new may be sent."""


@dataclass(slots=True)
class StopSignal:
    """Set once; the first reason stands."""

    kind: StopKind | None = None
    reason: str = ""
    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self, kind: StopKind, reason: str) -> None:
        if self.kind is None:
            self.kind, self.reason = kind, reason
            self._event.set()

    @property
    def is_set(self) -> bool:
        return self.kind is not None

    async def wait(self) -> None:
        await self._event.wait()


@dataclass(frozen=True, slots=True)
class StoppableClock:
    """A clock whose sleepers wake with `Stopped` as soon as the run stops."""

    clock: Clock
    signal: StopSignal

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def dice(self) -> float:
        return self.clock.dice()

    async def sleep(self, seconds: float) -> None:
        if self.signal.is_set:
            raise Stopped
        sleeper = asyncio.ensure_future(self.clock.sleep(seconds))
        stopper = asyncio.ensure_future(self.signal.wait())
        try:
            await asyncio.wait({sleeper, stopper}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            stopper.cancel()
        if self.signal.is_set:
            raise Stopped


@dataclass(slots=True)
class Fuse:
    """Counts what the API refuses; `blown` answers why the run must stop, or None."""

    spec: FuseSpec | None
    decided: int = 0
    refused: int = 0
    in_a_row: int = 0

    def saw(self, *, refused: bool, records: int = 1) -> None:
        self.decided += records
        self.refused += records if refused else 0
        self.in_a_row = self.in_a_row + records if refused else 0

    def blown(self) -> str | None:
        if self.spec is None:
            return None
        if self.in_a_row >= self.spec.in_a_row:
            return f"the fuse: the API refused {self.in_a_row} records in a row"
        if self.decided >= self.spec.after and self.refused / self.decided >= self.spec.ratio:
            return f"the fuse: the API refused {self.refused} of {self.decided} records"
        return None
