"""The first sends of a run: how many records `--limit` and `canary` let it send, and what a canary is judged by.

Records count that a request carried; those that Penstock's own checks refuse do not. `part_within` divides a chunk
where the number is reached: what comes behind is treated as a later chunk, or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from penstock.model.delivery import Settled
from penstock.model.outcome import Note, Outcome
from penstock.model.record import Batch, Payload
from penstock.model.spec import DestinationSpec, FuseSpec
from penstock.render.batches import Batcher
from penstock.run.diff.backlog import SENT_AGAIN_FROM, OpenChunk
from penstock.run.diff.diff import Classified
from penstock.store.runs.runs import RunRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]


@dataclass(slots=True)
class FirstSends:
    """Counts what a run has sent of its input.

    `limit` and `canary` are None where there is none, `ratio` is the fuse's. `taken` are the records that were sent or
    are about to be; `refused` are those that the API refused. `at_end`: the input was read to its end.
    """

    limit: int | None = None
    canary: int | None = None
    ratio: float = 0.5
    sent: int = 0
    refused: int = 0
    judged: bool = False
    at_end: bool = False
    taken: int = 0

    @staticmethod
    def of(spec: DestinationSpec, run: RunRow) -> FirstSends:
        """What the run may send; an earlier process of it may have sent a part of it."""
        fuse = spec.fuse or FuseSpec()  # a canary without a fuse is refused with the settings
        found = FirstSends(run.limit, spec.canary, fuse.ratio, **(run.first_sends or {}))
        found.taken = found.sent
        return found

    def document(self) -> dict[str, Any] | None:
        """What is stored with the run; None where there is nothing to count."""
        if self.limit is None and self.canary is None:
            return None
        return {"sent": self.sent, "refused": self.refused, "judged": self.judged, "at_end": self.at_end}

    def ended(self, run: RunRow, next_row: int) -> RunRow:
        """A run that nothing has stopped; with a limit every row of its input before `next_row` is decided."""
        if self.limit is None:
            return run
        position = max(run.position, next_row)
        self.at_end |= run.input_rows is not None and position >= run.input_rows
        return replace(run, position=position, first_sends=self.document())

    # ── what may be sent ─────────────────────────────────────────────────────

    def room(self) -> int | None:
        """How many more records may be sent before something is decided; None: any number."""
        bounds = [bound for bound in (self.limit, None if self.judged else self.canary) if bound is not None]
        return max(0, min(bounds) - self.taken) if bounds else None

    def reaches_limit(self, more: int) -> bool:
        """Whether `more` records are all that `limit` still allows."""
        return self.limit is not None and self.taken + more >= self.limit

    @property
    def limit_taken(self) -> bool:
        """Whether as many records as `limit` allows were sent or are about to be."""
        return self.limit is not None and self.taken >= self.limit

    @property
    def limit_sent(self) -> bool:
        """Whether as many records as `limit` allows were sent: the run reads and sends no more."""
        return self.limit is not None and self.sent >= self.limit

    @property
    def canary_taken(self) -> bool:
        """Whether the canary has to be judged before another record is sent."""
        return self.canary is not None and not self.judged and self.taken >= self.canary

    @property
    def canary_waits(self) -> bool:
        """Whether there is a canary that has not been judged yet."""
        return self.canary is not None and not self.judged

    def take(self, records: int) -> None:
        """Count records that are about to be sent."""
        self.taken += records

    # ── what became of it ────────────────────────────────────────────────────

    def count(self, settled: Iterable[Settled], *, answered: bool, again: bool = False) -> None:
        """Count records with an outcome. `answered`: it is from a reply of the API; `again`: of a job counted before.

        Records that were left unknown and are sent again are not of the input.
        """
        if self.limit is None and self.canary is None:
            return
        for each in settled:
            if each.payload.ordinal >= SENT_AGAIN_FROM or each.outcome is Outcome.UNSENT:
                continue
            number = len(each.payload.ordinals)
            self.add_sent(0 if again else number)
            self.refused += number if answered and each.outcome is Outcome.QUARANTINED else 0

    def add_sent(self, records: int) -> None:
        """Count records that a request carried."""
        self.sent += records
        self.taken = max(self.taken, self.sent)

    def judge(self) -> str | None:
        """When nothing is in flight: why the run must stop, None if it need not.

        Records that were taken and then refused by Penstock's checks are given back. A canary is judged once, when all
        its records have been sent; a batch job that did not end in time counts as not refused.
        """
        self.taken = self.sent
        if self.limit_sent or not self.canary_taken:  # a canary is for the records behind it
            return None
        self.judged = True
        if self.refused < self.ratio * self.sent:
            return None
        return f"the canary: the API refused {self.refused} of the first {self.sent} records"


def part_within(
    classify: Callable[[OpenChunk], Classified], opened: OpenChunk, rows: Rows, first: FirstSends
) -> tuple[Classified, Rows]:
    """The first part of a chunk that the run may send, classified, and the rows behind it.

    The part has all `rows` if that is not too much, else those up to the last record that may be sent; it is then
    `opened.rows`. The rows behind it are classified as if they were a later chunk.
    """
    room, prints = first.room(), opened.prints
    if room is None:
        opened.rows = rows
        return classify(opened), rows[:0]

    def part(number: int) -> Classified:
        opened.rows, opened.is_part = rows[:number], number < len(rows) or opened.is_part
        opened.prints = None if prints is None else prints.copy()  # several records of one key change theirs
        return classify(opened)

    classified = part(len(rows))
    number = records_of(classified)
    if number < room or (number == room and not first.reaches_limit(number)):
        return classified, rows[:0]
    classified = part(_rows_up_to(classified, opened, room))
    if records_of(classified) > room:  # the newest of several records of a key was behind them
        classified = part(room)
    return classified, rows[len(opened.rows) :]


async def send_parts(
    classify: Callable[[OpenChunk], Classified],
    opened: OpenChunk,
    first: FirstSends,
    send: Callable[[Classified], Awaitable[None]],
    wait: Callable[[], Awaitable[bool]],
) -> tuple[Classified, int]:
    """Send a chunk as far as the bounds allow; returns what was sent or decided, and the first row that is left.

    `wait` returns when nothing is in flight and the canary is judged: whether the run goes on.
    """
    rows, sent, goes_on = opened.rows, Classified(), True
    while goes_on and not first.limit_sent:
        classified, rows = part_within(classify, opened, rows, first)
        number = records_of(classified)
        first.take(number)
        await send(classified)
        sent.fresh += classified.fresh
        sent.decided += classified.decided
        sent.refreshed += classified.refreshed
        if first.limit_taken or (len(rows) and not number):
            goes_on = await wait()
        if not len(rows):
            break
    return sent, opened.first + int(rows[0]) if len(rows) else opened.end


def planned_batches(batcher: Batcher, payloads: Sequence[Payload], first: FirstSends) -> Iterator[Batch]:
    """The batches of a run that is to send these payloads next: what is behind the canary begins a new batch."""
    room = first.room()
    if room is None:
        yield from batcher.add(payloads)
        return
    number = 0
    for payload in payloads:
        room -= len(payload.ordinals)
        if room < 0:
            break
        number += 1
        first.take(len(payload.ordinals))
    yield from batcher.add(payloads[:number])
    if number < len(payloads):
        yield from batcher.flush()
        first.judged = True
        yield from batcher.add(payloads[number:])


def first_sends_notes(canary: int | None, records: int, limit: int | None = None) -> tuple[Note, ...]:
    """What a plan notes about a run that has so many records to send: that the canary, or the limit, bounds it."""
    notes, sent = list[Note](), records
    if limit is not None and limit < records:
        notes.append(Note("limit", "stops", f"the first {limit:,} of {records:,} are sent, then the run stops"))
        sent = limit
    if canary is not None and canary < sent:
        notes.append(Note("canary", "sent first", f"the first {canary:,} are sent and judged before the rest"))
    return tuple(notes)


def records_of(classified: Classified) -> int:
    """How many records of the input would be sent."""
    return len(classified.fresh) + sum(len(payload.parts) for payload in classified.fresh if payload.parts)


def _rows_up_to(classified: Classified, opened: OpenChunk, room: int) -> int:
    """How many of the open rows there are up to the last record that fits; with no room, up to the first record."""
    last = -1
    for payload in classified.fresh:
        room -= len(payload.ordinals)
        row = payload.ordinal - opened.first
        if room < 0:
            return int((opened.rows < row).sum()) if last < 0 else int((opened.rows <= last).sum())
        last = row
    return int((opened.rows <= last).sum())
