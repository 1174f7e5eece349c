"""The commits of a run: rows of the ledger, memory, quarantine and batch jobs, written with counts and checkpoint.

`CommitSchedule` collects what was decided and writes it in one transaction. A request that is sent once waits for the
commit of its intent before it leaves. The statements run on the event loop; a thread waits for the disk, so that
replies are read and requests leave meanwhile. One commit is in progress at a time, and the next begins only after the
one before it has succeeded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.model.delivery import Delivery, Settled
from penstock.model.outcome import Outcome
from penstock.model.record import Payload
from penstock.run.diff.backlog import Backlog, Traced
from penstock.run.diff.first_sends import FirstSends
from penstock.run.diff.known_records import CompanyLinks, QuarantineIndex
from penstock.run.diff.notes import Notes
from penstock.run.stop import Fuse, StopSignal
from penstock.store import memory
from penstock.store.database import Database
from penstock.store.memory import Memory
from penstock.store.quarantine import KeyHash
from penstock.store.runs import ledger, runs, sent_beside
from penstock.store.runs.deliveries import refusal_json
from penstock.store.runs.ledger import JobRecord, LedgerEntry, LedgerException, OutcomeChange, PendingJob, Sent
from penstock.store.runs.runs import RunRow
from penstock.store.unknown_records import ResentRecord

if TYPE_CHECKING:
    from numpy.typing import NDArray


Ticket = tuple[str, int]  # a delivery: its run, and its number in it

Write = Callable[[Connection], object]  # into the transaction of the next commit
RememberSent = Callable[[Delivery, Callable[[Write], None]], None]


class Gathered(NamedTuple):
    """What one process has gathered of a run, also before the run gave way to another one."""

    notes: Notes
    fuse: Fuse


class DeliveryObserver(Protocol):
    """Stores more of a delivery than its outcomes."""

    def delivered(self, delivery: Delivery, write: Callable[[Write], None]) -> None: ...


class SentValues(DeliveryObserver, Protocol):
    """What is stored of the fields with `if_unchanged`: `UnchangedFields`."""

    def in_flight(self, payload: Payload) -> Mapping[str, int]:
        """The hashes of the values that a payload has, by field; to be stored with its job."""
        ...

    def arrived(self, key: KeyHash, sent: Mapping[str, Any], write: Callable[[Write], None]) -> None:
        """Store what was sent of a record that a read-back has found."""
        ...

    async def checked(
        self, payloads: Sequence[Payload], count: Callable[[Mapping[tuple[str, str, str], int]], None]
    ) -> list[Payload]:
        """Payloads to be sent again, without the fields that Custify has changed. Raises Stopped when the run stops."""
        ...

    def resume(self, records: Sequence[JobRecord]) -> None:
        """Take over the values of a job that an earlier process left."""
        ...


def each_of(first: RememberSent | None, *observers: DeliveryObserver | None) -> RememberSent | None:
    """What all of these store of a delivery; None if there are none."""
    every = [*([] if first is None else [first]), *(each.delivered for each in observers if each is not None)]

    def remember(delivery: Delivery, write: Callable[[Write], None]) -> None:
        for each in every:
            each(delivery, write)

    return remember if every else None


COMMIT_EVERY_S = 0.5
COMMIT_RECORDS = 8192
GATHER_S = 0.005  # between two commits that a task waits for: later tasks share the second


def entry_of(delivery: Delivery, number: int, decided: Sequence[Settled]) -> LedgerEntry:
    """A delivery as a row of the ledger: the outcome most of its records met, and the exceptions."""
    if len(decided) == 1:
        outcome = decided[0].outcome
    else:
        usual = Counter(settled.outcome for settled in decided).most_common(1)
        outcome = usual[0][0] if usual else delivery.outcome
    if any(settled.payload.parts for settled in decided):
        decided = [part for settled in decided for part in parts_of(settled)]
    exceptions = [
        LedgerException(item, *_change(delivery, settled))
        for item, settled in enumerate(decided)
        if settled.outcome is not outcome
    ]
    sent = Sent(
        delivery=number,
        method=delivery.request.method,
        url=delivery.request.url,
        status=delivery.status,
        attempts=delivery.attempts,
        requests=delivery.requests,
        duration_ms=delivery.duration_ms,
    )
    ordinals = [settled.payload.ordinal for settled in decided]
    keys = [settled.payload.key for settled in decided]
    why = next((settled.refusal for settled in decided if settled.outcome is outcome), None)
    refusal = refusal_json(why) if why is not None and why.reason == delivery.reason else None
    return LedgerEntry(outcome, ordinals, delivery.sent_at, keys, delivery.reason, sent, exceptions, refusal)


def parts_of(settled: Settled) -> Iterator[Settled]:
    """Every record of a payload, older ones first, with the outcome that they share."""
    for ordinal in settled.payload.ordinals:
        yield settled._replace(payload=settled.payload._replace(ordinal=ordinal, parts=()))


def _change(delivery: Delivery, settled: Settled) -> OutcomeChange:
    refusal = settled.refusal
    if refusal is None:
        return OutcomeChange(settled.outcome, delivery.reason)
    return OutcomeChange(settled.outcome, refusal.reason, refusal.field, refusal_json(refusal))


def changes_of(delivery: Delivery) -> tuple[dict[int, OutcomeChange], Counter[str]]:
    """The final outcomes of the accepted records of a batch job, by ordinal, and the change of the counts."""
    changes, counts = dict[int, OutcomeChange](), Counter[str]()
    for settled in delivery.settled:
        if settled.outcome is not Outcome.ACCEPTED:
            change = _change(delivery, settled)
            for ordinal in settled.payload.ordinals:
                changes[ordinal] = change
                counts[Outcome.ACCEPTED] -= 1
                counts[settled.outcome] += 1
    return changes, counts


def job_of(
    context: RecorderContext,
    ticket: Ticket,
    delivery: Delivery,
    decided: Sequence[Settled],
    traced: Mapping[int, Traced],
) -> PendingJob:
    """A batch job that the API has accepted: a later run polls it."""
    assert delivery.job is not None
    unchanged = context.unchanged
    records = [
        JobRecord(
            *traced[s.payload.ordinal],
            s.payload.content,
            [(part, traced[part].record) for part in s.payload.parts],
            {} if unchanged is None else unchanged.in_flight(s.payload),
        )
        for s in decided
    ]
    return PendingJob(context.destination, *ticket, delivery.job, delivery.sent_at, records)


@dataclass(frozen=True, slots=True)
class RecorderContext:
    """The parts of one run's bookkeeping that outlive a commit."""

    database: Database
    clock: Clock
    destination: str
    settings: str
    signal: StopSignal
    fuse: Fuse
    first: FirstSends
    memory: Memory | None = None
    index: QuarantineIndex | None = None  # for the classifier; None: not used
    store_responses: bool = False
    partial: bool = False  # whether a record may be a part: then each version of a key has an entry of its own
    each_once: bool = False  # whether each version of a key is sent, once: an unknown one has an entry of its own
    once_per_key: bool = False  # whether each key is sent once: a version that may have arrived stays beside others
    links: CompanyLinks | None = None  # of a destination that removes links which are no longer in the record
    resent: Mapping[int, ResentRecord] = field(default_factory=dict)  # the records that are resent, by ordinal
    guard: Write = lambda _: None  # raises when another process has taken the destination over
    unchanged: SentValues | None = None
    remember_sent: RememberSent | None = None  # what a read-back needs later
    requests: Callable[[], int] = lambda: 0  # HTTP requests made by this process for the run

    def now(self) -> str:
        return iso(self.clock.now())


