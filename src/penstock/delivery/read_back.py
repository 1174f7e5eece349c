"""`ReadBack`: reads from Custify whether records without an answer arrived. `settle` decides."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Coroutine, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

from penstock.clock import Clock
from penstock.delivery.http.client import Client
from penstock.delivery.objects import Listing, ListPage, Pages, page_of, values_at
from penstock.delivery.reader import ApiReader, Failed
from penstock.delivery.settle import (
    ReadAt,
    ReadBackFinding,
    SentRecord,
    finding,
    list_url,
    needs_list,
    note_findings,
    read_url,
    shows_our_text,
    without_read,
)
from penstock.model.delivery import SentNote, SettleKind

PAGE = 50  # objects of a page; Custify's OpenAPI 1.5.7 allows no more for tasks and financial objects
T = TypeVar("T")


class SentNotes(Protocol):
    """The store of the notes that one credential has delivered."""

    def of_entity(self, entity: str) -> Sequence[SentNote]:
        """The notes of a company or person, by Custify's id of it."""
        ...

    def newest(self, besides: Collection[str]) -> SentNote | None:
        """The newest note with an id of Custify's, of an entity that is not in `besides`."""
        ...


class Round(NamedTuple):
    """Reads at about the same time: no list is read twice. `begun` is the monotonic second at which all was sent."""

    begun: float
    lists: dict[str, asyncio.Task[tuple[Listing, ReadAt]]]


