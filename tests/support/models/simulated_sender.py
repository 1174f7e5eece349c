"""Processes that send with one credential in virtual time. All decisions are those of Penstock; the state is in memory."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Literal, NamedTuple

from penstock.delivery.http.client import AttemptLog
from penstock.delivery.limit.budget import Budget
from penstock.delivery.limit.rate_limit import Taken
from penstock.delivery.read_back import ReadBack
from penstock.delivery.sender import Sender
from penstock.delivery.settle import SentRecord, sent_note
from penstock.model.delivery import Connection, Delivery, Lane, Lost, Reply, SentNote
from penstock.model.errors import EnvironmentFailure, Problem
from penstock.model.outcome import Outcome
from penstock.model.record import Batch, Payload, Request, RetryClass, Shape
from penstock.run.connection.leased_window import LeasedWindow
from penstock.run.pipeline import Pipeline, PipelineContext
from penstock.run.stop import StopSignal
from support.kernel.shared_budget import SharedRow
from support.kernel.virtual_time import LoopClock
from support.models.simulated_api import ENTITY, SimulatedApi

CLOCK = LoopClock()
URL = "https://api.example.com"
CONNECTION = Connection("acme", URL, "key")
KINDS: dict[str, RetryClass] = {"people": RetryClass.IDEMPOTENT, "task": RetryClass.ONCE, "note": RetryClass.ONCE}
KindName = Literal["people", "task", "note"]


class ModelRecord(NamedTuple):
    """A record; `number` is its place in the order in which records were taken in, and its name in the API's log."""

    number: int
    kind: KindName
    key: str
    text: str = ""

    def body(self) -> dict[str, Any]:
        own = {
            "people": {"user_id": self.key},
            "task": {"externalId": self.key, "name": "Call"},
            "note": {"entity": ENTITY, "text": self.text},
        }
        return {**own[self.kind], "number": self.number}

    def payload(self) -> Payload:
        return Payload(self.number, self.key, json.dumps(self.body()).encode(), self.number)


