"""`Sender`: payloads to deliveries, in which every payload has exactly one outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from penstock.clock import Clock
from penstock.delivery.driver import Driver
from penstock.delivery.http.client import Before, Client
from penstock.delivery.machine.batch import BatchRules, RequestsFor, deliver
from penstock.delivery.replies import quoter_of
from penstock.delivery.retry import DEFAULT_POLICY, RetryPolicy
from penstock.model.delivery import Delivery, Lane
from penstock.model.record import Payload, Request, Shape


class Sender:
    """Sends payloads and reports the outcome of each. `batch_cost` says whether a batch counts as one request."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        policy: RetryPolicy = DEFAULT_POLICY,
        *,
        batch_cost: Literal["1", "jobs"] = "1",
    ) -> None:
        self._client, self._clock, self._policy = client, clock, policy
        self._quoter = quoter_of(client.connection)
        self._cost_per_record = batch_cost == "jobs"

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
        `before` is awaited once, before the first byte. A delivery with `stop` set ends the run; its payloads are
        unsent.
        """
        rules = self.rules(shape, requests_for, lane)
        return Driver(self._client, self._clock, before).deliveries(deliver(payloads, rules, requests))

    def rules(self, shape: Shape, requests_for: RequestsFor, lane: Lane = "live") -> BatchRules:
        """How batches of this shape are sent."""
        return BatchRules(shape, requests_for, self._policy, self._quoter, lane, self._cost_per_record)
