"""`Sender`: payloads to deliveries, in which every payload has exactly one outcome.

`Driver` performs the commands of one machine (`machine/protocol.py`) on asyncio, with a client, its rate limit and a
clock. `Sender` drives the machine of a batch, `BatchJobs` that of a batch job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from penstock.clock import Clock
from penstock.delivery.http.client import Before, Client
from penstock.delivery.limit.rate_limit import Taken
from penstock.delivery.machine.batch import BatchRules, RequestsFor, deliver
from penstock.delivery.machine.jobs import JobEnd, Polling, SentJob, end_of_job
from penstock.delivery.machine.protocol import (
    Command,
    ConnectionLost,
    Event,
    LogAttempt,
    Moment,
    RenderAgain,
    Replied,
    Reserve,
    Reserved,
    Send,
    SettleRecords,
    Steps,
    TimePassed,
    Wait,
)
from penstock.delivery.replies import quoter_of
from penstock.delivery.retry import DEFAULT_POLICY, RetryPolicy
from penstock.model.delivery import Delivery, Lane, Reply, Waiting
from penstock.model.record import Payload, Request, Shape

T = TypeVar("T")

RESERVED = Reserved()


class Driver:
    """For one machine. `before` is awaited before the first byte of its first request, and of each that is sent again.

    Raises what the clock and the rate limit raise when the run stops; then the machine is closed.
    """

    def __init__(self, client: Client, clock: Clock, before: Before | None = None) -> None:
        self._client = client
        self._clock = clock
        self._before = before
        self._place: Taken | None = None
        self._is_first = True

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
            self._place = await self._client.reserve(command.request, command.lane, command.jobs)
            return RESERVED
        if isinstance(command, Send):
            assert self._place is not None
            place, before = self._place, self._before if self._is_first or command.attempt > 1 else None
            self._place, self._is_first = None, False
            answer = await self._client.send_reserved(command.request, place, before)
            moment = self._moment()
            return Replied(answer, moment) if isinstance(answer, Reply) else ConnectionLost(answer, moment)
        if isinstance(command, Wait):
            return await self._wait(command.seconds, command.shown)
        if isinstance(command, RenderAgain):
            return await command.render(command.payloads)
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


class Sender:
    """Sends payloads and reports the outcome of each."""

    def __init__(self, client: Client, clock: Clock, policy: RetryPolicy = DEFAULT_POLICY) -> None:
        self._client, self._clock, self._policy = client, clock, policy
        self._quoter = quoter_of(client.connection)

    def deliver(
        self,
        payloads: Sequence[Payload],
        shape: Shape,
        requests_for: RequestsFor,
        requests: Sequence[Request] | None = None,
        *,
        lane: Lane = "live",
        before: Before | None = None,
    ) -> AsyncIterator[Delivery]:
        """Send the payloads of one batch; each delivery is reported as soon as it has ended.

        Every payload is settled in exactly one of the deliveries (`machine.batch.deliver` says when there are several).
        `before` is awaited before the first byte, and before each further attempt. A delivery with `stop` set ends the
        run; its payloads are unsent.
        """
        rules = self.rules(shape, requests_for, lane)
        return Driver(self._client, self._clock, before).deliveries(deliver(payloads, rules, requests))

    def rules(self, shape: Shape, requests_for: RequestsFor, lane: Lane = "live") -> BatchRules:
        """How batches of this shape are sent."""
        return BatchRules(shape, requests_for, self._policy, self._quoter, lane)


class BatchJobs:
    """Polls jobs for up to `timeout` seconds each, and sends records without a result again.

    `path` is where a job is polled, below the base URL.
    """

    def __init__(self, client: Client, clock: Clock, timeout: float, *, path: str = "/batch/{job}") -> None:
        self._client, self._clock = client, clock
        self._polling = Polling(client.connection.base_url + path, quoter_of(client.connection), timeout)

    async def end_of(self, job: SentJob) -> JobEnd | None:
        """What `machine.jobs.end_of_job` returns. Raises what the clock raises when the run stops."""
        return await Driver(self._client, self._clock).result(end_of_job(job, self._polling))
