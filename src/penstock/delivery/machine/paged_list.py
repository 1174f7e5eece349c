"""The lists of the native API, and the order in which the pages of one are read. Pure.

The paths, members and sizes of pages are those of Custify's OpenAPI 1.5.7 and `docs/custify-api.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from penstock.delivery.objects import ListPage, Object, remote_id
from penstock.model.spec import CustifyList


class ApiList(NamedTuple):
    """A list below the base URL: its path, the member of a reply that holds the objects, and the size of a page."""

    path: str
    member: str
    size: int
    types: Sequence[str] = ()  # a reply has the objects of one `type`; all are read


API_LISTS: Mapping[CustifyList, ApiList] = {
    "companies": ApiList("/company/all", "companies", 200),
    "people": ApiList("/people/all", "people", 200),
    "deals": ApiList("/financial/deal", "deals", 50),
    "invoices": ApiList("/financial/invoice", "invoices", 50),
    "subscriptions": ApiList("/financial/subscription", "subscriptions", 50),
    "tasks": ApiList("/task", "tasks", 50),
    "notes": ApiList("/note", "notes", 50),
    "tickets": ApiList("/ticket", "tickets", 50),
    "segments": ApiList("/segment", "segments", 50, ("company", "people")),
    "tags": ApiList("/tag", "tags", 50),
}
CHANGED = "the list changed while it was read, and again while its last pages were read again"


class PagedState(NamedTuple):
    """Where the reading of a list is, without its objects."""

    page: int = 1  # to be read next
    total: int | None = None  # as the last page gave it
    size: int = 0  # of the first page
    again_to: int = 0  # the last page that is read again; 0: none is
    gap: str | None = None  # why objects may be missing
    ended: bool = False


@dataclass(slots=True)
class PagedList:
    """The pages of one list, each read after the one before. `seen` has the ids of the objects that were read.

    When the total differs from that of the page before, this page and the one before it are read again: objects that
    moved to a page that was read before are found so. If the total differs again meanwhile, the list has a gap.
    """

    state: PagedState = field(default_factory=PagedState)
    seen: set[str] = field(default_factory=set)
    _nameless: int = 0

    def see(self, objects: Iterable[Object]) -> list[Object]:
        """Those of the objects that were not read before."""
        new: list[Object] = []
        for each in objects:
            name = remote_id(each)
            if name is None:
                self._nameless += 1
            elif name in self.seen:
                continue
            else:
                self.seen.add(name)
            new.append(each)
        return new

    def add(self, page: ListPage) -> list[Object]:
        """The new objects of the page that `state` names; `state` is then that of the next one."""
        now, new = self.state, self.see(page.objects)
        size = now.size or len(page.objects)
        changed = now.size > 0 and page.total != now.total
        now = now._replace(total=page.total, size=size)
        if changed and not now.again_to and now.page > 1:
            self.state = now._replace(page=now.page - 1, again_to=now.page)
            return new
        gap = CHANGED if changed else now.gap
        if now.page < now.again_to:
            self.state = now._replace(page=now.page + 1, gap=gap)
            return new
        self.state = now._replace(gap=gap, again_to=0)
        if self._is_last(page, new, was_again=now.again_to > 0):
            self._end()
        else:
            self.state = self.state._replace(page=now.page + 1)
        return new

    def _is_last(self, page: ListPage, new: Sequence[Object], *, was_again: bool) -> bool:
        if not page.objects:
            return True
        if page.total is not None and self.state.page * self.state.size >= page.total:
            return True
        return not new and not was_again  # an API that ignores the number of the page

    def _end(self) -> None:
        read, total, gap = len(self.seen) + self._nameless, self.state.total, self.state.gap
        if total is not None and read < total:
            gap = f"the list should have {total:,} objects and returned {read:,}"
        self.state = self.state._replace(ended=True, gap=gap)
