"""Pages of a list that others change while it is read: what is found, and when it is known to be incomplete."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.machine.paged_list import CHANGED, PagedList, PagedState
from penstock.delivery.objects import ListPage

SIZE = 3


def page(names, total=None):
    return ListPage(tuple({"id": name} for name in names), total)


def read(account, change=lambda account, request: None, *, size=SIZE, total=True, most=200):
    """The ids that are found in a list of ids, which `change` may change before each request; and the pages."""
    paged, found, pages = PagedList(), [], []
    while not paged.state.ended:
        assert len(pages) < most, "it does not end"
        change(account, len(pages))
        number = paged.state.page
        pages.append(number)
        part = account[(number - 1) * size : number * size]
        found += [each["id"] for each in paged.add(page(part, len(account) if total else None))]
    return found, pages, paged.state.gap


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("total", [True, False])
def test_a_list_that_nobody_changes_is_read_once(count, total):
    names = [f"o{n}" for n in range(count)]
    found, pages, gap = read(list(names), total=total)
    assert (found, gap) == (names, None)
    more = 0 if total else 1 if count else 0
    assert pages == list(range(1, max(1, -(-count // SIZE)) + 1 + more))


def test_an_object_that_moved_to_a_page_that_was_read_is_found():
    """One that was read is deleted: the first of the next page moves to the page before."""
    account = [f"o{n}" for n in range(9)]

    def change(account, request):
        if request == 2:
            account.remove("o0")

    found, pages, gap = read(account, change)
    assert sorted(found) == [f"o{n}" for n in range(9)]
    assert (pages, gap) == ([1, 2, 3, 2, 3], None)


def test_an_object_that_was_added_while_the_last_page_was_read_is_found():
    account = [f"o{n}" for n in range(5)]

    def change(account, request):
        if request == 1:
            account.insert(0, "new")

    found, pages, gap = read(account, change)
    assert (sorted(found), gap) == (sorted(account), None)
    assert pages == [1, 2, 1, 2]


def test_a_list_that_changes_again_has_a_gap():
    account = [f"o{n}" for n in range(12)]

    def change(account, request):
        if request in (1, 2):
            account.append(f"new{request}")

    found, pages, gap = read(account, change)
    assert (sorted(found), gap) == (sorted(account), CHANGED)
    assert pages == [1, 2, 1, 2, 3, 4, 5]


def test_an_api_that_returns_the_same_page_whatever_is_requested_is_not_read_for_ever():
    paged = PagedList()
    assert [each["id"] for each in paged.add(page("abc", 9))] == ["a", "b", "c"]
    assert paged.add(page("abc", 9)) == []
    assert (paged.state.ended, paged.state.gap) == (True, "the list should have 9 objects and returned 3")


def test_objects_without_an_id_are_all_returned():
    paged = PagedList()
    assert paged.add(ListPage(({"name": "x"}, {"name": "x"}), 2)) == [{"name": "x"}, {"name": "x"}]
    assert (paged.state.ended, paged.state.gap) == (True, None)


def test_an_api_that_returns_smaller_pages_than_requested_is_read_to_the_end():
    names = [f"o{n}" for n in range(7)]
    assert read(list(names), size=2)[0] == names


@given(st.integers(0, 30), st.integers(0, 5), st.integers(0, 2**32))
def test_what_was_there_all_the_time_is_found_or_the_list_has_a_gap(count, changes, seed):
    """Whatever is added and deleted meanwhile, where all deletions are single ones."""
    dice = random.Random(seed)
    account = [f"o{n}" for n in range(count)]
    deleted = set()
    at = {dice.randrange(12) for _ in range(changes)}

    def change(account, request):
        if request not in at:
            return
        if account and dice.random() < 0.5:
            deleted.add(account.pop(dice.randrange(len(account))))
        else:
            account.insert(dice.randrange(len(account) + 1), f"new{request}")

    found, _, gap = read(account, change)
    assert len(found) == len(set(found))
    always = {f"o{n}" for n in range(count)} - deleted
    assert gap is not None or always <= set(found)


def test_a_read_continues_from_its_state():
    names = [f"o{n}" for n in range(7)]
    paged = PagedList()
    paged.add(page(names[:3], 7))
    later = PagedList(PagedState(*paged.state), set(names[:3]))
    assert [each["id"] for each in later.add(page(names[3:6], 7))] == names[3:6]
    assert [each["id"] for each in later.add(page(names[6:], 7))] == names[6:]
    assert (later.state.ended, later.state.gap) == (True, None)
