"""The commits of a run: what was decided gathers for a moment, and one transaction writes it, the checkpoint with it.

What has to be durable before a request may leave (the intent of a request that is sent once) waits for such a commit.
The statements run on the event loop; the wait for the disk stands beside it in a thread, so that replies are read and
requests leave meanwhile. One commit is under way at a time, and none is begun before the one before it is known to
have succeeded.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from penstock.engine.backlog import Backlog
from penstock.engine.desk import Desk, Write
from penstock.engine.notes import Notes
from penstock.stores import in_flight, intents, ledger, runs
from penstock.stores.ledger import LedgerEntry
from penstock.stores.runs import RunRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMMIT_EVERY_S = 0.5
COMMIT_RECORDS = 8192
GATHER_S = 0.005  # between two commits that someone waits for: who comes meanwhile shares the second


@dataclass(slots=True)
class Pending:
    """What the next commit holds. `writes` run in their order, inside its transaction."""

    entries: list[LedgerEntry] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    begun: list[intents.Intent] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)  # numbers of intents
    counts: Counter[str] = field(default_factory=Counter)
    ordinals: list[int] = field(default_factory=list)
    more_ordinals: list[NDArray[np.int64]] = field(default_factory=list)
    records: int = 0
    retries: int = 0

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


class Commits:
    """`pending` is written by the next commit; `run` is the run as of the last one. Belongs to one event loop."""

    def __init__(self, desk: Desk, run: RunRow, backlog: Backlog, notes: Notes) -> None:
        self.run = run
        self.pending = Pending()
        self.written: Callable[[], None] = lambda: None  # called when the pending things have become part of a commit
        self._desk, self._backlog, self._notes = desk, backlog, notes
        self._thread = ThreadPoolExecutor(1, "penstock-commit")
        self._under_way: Future[None] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._group: asyncio.Task[None] | None = None
        self._joinable = False  # whether that group takes in who comes now
        self._last = -GATHER_S
        self._failure: BaseException | None = None
        self._started = desk.clock.monotonic()
        self._earlier = run  # what earlier processes of this run had counted

    def commit(self) -> None:
        """Write everything pending, now. Once a commit failed, nothing more is written."""
        with self._or_the_run_ends():
            self._wait_for_the_last()
            self._statements().close()

    async def durable(self) -> None:
        """Come back when everything that is pending now is durable; who comes meanwhile shares the next commit."""
        await asyncio.shield(self._next_group())

    def soon(self) -> None:
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

    def snapshot(self) -> RunRow:
        """The run as it is now, with what is not written down yet."""
        return self._with(self.pending)

    # ── inside ───────────────────────────────────────────────────────────────

    def _with(self, pending: Pending) -> RunRow:
        return replace(
            self.run,
            counts=self.run.counts.plus(pending.counts),
            retries=self.run.retries + pending.retries,
            requests=self._earlier.requests + self._desk.requests(),
            duration_s=self._earlier.duration_s + self._desk.clock.monotonic() - self._started,
        )

    @contextmanager
    def _or_the_run_ends(self) -> Iterator[None]:
        if self._failure is not None:
            raise self._failure
        try:
            yield
        except BaseException as failure:
            self._failure = failure
            self._desk.signal.stop("error", "what became of the records could not be written down")
            raise

    def _statements(self) -> ExitStack:
        """Everything pending in an open transaction; closing it is the commit."""
        pending, self.pending = self.pending, Pending()
        self._backlog.decided(pending.decided())
        run = self._with(pending)
        run = replace(run, position=self._backlog.position, notes=self._notes.all(run.counts.read))
        with ExitStack() as stack:
            conn = stack.enter_context(self._desk.database.begin())
            self._desk.guard(conn)
            intents.begin_all(conn, run.id, pending.begun)
            intents.end_all(conn, run.id, pending.ended)
            ledger.append(conn, run.id, pending.entries)
            for write in pending.writes:
                write(conn)
            if run.position != self.run.position:
                in_flight.done(conn, self._desk.destination, run.id, run.position)
            runs.save(conn, run)
            transaction = stack.pop_all()
        self.run = run
        self.written()
        return transaction

    def _next_group(self) -> asyncio.Task[None]:
        if self._group is None or not self._joinable:
            self._group = asyncio.get_running_loop().create_task(self._commit_together())
            self._group.add_done_callback(_heard)
            self._joinable = True
        return self._group

    async def _commit_together(self) -> None:
        if self._under_way is not None:
            await asyncio.wait([asyncio.wrap_future(self._under_way)])
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._last + GATHER_S - loop.time()))  # 0: who is ready in this turn joins
        self._joinable = False
        with self._or_the_run_ends():
            self._wait_for_the_last()
            self._last = loop.time()
            self._under_way = self._thread.submit(self._statements().close)
            await asyncio.wrap_future(self._under_way)

    def _wait_for_the_last(self) -> None:
        last, self._under_way = self._under_way, None
        if last is not None:
            last.result()

    async def _commit_later(self) -> None:
        await asyncio.sleep(COMMIT_EVERY_S)
        with suppress(Exception):  # it is kept: the run stops, and `close` raises it
            await self.durable()


def _heard(group: asyncio.Task[None]) -> None:
    """Its failure is kept, and raised by whoever writes next: nobody has to wait for this task."""
    if not group.cancelled():
        group.exception()
