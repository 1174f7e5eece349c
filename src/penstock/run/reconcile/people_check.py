"""`PeopleCheck`: keeps a run from creating a second person with an e-mail that Custify has (`identity: refuse`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from penstock.delivery.objects import Object, list_page, unwrapped
from penstock.delivery.reader import ApiReader, Failed, FailedReadError, ObjectReader, ReadRefusedError
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload
from penstock.render.identity import EMAIL, ID, second_person
from penstock.run.context import Context
from penstock.run.diff.decision import Decision
from penstock.run.diff.diff import Classified
from penstock.run.preparation.prepare import Prepared
from penstock.run.reconcile.account_objects import OWN_ID, AccountObjects, read_form, sent_object
from penstock.run.stop import Stopped, StopSignal
from penstock.templates.catalogue import ReadForm

WHAT = "identity: refuse"
LIST_FROM = 200  # look-ups: then the list of all people is read, unless that takes more requests


def people_check(ctx: Context, prepared: Prepared, reader: ApiReader) -> PeopleCheck | None:
    """The check of a destination with `identity: refuse`; None for others."""
    if prepared.spec.identity != "refuse":
        return None
    return PeopleCheck(reader, prepared.address.base_url, read_form(ctx, prepared, WHAT))


class PeopleCheck:
    """Reads of Custify the people with the e-mails of records that may create one: one per request, or all in a list.

    A record that is not refused counts as sent for those after it.
    """

    def __init__(self, reader: ApiReader, base_url: str, form: ReadForm) -> None:
        self._reader = reader
        self._base_url = base_url
        self._people = AccountObjects(form)
        self._has_all = False
        self._looked_up: set[tuple[str, str]] = set()
        self._list_requests = 0  # of the list of all people; 0: not known

    async def refusals(self, payloads: Sequence[Payload]) -> dict[int, Refusal]:
        """The refused payloads by ordinal.

        Raises ReadRefusedError, FailedReadError, and what the clock and the rate limit raise when the run stops.
        """
        objects = [sent_object(payload) for payload in payloads]
        await self._read([sent for sent in objects if _may_create(sent)])
        return refused(self._people, payloads, objects)

    async def withhold(self, classified: Classified, signal: StopSignal) -> bool:
        """Quarantine what would create a second person. False if that cannot be found out: the run is stopped."""
        try:
            withhold(classified, await self.refusals(classified.fresh))
        except ReadRefusedError as refused:
            signal.stop("credential", refused.lost.reason)
        except FailedReadError as failed:
            signal.stop("unreachable", f"people could not be read for {WHAT}: {failed}")
        except Stopped:
            pass
        else:
            return True
        return False

    async def _read(self, objects: Sequence[Mapping[str, Any]]) -> None:
        addresses = [form for sent in objects for form in dict.fromkeys((str(sent[EMAIL]), str(sent[EMAIL]).lower()))]
        await self._look_up(EMAIL, addresses)
        taken = [sent for sent in objects if owner_of(self._people, sent) is not None]
        await self._look_up(ID, [str(sent[ID]) for sent in taken])

    async def _look_up(self, member: str, values: Iterable[str]) -> None:
        """Add the people with these values; with many of them, all people."""
        new = [value for value in dict.fromkeys(values) if (member, value) not in self._looked_up]
        if self._has_all or not new or await self._has_list(len(self._looked_up) + len(new)):
            return
        replies = [self._reader.read(f"{self._base_url}/people?{urlencode({member: value})}") for value in new]
        ended = await asyncio.gather(*replies, return_exceptions=True)
        for answer in ended:
            if isinstance(answer, BaseException):
                raise answer
            for each in _people_in(answer):
                self._people.add(each)
        self._looked_up.update((member, value) for value in new)

    async def _has_list(self, look_ups: int) -> bool:
        """Read the list of all people, if that takes fewer requests; False if it was not read whole."""
        if look_ups <= max(LIST_FROM, self._list_requests):
            return False
        pages = ObjectReader(self._reader, self._base_url, "people", {}).pages([])
        async for page in pages:
            self._list_requests = page.requests
            if look_ups < page.requests:
                return False
            for each in page.objects:
                self._people.add(each)
            self._has_all = page.state.ended and page.state.gap is None
        return self._has_all


def _may_create(sent: Mapping[str, Any]) -> bool:
    """Whether a person could be a second one: it has both ids by which Custify matches, and not Custify's own."""
    return OWN_ID not in sent and all(sent.get(name) is not None for name in (ID, EMAIL))


def owner_of(people: AccountObjects, sent: Mapping[str, Any]) -> Object | None:
    """The person who has the e-mail under another user_id; None if no second person would be created."""
    if not _may_create(sent) or people.find(sent) is not None:
        return None
    owner = people.find({EMAIL: sent[EMAIL]})
    return None if owner is None else people[owner]


def refused(
    people: AccountObjects, payloads: Sequence[Payload], objects: Sequence[Mapping[str, Any]]
) -> dict[int, Refusal]:
    """The refused payloads by ordinal. A person that is not refused is added to `people`, if it is new there."""
    found: dict[int, Refusal] = {}
    for payload, sent in zip(payloads, objects, strict=True):
        owner = owner_of(people, sent)
        if owner is not None:
            found[payload.ordinal] = second_person(sent, owner)
        elif sent.get(EMAIL) is not None and people.find({EMAIL: sent[EMAIL]}) is None:
            people.add(sent)
    return found


def withhold(classified: Classified, refusals: Mapping[int, Refusal]) -> None:
    """Quarantine these payloads, by their ordinals, and others that wait for one of the same key and content."""
    mine = [(payload, refusals[payload.ordinal]) for payload in classified.fresh if payload.ordinal in refusals]
    keys = {payload.key: refusal for payload, refusal in mine}
    waiting = [(payload, keys[payload.key]) for payload in classified.same_as_in_flight if payload.key in keys]
    classified.decided += [
        Decision(ordinal, payload.key, Outcome.QUARANTINED, refusal.reason, refusal)
        for payload, refusal in (*mine, *waiting)
        for ordinal in payload.ordinals
    ]
    classified.fresh = [payload for payload in classified.fresh if payload.ordinal not in refusals]
    classified.same_as_in_flight = [payload for payload in classified.same_as_in_flight if payload.key not in keys]


def _people_in(answer: object) -> Sequence[Object]:
    """The people of a reply; an absent one is an empty list, or 404. Raises FailedReadError."""
    if isinstance(answer, Failed) and answer.status != 404:
        raise FailedReadError(answer)
    page = None if isinstance(answer, Failed) else list_page(unwrapped(answer), "people")
    if page is None and answer != [] and not isinstance(answer, Failed):
        raise FailedReadError(Failed("the read did not return people"))
    return () if page is None else page.objects
