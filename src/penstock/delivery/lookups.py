"""Custify's own ids, asked for by the identifiers we have: through the same client and budget, cached, in lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlencode

from penstock.clock import Clock
from penstock.delivery.attempts import Attempts
from penstock.delivery.client import Client
from penstock.delivery.retry import RetryPolicy
from penstock.delivery.words import own_words, parse, voice_of
from penstock.model.delivery import Lost, Reply
from penstock.model.outcome import Refusal
from penstock.model.record import Lookup, Request, RetryClass

PAGE = 200  # objects a list gives at most, by Custify's OpenAPI 1.5.7
LIST_FROM = 8  # look-ups of one kind that make it worth asking how long the list is
PATHS = {"company": "/company", "person": "/people"}
MEMBERS = {"company": "companies", "person": "people"}
Answer = str | Refusal | Lost


class KnownIds(Protocol):
    """Where ids that were found are kept between runs."""

    def get(self, lookup: Lookup) -> str | None: ...

    def put(self, found: Mapping[Lookup, str]) -> None: ...

    def forget(self, lookup: Lookup) -> None: ...


class Directory:
    """Answers look-ups of one credential."""

    def __init__(self, client: Client, known: KnownIds, clock: Clock) -> None:
        self._client = client
        self._known = known
        self._attempts = Attempts(client, clock, RetryPolicy())
        self._voice = voice_of(client.connection)
        self._found: dict[tuple[str, str, str], str] = {}
        self._listed: set[str] = set()  # kinds whose list was read, or found too long to read

    async def resolve(self, lookups: Sequence[Lookup]) -> dict[Lookup, Answer]:
        """An id for each look-up; a Refusal where there is no such object, a Lost where nobody answers."""
        missing = [lookup for lookup in dict.fromkeys(lookups) if self._cached(lookup) is None]
        for kind in dict.fromkeys(lookup.kind for lookup in missing):
            alike = [lookup for lookup in missing if lookup.kind == kind]
            if len(alike) >= LIST_FROM and kind not in self._listed:
                await self._read_list(kind, len(alike))
        answers: dict[Lookup, Answer] = {}
        for lookup in lookups:
            if lookup not in answers:
                answers[lookup] = self._cached(lookup) or await self._ask(lookup)
        fresh = {lookup: answer for lookup, answer in answers.items() if isinstance(answer, str) and lookup in missing}
        if fresh:
            self._known.put(fresh)
        return answers

    def forget(self, lookup: Lookup) -> None:
        """The id turned out to be wrong."""
        self._found.pop(_name(lookup), None)
        self._known.forget(lookup)

    def _cached(self, lookup: Lookup) -> str | None:
        found = self._found.get(_name(lookup))
        if found is None:
            found = self._known.get(lookup)
            if found is not None:
                self._found[_name(lookup)] = found
        return found

    async def _ask(self, lookup: Lookup) -> Answer:
        """One object by its identifier: absent is 200 with an empty list, people come wrapped in a list."""
        answer = await self._get(f"{PATHS[lookup.kind]}?{urlencode([(lookup.by, lookup.value)])}")
        if isinstance(answer, Lost):
            return answer
        if answer.status not in (200, 404):
            reason = f"the look-up of {lookup.by} {lookup.value} failed: {self._quoted(answer)}"
            return Refusal("lookup", reason, field=lookup.by, value=lookup.value[:80])
        for member in _objects(parse(answer.body), lookup.kind):
            if str(member.get(lookup.by)) == lookup.value and isinstance(member.get("id"), str):
                self._found[_name(lookup)] = str(member["id"])
                return str(member["id"])
        reason = f"there is no {lookup.kind} with {lookup.by} {lookup.value} in Custify"
        accepted = f"a {lookup.kind} that is there: send it first, in the same flow"
        return Refusal("lookup", reason, field=lookup.by, value=lookup.value[:80], accepted=accepted)

    async def _read_list(self, kind: str, wanted: int) -> None:
        """Read the whole list when that takes fewer requests than asking one by one."""
        self._listed.add(kind)
        page, pages = 1, 1
        while page <= pages:
            answer = await self._get(f"{PATHS[kind]}/all?itemsPerPage={PAGE}&page={page}")
            if isinstance(answer, Lost) or answer.status != 200:
                return  # one by one then
            data = parse(answer.body)
            for member in _objects(data, kind):
                for by in ("company_id",) if kind == "company" else ("user_id", "email"):
                    if isinstance(member.get("id"), str) and member.get(by) is not None:
                        self._found[kind, by, str(member[by])] = str(member["id"])
            pages = -(-_total(data) // PAGE)
            if pages >= wanted:
                return
            page += 1

    async def _get(self, path: str) -> Reply | Lost:
        request = Request("GET", self._client.connection.base_url + path, (("Accept", "application/json"),), None)
        return (await self._attempts.make(request, RetryClass.IDEMPOTENT)).answer

    def _quoted(self, answer: Reply) -> str:
        return self._voice.quote(answer.status, own_words(answer))


def _name(lookup: Lookup) -> tuple[str, str, str]:
    return lookup.kind, lookup.by, lookup.value


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
        if isinstance(outer, Mapping) and isinstance(outer.get("total"), int):
            return int(str(outer["total"]))
    return 0
