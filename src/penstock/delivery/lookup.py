"""`LookupClient`: Custify's own ids, looked up by the identifiers that a record has.

It uses the same client and budget as deliveries, caches the ids, and sends many identifiers in one request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlencode

from penstock.clock import Clock
from penstock.delivery.http.client import Client
from penstock.delivery.machine.attempts import attempts
from penstock.delivery.replies import error_text, parse, quoter_of
from penstock.delivery.retry import DEFAULT_POLICY
from penstock.delivery.sender import Driver
from penstock.model.delivery import Lane, Lost, Reply
from penstock.model.outcome import Refusal
from penstock.model.record import Lookup, Request, RetryClass

PAGE = 200  # objects a list gives at most, by Custify's OpenAPI 1.5.7
LIST_FROM = 8  # look-ups of one kind from which on the length of the list is requested
PATHS = {"company": "/company", "person": "/people"}
MEMBERS = {"company": "companies", "person": "people"}
NAMED_BY = {"company": ("company_id",), "person": ("user_id", "email")}
Name = tuple[str, str, str]  # kind, by, value
Answer = str | Refusal | Lost


class IdStore(Protocol):
    """The store of looked-up ids between runs."""

    def get(self, lookup: Lookup) -> str | None: ...

    def put(self, found: Mapping[Lookup, str]) -> None: ...

    def forget(self, lookup: Lookup) -> None: ...


class LookupClient:
    """Looks up ids with one credential.

    One by one at first. When as many were requested one by one as the whole list has pages, the list is read. So it
    never takes more than twice the requests of the better of the two ways, in whatever order the look-ups come.
    `lane` is that of the run.
    """

    def __init__(self, client: Client, known: IdStore, clock: Clock, lane: Lane = "live") -> None:
        self._client = client
        self._lane = lane
        self._known = known
        self._clock = clock
        self._quoter = quoter_of(client.connection)
        self._found: dict[Name, str] = {}
        self._requested: Counter[str] = Counter()  # per kind, since its list was read
        self._pages: dict[str, int] = {}
        self._listing = asyncio.Lock()

    async def resolve(self, lookups: Sequence[Lookup]) -> dict[Lookup, Answer]:
        """Returns an id for each look-up; a Refusal if the object does not exist.

        A Lost where no reply came, or where the credential is refused: then the run cannot continue.
        """
        wanted = list(dict.fromkeys(lookups))
        new = {lookup for lookup in wanted if self._cached(lookup) is None}
        for kind in sorted({lookup.kind for lookup in new}):
            await self._read_list_if_shorter(kind, [lookup for lookup in new if lookup.kind == kind])
        answers = dict(zip(wanted, await self._gather(wanted), strict=True))
        fresh = {lookup: answer for lookup, answer in answers.items() if isinstance(answer, str) and lookup in new}
        if fresh:
            self._known.put(fresh)
        return answers

    def forget(self, lookup: Lookup) -> None:
        """Remove an id that turned out to be wrong."""
        self._found.pop(_name(lookup), None)
        self._known.forget(lookup)

    async def _gather(self, lookups: Sequence[Lookup]) -> list[Answer]:
        """All answers, requested in parallel. Raises the first error after all have ended."""
        tasks: dict[Name, asyncio.Task[Answer]] = {}
        for lookup in lookups:
            if _name(lookup) not in tasks:
                tasks[_name(lookup)] = asyncio.get_running_loop().create_task(self._answer(lookup))
        results = dict(zip(tasks, await asyncio.gather(*tasks.values(), return_exceptions=True), strict=True))
        answers: list[Answer] = []
        for lookup in lookups:
            answer = results[_name(lookup)]
            if isinstance(answer, BaseException):
                raise answer
            answers.append(answer)
        return answers

    async def _answer(self, lookup: Lookup) -> Answer:
        return self._cached(lookup) or await self._look_up(lookup)

    def _cached(self, lookup: Lookup) -> str | None:
        found = self._found.get(_name(lookup))
        if found is None:
            found = self._known.get(lookup)
            if found is not None:
                self._found[_name(lookup)] = found
        return found

    async def _look_up(self, lookup: Lookup) -> Answer:
        """Look up one object. Custify answers 200 with an empty list for a missing one, and wraps people in a list."""
        self._requested[lookup.kind] += 1
        answer = await self._get(f"{PATHS[lookup.kind]}?{urlencode([(lookup.by, lookup.value)])}")
        value = self._quoter.clean(lookup.value)[:80]
        if isinstance(answer, Lost):
            return answer
        if answer.status in {401, 403, 429}:
            quoted = self._quoter.quote(answer.status, error_text(answer))
            refused = answer.status != 429
            what = "the credential was refused" if refused else "the API takes no requests"
            return Lost("refused", True, f"{what}, at a look-up: {quoted}", answer.duration_ms, refused=refused)
        if answer.status not in {200, 404}:
            quoted = self._quoter.quote(answer.status, error_text(answer))
            return Refusal("lookup", f"the look-up of {lookup.by} {value} failed: {quoted}", lookup.by, value)
        self._remember(parse(answer.body), lookup.kind)
        found = self._found.get(_name(lookup))
        if found is not None:
            return found
        reason = f"there is no {lookup.kind} with {lookup.by} {value} in {self._quoter.api}"
        accepted = f"an existing {lookup.kind}: send it first, in the same flow"
        return Refusal("lookup", reason, lookup.by, value, accepted)

    async def _read_list_if_shorter(self, kind: str, wanted: Sequence[Lookup]) -> None:
        async with self._listing:
            missing = sum(1 for lookup in wanted if _name(lookup) not in self._found)
            requested = self._requested[kind] + missing
            if missing == 0 or requested < max(LIST_FROM, self._pages.get(kind, 0)):
                return
            page = 1
            while page <= self._pages.get(kind, 1):
                answer = await self._get(f"{PATHS[kind]}/all?itemsPerPage={PAGE}&page={page}")
                if isinstance(answer, Lost) or answer.status != 200:
                    return  # the look-ups one by one report the problem
                data = parse(answer.body)
                self._remember(data, kind)
                self._pages[kind] = max(1, -(-_total(data) // PAGE))
                if self._pages[kind] > requested:
                    return  # longer than the look-ups one by one
                page += 1
            self._requested[kind] = 0

    def _remember(self, data: object, kind: str) -> None:
        for member in _objects(data, kind):
            remote = member.get("id", member.get("_id"))
            for by in NAMED_BY[kind]:
                if isinstance(remote, str) and member.get(by) not in (None, ""):
                    self._found[_key(kind, by, str(member[by]))] = remote

    async def _get(self, path: str) -> Reply | Lost:
        request = Request("GET", self._client.connection.base_url + path, (("Accept", "application/json"),), None)
        steps = attempts(request, RetryClass.IDEMPOTENT, DEFAULT_POLICY, lane=self._lane)
        return (await Driver(self._client, self._clock).result(steps)).answer


def _key(kind: str, by: str, value: str) -> Name:
    return kind, by, value.lower() if by == "email" else value


def _name(lookup: Lookup) -> Name:
    return _key(lookup.kind, lookup.by, lookup.value)


def _objects(data: object, kind: str) -> Iterator[Mapping[str, object]]:
    """The objects of `{companies: […]}`, `[{people: […]}]`, or a bare object."""
    for outer in data if isinstance(data, list) else [data]:
        if not isinstance(outer, Mapping):
            continue
        inner = outer.get(MEMBERS[kind])
        if isinstance(inner, list):
            yield from (member for member in inner if isinstance(member, Mapping))
        elif "id" in outer:
            yield outer


def _total(data: object) -> int:
    for outer in data if isinstance(data, list) else [data]:
        total = outer.get("total") if isinstance(outer, Mapping) else None
        if isinstance(total, int):
            return total
    return 0
