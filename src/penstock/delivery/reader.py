"""`ApiReader`: GET requests with one credential, as JSON and as pages of lists. Read-backs and sources read with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, urlencode

from penstock.clock import Clock
from penstock.delivery.http.client import Client
from penstock.delivery.machine.attempts import attempts
from penstock.delivery.machine.paged_list import API_LISTS, ApiList, PagedList, PagedState
from penstock.delivery.objects import ListPage, Object, list_page, page_of, remote_id, unwrapped
from penstock.delivery.replies import UNREADABLE, error_text, is_html, parse, quoter_of
from penstock.delivery.retry import DEFAULT_POLICY
from penstock.delivery.sender import Driver
from penstock.model.delivery import Lane, Lost, Reply
from penstock.model.errors import InputError
from penstock.model.record import Request, RetryClass
from penstock.model.spec import CustifyObject

AT_ONCE = 10  # requests
PageIn = Callable[[object], ListPage | None]
Announce = Callable[[int], None]  # takes the number of requests of a complete read, once it is known


def say_nothing(_requests: int) -> None:
    """Announce nothing."""


class ReadRefusedError(Exception):
    """The API refused the credential at a read: nothing more can be read. `lost.refused` is true."""

    def __init__(self, lost: Lost) -> None:
        super().__init__(lost.reason)
        self.lost = lost


class Failed(NamedTuple):
    """Why a reply cannot be used; `status` when there was one."""

    reason: str
    status: int | None = None


class FailedReadError(Exception):
    """A list cannot be read further. `status` of the reply, when there was one."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.reason)
        self.status = failed.status


class ObjectPage(NamedTuple):
    """Objects that no page before had, and where the reading is after them.

    `ids` are Custify's ids of what was read for it: of the objects, or of the companies whose custom data they are.
    `state` is that of the list number `part`. `requests` is how many a complete read takes, as far as known.
    """

    objects: Sequence[Object]
    ids: Sequence[str]
    part: int
    state: PagedState
    requests: int


