"""`Driver`: performs the commands of one machine on asyncio, with a client, its rate limit and a clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from penstock.clock import Clock
from penstock.delivery.http.client import Before, Client
from penstock.delivery.machine.protocol import (
    Command,
    ConnectionLost,
    Event,
    LogAttempt,
    Moment,
    Replied,
    Reserve,
    Reserved,
    Send,
    SettleRecords,
    Steps,
    TimePassed,
    Wait,
)
from penstock.delivery.rate_limit import Taken
from penstock.model.delivery import Delivery, Reply, Waiting

T = TypeVar("T")

RESERVED = Reserved()


class Driver:
    """For one machine. `before` is awaited once, before the first byte of its first request.

    Raises what the clock and the rate limit raise when the run stops; then the machine is closed.
    """

    def __init__(self, client: Client, clock: Clock, before: Before | None = None) -> None:
        self._client = client
        self._clock = clock
        self._before = before
        self._place: Taken | None = None

    async def deliveries(self, steps: Steps[None]) -> AsyncIterator[Delivery]:
        """The deliveries that the machine settles, each as soon as it has ended."""
        event: Event | None = None
        try:
            while True:
                command = steps.send(event)
                if isinstance(command, SettleRecords):
                    event = None
                    yield command.delivery
                else:
                    event = await self._perform(command)
        except StopIteration:
            return
        finally:
            steps.close()

    async def result(self, steps: Steps[T]) -> T:
        """The result of a machine that settles nothing."""
        event: Event | None = None
        try:
            while True:
                event = await self._perform(steps.send(event))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            steps.close()

    async def _perform(self, command: Command) -> Event | None:
        if isinstance(command, Reserve):
            self._place = await self._client.reserve(command.request, command.lane, command.cost)
            return RESERVED
        if isinstance(command, Send):
            assert self._place is not None
            place, before = self._place, self._before
            self._place = self._before = None
            answer = await self._client.send_reserved(command.request, place, before)
            moment = self._moment()
            return Replied(answer, moment) if isinstance(answer, Reply) else ConnectionLost(answer, moment)
        if isinstance(command, Wait):
            return await self._wait(command.seconds, command.shown)
        assert isinstance(command, LogAttempt), "a machine with deliveries: use `deliveries`"
        self._client.attempt_log.add(*command)
        return None

    async def _wait(self, seconds: float, shown: Waiting | None) -> TimePassed:
        if shown is None:
            await self._clock.sleep(seconds)
        else:
            with self._client.attempt_log.pause(shown):
                await self._clock.sleep(seconds)
        return TimePassed(self._moment())

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.monotonic(), self._clock.dice())
