"""A driver of delivery machines without an event loop: a script has the replies, and only commands let time pass."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

from penstock.delivery.machine.batch import BatchRules
from penstock.delivery.machine.protocol import (
    ConnectionLost,
    LogAttempt,
    Moment,
    RenderAgain,
    Replied,
    Reserve,
    Reserved,
    Send,
    SettleRecords,
    TimePassed,
    Wait,
)
from penstock.delivery.replies import ErrorQuoter
from penstock.delivery.retry import RetryPolicy
from penstock.model.delivery import Lost, Reply
from support.kernel.delivery_client import one_body

URL = "https://api.custify.com"
LIMIT_S = 10.0  # after a 429 without Retry-After
START = datetime(2026, 1, 1, tzinfo=UTC)


def reply(status, body=b"{}", *, seconds=0.1, **headers):
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, seconds * 1000)


def lost(kind="cut", *, nothing_sent=False, seconds=0.1):
    return Lost(kind, nothing_sent, f"the connection was {kind}", seconds * 1000)


def rules_of(where, requests_for=None, **settings):
    """The rules of batches of this shape; the requests are JSON arrays."""
    settings = {"policy": RetryPolicy(), "quoter": ErrorQuoter(), **settings}
    return BatchRules(where, requests_for or one_body(where), **settings)


@dataclass
class Simulator:
    """`answer` replies to each request; `script` has the first replies, and 200 follows when it is used up."""

    script: tuple = ()
    answer: Callable | None = None
    dice: float = 0.5
    now: float = 1000.0
    blocked_until: float = 0.0
    commands: list = field(default_factory=list)
    answers: list = field(default_factory=list)  # one for each Send

    def __post_init__(self):
        self._script = chain(self.script, repeat(reply(200)))

    def run(self, steps):
        """The result of the machine."""
        event = None
        while True:
            try:
                command = steps.send(event)
            except StopIteration as end:
                return end.value
            self.commands.append(command)
            event = self.perform(command)

    def perform(self, command):
        match command:
            case Reserve():
                self.now = max(self.now, self.blocked_until)
                return Reserved()
            case Send():
                return self._reply(command)
            case Wait():
                self.now += command.seconds
                return TimePassed(self._moment())
            case RenderAgain():
                return command.render(command.payloads)
            case SettleRecords() | LogAttempt():
                return None
        raise AssertionError(command)

    def _reply(self, send):
        answer = next(self._script) if self.answer is None else self.answer(send.request)
        self.answers.append(answer)
        self.now += answer.duration_ms / 1000
        if isinstance(answer, Lost):
            return ConnectionLost(answer, self._moment())
        if answer.status == 429:
            self.blocked_until = self.now + max(0.25, float(answer.headers.get("retry-after", LIMIT_S)))
        return Replied(answer, self._moment())

    def _moment(self):
        return Moment(START + timedelta(seconds=self.now), self.now, self.dice)

    def of(self, kind):
        return [command for command in self.commands if isinstance(command, kind)]

    @property
    def deliveries(self):
        return [command.delivery for command in self.of(SettleRecords)]

    @property
    def outcomes(self):
        """What became of each record, by ordinal; a record that is settled twice has two."""
        found = {}
        for delivery in self.deliveries:
            for settled in delivery.settled:
                for ordinal in settled.payload.ordinals:
                    found.setdefault(ordinal, []).append(settled.outcome.value)
        return found