@dataclass(slots=True)
class Pending:
    """What the next commit holds. `writes` run in their order, inside its transaction."""

    entries: list[LedgerEntry] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    begun: list[ledger.Intent] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)  # numbers of intents
    counts: Counter[str] = field(default_factory=Counter)
    ordinals: list[int] = field(default_factory=list)
    more_ordinals: list[NDArray[np.int64]] = field(default_factory=list)
    records: int = 0
    totals: Counter[str] = field(default_factory=Counter)  # of `RunTotals`, by name
    replaced: set[int] = field(default_factory=set)  # ordinals of unknown records that were sent again under others
    settled: dict[int, OutcomeChange] = field(default_factory=dict)  # the final outcomes of unknown records

    def decide(self, entry: LedgerEntry) -> None:
        """The outcome of these records."""
        number = len(entry.ordinals)
        self.entries.append(entry)
        if isinstance(entry.ordinals, np.ndarray):
            self.more_ordinals.append(entry.ordinals)
        else:  # often a single one, for which an array would cost more than all the rest
            self.ordinals.extend(entry.ordinals)
        self.records += number
        self.counts["read"] += number
        self.counts[entry.outcome] += number - len(entry.exceptions)
        for exception in entry.exceptions:
            self.counts[exception.outcome] += 1

    def decided(self) -> NDArray[np.int64]:
        """The ordinals of all these records."""
        return np.concatenate((np.array(self.ordinals, dtype=np.int64), *self.more_ordinals))