@dataclass
class Ledger:
    """What is written down: one outcome for each record, the intents, and the notes that were delivered."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    sent_at: dict[int, str] = field(default_factory=dict)  # of requests that are sent once, before their bytes leave
    in_flight: set[int] = field(default_factory=set)  # intents that have not ended
    notes: list[SentNote] = field(default_factory=list)
    absent: Counter = field(default_factory=Counter)  # how often a record was found not to be there
    numbers: count = field(default_factory=count)

    def of_entity(self, entity: str) -> list[SentNote]:
        return [note for note in self.notes if note.entity == entity]

    def newest(self, besides: object) -> None:
        return None


@dataclass
class RunLedger:
    """The recorder of one run."""

    ledger: Ledger
    records: dict[int, ModelRecord]
    left: dict[int, ModelRecord] = field(default_factory=dict)  # put into the pipeline, and without an outcome

    async def intend(self, payloads: Sequence[Payload], request: Request) -> int:
        (payload,) = payloads
        await asyncio.sleep(0.003)  # the disk
        self.ledger.sent_at[payload.ordinal] = CLOCK.now().isoformat()
        self.ledger.in_flight.add(payload.ordinal)
        return payload.ordinal

    def withdraw(self, intent: int) -> None:
        self.ledger.in_flight.discard(intent)

    def settle(self, delivery: Delivery, intent: int | None) -> tuple[str, int]:
        if intent is not None:
            self.ledger.in_flight.discard(intent)
        for settled in delivery.settled:
            record = self.left.pop(settled.payload.ordinal)
            if settled.outcome is Outcome.UNSENT:
                self.left[record.number] = record
                continue
            assert record.number not in self.ledger.outcomes, "a record has two outcomes"
            self.ledger.outcomes[record.number] = settled.outcome
            if record.kind == "note" and settled.outcome is Outcome.DELIVERED:
                note = sent_note("acme", record.body(), settled.remote_id, delivery.sent_at)
                assert note is not None
                self.ledger.notes.append(note)
        return ("run", 0)

    def confirm(self, ticket: object, delivery: Delivery, repeats: int) -> None:
        raise AssertionError("there are no batch jobs")

    def refuse(self, payloads: object, refusal: object) -> None:
        raise AssertionError("nothing is refused")


class GivenPlace(NamedTuple):
    """A place in the rate limit; `before` is how many had been given when its request began to wait."""

    lane: Lane
    before: int


@dataclass
class SimulatedClient:
    """The client of one process: a rate limit, and a way to the API that takes some time."""

    budget: Budget
    api: SimulatedApi
    up: float
    down: float
    places: list["GivenPlace"]  # of all processes, in their order
    connection: Connection = CONNECTION
    attempt_log: AttemptLog = field(default_factory=lambda: AttemptLog(CLOCK))

    async def reserve(self, request: Request, lane: Lane, jobs: int = 1) -> Taken:
        before = len(self.places)
        taken = await self.budget.acquire(lane, jobs)
        self.places.append(GivenPlace(lane, before))
        return taken

    async def send_reserved(self, request: Request, place: Taken, before: Any = None) -> Reply | Lost:
        answer: Reply | Lost | None = None
        try:
            if before is not None:
                await before()
            answer = await self.api.exchange(request, self.up, self.down)
        finally:
            if isinstance(answer, Reply):
                self.budget.observe(place, answer.status, answer.headers)
            elif answer is not None and answer.nothing_sent:
                self.budget.give_back(place)
            else:
                self.budget.lost(place)
        return answer


class Run:
    """A run of one process in one lane: it sends the records of its queue in their order."""

    def __init__(self, process: "SimulatedProcess", lane: Lane) -> None:
        self.process, self.lane = process, lane
        self.queue: list[ModelRecord] = []
        self.recorder = RunLedger(process.ledger, {})
        self.signal = StopSignal()
        self.pipelines: dict[str, Pipeline] = {}
        self.feeding: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return bool(self.queue or self.recorder.left)

    def add(self, record: ModelRecord) -> None:
        self.queue.append(record)
        if self.feeding is None or self.feeding.done():
            self.feeding = asyncio.get_running_loop().create_task(self._feed())

    async def _feed(self) -> None:
        while self.queue:
            if self.signal.is_set:
                await self._begin_again()
            record = self.queue.pop(0)
            self.recorder.left[record.number] = record
            await self._pipeline(record.kind).put(Batch(record.number, (record.payload(),)))
            if not self.queue:
                for pipeline in self.pipelines.values():
                    await pipeline.drain()
                if self.signal.is_set:
                    await self._begin_again()

    async def _begin_again(self) -> None:
        """The run has stopped: the next one sends what is unsent, in the same order."""
        for pipeline in self.pipelines.values():
            await pipeline.drain()
        self.queue = sorted([*self.recorder.left.values(), *self.queue])
        self.recorder.left, self.pipelines, self.signal = {}, {}, StopSignal()
        await asyncio.sleep(1.0)

    def _pipeline(self, kind: KindName) -> Pipeline:
        if kind not in self.pipelines:
            client: Any = self.process.client
            context = PipelineContext(
                shape=Shape("POST", f"{URL}/{kind}", retry=KINDS[kind]),
                sender=Sender(client, CLOCK),
                batch_jobs=None,  # type: ignore[arg-type]
                directory=None,  # type: ignore[arg-type]
                recorder=self.recorder,
                signal=self.signal,
                clock=CLOCK,
                run="r",
                lane=self.lane,
            )
            self.pipelines[kind] = Pipeline(context, concurrency=5)
        return self.pipelines[kind]


class SimulatedProcess:
    """A process with a budget of its own, and a run in each lane that it uses."""

    def __init__(self, row: SharedRow, api: SimulatedApi, ledger: Ledger, places: list, up: float, down: float) -> None:
        self.ledger, self._row, self.is_dead = ledger, row, False
        budget = Budget(CLOCK, LeasedWindow(row.rate, CLOCK, self._exchange))
        self.client = SimulatedClient(budget, api, up, down, places)
        self.runs: dict[Lane, Run] = {}

    async def _exchange(self, step: Any) -> Any:
        if self.is_dead:
            raise EnvironmentFailure(Problem("state", "this process is dead", "state-unavailable"))
        return await self._row(step)

    def add(self, record: ModelRecord, lane: Lane) -> None:
        if lane not in self.runs:
            self.runs[lane] = Run(self, lane)
        self.runs[lane].add(record)

    async def kill(self) -> list[tuple[Lane, ModelRecord]]:
        """End it as kill -9 does; returns what its runs have not sent. Intents that have not ended are unknown."""
        self.is_dead = True
        for run in self.runs.values():
            tasks = [run.feeding, *(task for each in run.pipelines.values() for task in each._tasks)]
            for task in tasks:
                if task is not None:
                    task.cancel()
        written = set(self.ledger.in_flight)  # before the cancelled tasks could take one back
        left: list[tuple[Lane, ModelRecord]] = []
        for lane, run in self.runs.items():
            for record in run.recorder.left.values():
                if record.number in written:
                    self.ledger.outcomes[record.number] = Outcome.UNKNOWN
                else:
                    left.append((lane, record))
            left += [(lane, record) for record in run.queue]
            run.recorder.left, run.queue = {}, []
            if run.feeding is not None:
                with suppress(asyncio.CancelledError):
                    await run.feeding
        return left

    async def settle(self, records: Sequence[ModelRecord], settle_after: float) -> list[ModelRecord]:
        """Read back these unknown records; returns those that are not there."""
        client: Any = self.client
        reader = ReadBack(client, CLOCK, self.ledger, settle_after)
        sent = [
            SentRecord(
                str(each.number),
                each.kind,  # type: ignore[arg-type]
                each.body(),
                f"{URL}/{each.kind}",
                datetime.fromisoformat(self.ledger.sent_at[each.number]),
            )
            for each in records
        ]
        findings = await reader.findings(sent)
        again = []
        for record in records:
            found = findings[str(record.number)]
            if found.state == "arrived":
                self.ledger.outcomes[record.number] = Outcome.DELIVERED
                if record.kind == "note":
                    at = self.ledger.sent_at[record.number]
                    note = sent_note("acme", record.body(), found.remote_id, at)
                    assert note is not None
                    self.ledger.notes.append(note)
            elif found.state == "not there":
                self.ledger.absent[record.number] += 1
                del self.ledger.outcomes[record.number]
                again.append(record)
        return again