class ReadBack:
    """Reads back with one credential, in the lane of retries. Absence counts `settle_after` seconds after the send."""

    def __init__(self, client: Client, clock: Clock, notes: SentNotes, settle_after: float = 5.0) -> None:
        self._clock = clock
        self._notes = notes
        self._settle_after = settle_after
        # 403: the key may write and not read these objects; then their records stay unknown, and others are sent
        self._reader = ApiReader(client, clock, "retry", "read-back", refusals=(401,))
        self._comparable = False  # whether a note of ours was returned with an equal text

    async def findings(self, records: Sequence[SentRecord]) -> dict[str, ReadBackFinding]:
        """The finding for each record, by its id.

        Reads at once, and those not found once more when `settle_after` seconds have passed since they were sent.
        `records` are all unknown notes of an entity, or none of it: equal ones are counted.

        Raises ValueError for a record that may be sent again, ReadRefusedError, and what the clock and the rate limit
        raise when the run stops.
        """
        found = {record.id: known for record in records if (known := without_read(record)) is not None}
        waiting = [record for record in records if record.id not in found]
        begun = self._clock.monotonic()
        early = {record.id for record in waiting if self._early_s(record, begun) > 0}
        found |= await self._round(waiting, begun)
        waiting = [record for record in waiting if record.id in early and found[record.id].state == "cannot tell"]
        if waiting:
            while (seconds := max(self._early_s(record, begun) for record in waiting)) > 0:
                await self._clock.sleep(seconds)
            again = _with_their_entities(waiting, records)
            later = await self._round(again, begun)
            found |= {name: each for name, each in later.items() if found[name].state != "arrived"}
        return found

    def _early_s(self, record: SentRecord, begun: float) -> float:
        return self._now(begun).early_s(record.sent_at, self._settle_after)

    def _now(self, begun: float) -> ReadAt:
        return ReadAt(self._clock.now(), self._clock.monotonic() - begun)

    async def _round(self, records: Sequence[SentRecord], begun: float) -> dict[str, ReadBackFinding]:
        reads = Round(begun, {})
        notes: dict[str, list[SentRecord]] = defaultdict(list)
        jobs: list[Coroutine[Any, Any, dict[str, ReadBackFinding]]] = []
        for record in records:
            if record.kind == "note":
                notes[read_url(record)].append(record)
            else:
                jobs.append(self._object(record, reads))
        jobs += [self._notes_of(url, some, reads) for url, some in notes.items()]
        found: dict[str, ReadBackFinding] = {}
        for each in await _gather(jobs):
            found |= each
        return found

    # ── one object ───────────────────────────────────────────────────────────────

    async def _object(self, record: SentRecord, reads: Round) -> dict[str, ReadBackFinding]:
        at = self._now(reads.begun)
        answer = await self._reader.read(read_url(record))
        if record.kind == "recipe":
            listing = _values(record, answer)
        else:
            page = self._reader.page_in(answer, partial(page_of, record.kind))
            if isinstance(page, ListPage) and needs_list(record, page):
                listing, at = await self._list(record.kind, list_url(record), reads)
            else:
                listing = Listing((), page.reason) if isinstance(page, Failed) else Listing(page.objects)
        return {record.id: finding(record, listing, at, self._settle_after)}

    # ── the notes of one entity ──────────────────────────────────────────────────

    async def _notes_of(self, url: str, records: Sequence[SentRecord], reads: Round) -> dict[str, ReadBackFinding]:
        listing, at = await self._list("note", url, reads)
        entity = str((records[0].body or {})["entity"])
        known = self._notes.of_entity(entity)
        self._comparable = self._comparable or shows_our_text(listing, known)

        def findings(*, comparable: bool) -> dict[str, ReadBackFinding]:
            return note_findings(records, listing, known, at, self._settle_after, comparable=comparable)

        found, others = findings(comparable=False), findings(comparable=True)
        self._comparable = self._comparable or any(each.state == "arrived" for each in found.values())
        if found == others:
            return found
        if not self._comparable:
            await self._read_another(list_url(records[0]), entity, reads)
        return others if self._comparable else found

    async def _read_another(self, url: str, entity: str, reads: Round) -> None:
        """Find out from the newest note of another entity whether texts are returned so that they compare."""
        note = self._notes.newest({entity})
        if note is not None:
            listing, _ = await self._list("note", f"{url}/{quote(note.entity, safe='')}", reads)
            self._comparable = self._comparable or shows_our_text(listing, [note])

    # ── reading ──────────────────────────────────────────────────────────────────

    async def _list(self, kind: SettleKind, url: str, reads: Round) -> tuple[Listing, ReadAt]:
        """The complete list, and when its reading began."""
        if url not in reads.lists:
            reads.lists[url] = asyncio.get_running_loop().create_task(self._read_list(kind, url, reads.begun))
        return await reads.lists[url]

    async def _read_list(self, kind: SettleKind, url: str, begun: float) -> tuple[Listing, ReadAt]:
        """Read a list; once again when its total changed meanwhile."""
        for _ in range(2):
            at, pages, more, failure, number = self._now(begun), Pages(), True, None, 0
            while more:
                number += 1
                page = await self._reader.page(url, number, PAGE, partial(page_of, kind))
                if isinstance(page, Failed):
                    failure, more = page.reason, False
                else:
                    more = pages.add(page)
            if not pages.changed:
                break
        return pages.listing(failure), at


def _values(record: SentRecord, answer: object) -> Listing:
    """What a recipe's path finds in a reply; 404 means that there is nothing."""
    assert record.recipe is not None
    if isinstance(answer, Failed):
        return Listing((), None if answer.status == 404 else answer.reason)
    try:
        return Listing(values_at(answer, record.recipe.found))
    except ValueError as error:
        return Listing((), str(error))


def _with_their_entities(waiting: Sequence[SentRecord], records: Sequence[SentRecord]) -> list[SentRecord]:
    """These records, and all notes of their entities: notes with equal texts are counted together."""
    names = {record.id for record in waiting}
    urls = {read_url(record) for record in waiting if record.kind == "note"}
    others = (record for record in records if record.kind == "note" and record.id not in names)
    return [*waiting, *(record for record in others if without_read(record) is None and read_url(record) in urls)]


async def _gather(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, in parallel. Raises the first error after all have ended."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