class CommitSchedule:
    """`pending` is written by the next commit; `run` is the run as of the last one. Belongs to one event loop."""

    def __init__(self, context: RecorderContext, run: RunRow, backlog: Backlog, notes: Notes) -> None:
        self.run = run
        self.pending = Pending()
        self.written: Callable[[], None] = lambda: None  # called when the pending things have become part of a commit
        self._context, self._backlog, self._notes = context, backlog, notes
        self._thread = ThreadPoolExecutor(1, "penstock-commit")
        self._under_way: Future[None] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._group: asyncio.Task[None] | None = None
        self._joinable = False  # whether that group takes in tasks that come now
        self._last = -GATHER_S
        self._failure: BaseException | None = None
        self._started = context.clock.monotonic()
        self._earlier = run  # what earlier processes of this run had counted

    def commit(self) -> None:
        """Write everything pending, now. Once a commit failed, nothing more is written."""
        with self._stopping_on_failure():
            self._raise_last_failure()
            self._statements().close()

    async def durable(self) -> None:
        """Return when everything that is pending now is durable; later callers share the next commit."""
        await asyncio.shield(self._next_group())

    def commit_soon(self) -> None:
        """Write what is pending within half a second; at once, when it is much."""
        if self.pending.records >= COMMIT_RECORDS:
            self._next_group()
        elif self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._commit_later())

    async def close(self) -> None:
        """Write the rest; no commit after it."""
        if self._timer is not None and not self._timer.done():
            self._timer.cancel()
            await asyncio.wait([self._timer])
        if self._group is not None and not self._group.done():
            await asyncio.wait([self._group])
        try:
            self.commit()
            if self.pending.entries:  # those that only waited for this commit
                self.commit()
        finally:
            self._thread.shutdown()

    def write(self, write: Write) -> None:
        """Add a write to the next commit."""
        self.pending.writes.append(write)

    async def add_beside(self, first: int, hashes: NDArray[np.uint64]) -> None:
        """Store, before anything of it is sent, what the run beside this one must not send any more."""
        name, run = self._context.destination, self.run.id
        self.write(lambda conn: sent_beside.add_keys(conn, name, run, first, hashes))
        await self.durable()

    def snapshot(self) -> RunRow:
        """The run as it is now, with what is not written down yet."""
        return self._with(self.pending)

    # ── inside ───────────────────────────────────────────────────────────────

    def _with(self, pending: Pending) -> RunRow:
        return replace(
            self.run,
            counts=self.run.counts.plus(pending.counts),
            **{name: getattr(self.run, name) + number for name, number in pending.totals.items()},
            first_sends=self._context.first.document(),
            requests=self._earlier.requests + self._context.requests(),
            duration_s=self._earlier.duration_s + self._context.clock.monotonic() - self._started,
        )

    @contextmanager
    def _stopping_on_failure(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except BaseException as failure:
            self._failure = failure
            self._context.signal.stop("error", "the outcomes of the records could not be stored")
            raise

    def _statements(self) -> ExitStack:
        """Everything pending in an open transaction; closing it is the commit."""
        pending, self.pending = self.pending, Pending()
        self._backlog.decided(pending.decided())
        run = self._with(pending)
        run = replace(run, position=self._backlog.position, notes=self._notes.all(run.counts.read))
        with ExitStack() as stack:
            conn = stack.enter_context(self._context.database.begin())
            self._context.guard(conn)
            ledger.begin_intents(conn, run.id, pending.begun)
            ledger.end_intents(conn, run.id, pending.ended)
            ledger.append(conn, run.id, pending.entries)
            ledger.change_unknown(conn, run.id, pending.settled)
            ledger.remove_unknown(conn, run.id, pending.replaced)
            for write in pending.writes:
                write(conn)
            if run.position != self.run.position:
                memory.end_chunks_in_flight(conn, self._context.destination, run.id, run.position)
            runs.save(conn, run)
            transaction = stack.pop_all()
        self.run = run
        self.written()
        return transaction

    def _next_group(self) -> asyncio.Task[None]:
        if self._group is None or not self._joinable:
            self._group = asyncio.get_running_loop().create_task(self._commit_together())
            self._group.add_done_callback(_retrieve_failure)
            self._joinable = True
        return self._group

    async def _commit_together(self) -> None:
        if self._under_way is not None:
            before = asyncio.wrap_future(self._under_way)
            before.add_done_callback(_retrieve_failure)
            await asyncio.wait([before])
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._last + GATHER_S - loop.time()))  # 0: tasks that are ready in this turn join
        self._joinable = False
        with self._stopping_on_failure():
            self._raise_last_failure()
            self._last = loop.time()
            self._under_way = self._thread.submit(self._statements().close)
            await asyncio.wrap_future(self._under_way)

    def _raise_last_failure(self) -> None:
        last, self._under_way = self._under_way, None
        if last is not None:
            last.result()

    async def _commit_later(self) -> None:
        await asyncio.sleep(COMMIT_EVERY_S)
        with suppress(Exception):  # it is stored: the run stops, and `close` raises it
            await self.durable()


def _retrieve_failure(commit: asyncio.Future[None]) -> None:
    """Mark the failure of a commit as retrieved: the next write raises it, so no task has to wait for this one."""
    if not commit.cancelled():
        commit.exception()