class ApiReader:
    """Reads with one credential, in one lane. `what` names a read in messages.

    A reply with one of the statuses `refusals` means that the credential is refused, and nothing more is read.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        lane: Lane,
        what: str = "read",
        refusals: Collection[int] = (401, 403),
    ) -> None:
        self._client = client
        self._clock = clock
        self._lane = lane
        self._what = what
        self._refusals = refusals
        self._quoter = quoter_of(client.connection)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._refused: ReadRefusedError | None = None

    async def page(self, url: str, number: int, size: int, page_in: PageIn) -> ListPage | Failed:
        """One page of a list, from 1; `page_in` finds its objects in the reply."""
        sign = "&" if "?" in url else "?"
        return self.page_in(await self.read(f"{url}{sign}itemsPerPage={size}&page={number}"), page_in)

    def page_in(self, answer: object, page_in: PageIn) -> ListPage | Failed:
        """The objects of what `read` returned."""
        page = answer if isinstance(answer, Failed) else page_in(answer)
        return Failed(f"the {self._what} did not return the objects that were requested") if page is None else page

    async def read(self, url: str) -> object:
        """The JSON of a reply, or a Failed.

        Raises ReadRefusedError, and what the clock and the rate limit raise when the run stops.
        """
        request = Request("GET", url, (("Accept", "application/json"),), None)
        async with self._places:
            if self._refused is not None:
                raise self._refused
            steps = attempts(request, RetryClass.IDEMPOTENT, DEFAULT_POLICY, lane=self._lane)
            try:
                answer = (await Driver(self._client, self._clock).result(steps)).answer
            except InputError as error:
                return Failed(f"the {self._what} is not possible: {error}")
        if isinstance(answer, Lost):
            return Failed(f"the {self._what} got no answer: {answer.reason}")
        return self._content(answer)

    def _content(self, answer: Reply) -> object:
        quoted = self._quoter.quote(answer.status, error_text(answer))
        if answer.status in self._refusals:
            reason = f"the credential was refused, at a {self._what}: {quoted}"
            self._refused = ReadRefusedError(Lost("refused", True, reason, answer.duration_ms, refused=True))
            raise self._refused
        if not 200 <= answer.status < 300:
            return Failed(f"the {self._what} failed: {quoted}", answer.status)
        content = UNREADABLE if is_html(answer) or not answer.body.strip() else parse(answer.body)
        return Failed(f"the reply to the {self._what} is not JSON", answer.status) if content is UNREADABLE else content


class ObjectReader:
    """Reads all objects of one kind below `base`, page by page. `query` narrows what the API returns.

    `announce` is called before the custom data of the first company is read.
    """

    def __init__(
        self,
        reader: ApiReader,
        base: str,
        kind: CustifyObject,
        query: Mapping[str, str],
        announce: Announce = say_nothing,
    ) -> None:
        self._reader = reader
        self._announce = announce
        self._base = base
        self._query = query
        self._is_custom_data = kind == "custom_data"
        self._list: ApiList = API_LISTS["companies" if kind == "custom_data" else kind]

    async def pages(self, before: Sequence[ObjectPage]) -> AsyncIterator[ObjectPage]:
        """The pages after those that were read before.

        Raises FailedReadError, ReadRefusedError, and what the clock and the rate limit raise when the run stops.
        """
        last = before[-1] if before else ObjectPage((), (), 0, PagedState(), 0)
        seen = {name for page in before for name in page.ids}
        urls = self._urls()
        for part in range(last.part, len(urls)):
            paged = PagedList(last.state if part == last.part else PagedState(), seen if part == last.part else set())
            others = last.requests if part != last.part else 0
            while not paged.state.ended:
                now = paged.state
                page = await self._reader.page(urls[part], now.page, self._list.size, self._page_in)
                if isinstance(page, Failed):
                    raise FailedReadError(page)
                new, requests = paged.add(page), others + self._requests(paged.state)
                if not last.requests:
                    self._announce(requests)
                for objects, state in self._pieces(new, now, paged.state):
                    ids = [name for name in map(remote_id, objects) if name is not None]
                    found = await self._custom_data(objects) if self._is_custom_data else objects
                    last = ObjectPage(found, ids, part, state, requests)
                    yield last

    def _pieces(
        self, new: list[Object], before: PagedState, after: PagedState
    ) -> Iterator[tuple[list[Object], PagedState]]:
        """The new objects of a page, and the state after them: where each takes a request, a few at a time.

        Before the last few it is that before the page, which is then read again for the others.
        """
        few = AT_ONCE if self._is_custom_data else max(len(new), 1)
        while len(new) > few:
            yield new[:few], before
            new = new[few:]
        yield new, after

    def _page_in(self, answer: object) -> ListPage | None:
        return list_page(unwrapped(answer), self._list.member)

    def _urls(self) -> list[str]:
        """The lists that hold all objects."""
        query = {} if self._is_custom_data else dict(self._query)
        types = [] if "type" in query else self._list.types
        queries = [{**query, "type": each} for each in types] or [query]
        url = self._base + self._list.path
        return [f"{url}?{urlencode(each)}" if each else url for each in queries]

    def _requests(self, state: PagedState) -> int:
        """How many requests the whole list takes, with one for each company where its custom data is read."""
        total = state.total or 0
        return max(1, -(-total // max(state.size, 1))) + (total if self._is_custom_data else 0)

    async def _custom_data(self, companies: Sequence[Object]) -> list[Object]:
        """The custom data of some companies. The reply does not say whose it is: `company_id` is added where absent."""
        pages = await asyncio.gather(*(self._reader.read(self._custom_data_url(each)) for each in companies))
        found: list[Object] = []
        for company, answer in zip(companies, pages, strict=True):
            page = self._reader.page_in(answer, partial(page_of, "custom_object"))
            if isinstance(page, Failed):
                raise FailedReadError(page)
            found += ({"company_id": company.get("company_id"), **each} for each in page.objects)
        return found

    def _custom_data_url(self, company: Object) -> str:
        name, query = company.get("company_id"), dict(self._query)
        url = f"{self._base}/custom_data/companies"
        if isinstance(name, str) and name:
            return f"{url}?{urlencode({'company_id': name, **query})}"
        url = f"{url}/{quote(remote_id(company) or '', safe='')}"
        return f"{url}?{urlencode(query)}" if query else url
