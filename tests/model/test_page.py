"""Pages of a list, and cursors: one that this release did not write is refused."""

import pytest

from penstock.model.errors import InputError
from penstock.model.page import page, read, whole, write

ROWS = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("limit", "items", "more"), [(2, ["A", "B"], "b"), (3, ["A", "B", "C"], None), (9, ["A", "B", "C"], None)]
)
def test_one_row_past_the_limit_says_that_more_follow(limit, items, more):
    assert page(ROWS, limit, str.upper, str) == {"items": items, "next": more}


def test_a_list_of_one_page_has_no_next():
    assert whole([]) == {"items": [], "next": None}


@pytest.mark.parametrize("place", [("r-1", 0), ("", -(2**63)), ("ü", 2**63 - 1)])
def test_a_cursor_comes_back_as_it_was(place):
    assert read(write(*place), str, int) == place


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "~~~",
        write("r-1"),
        write(1, "r-1"),
        write("r-1", 1, 2),
        "eyJhIjoxfQ",
        "WyJyLTEiLDkyMjMzNzIwMzY4NTQ3NzU4MDhd",
    ],
)
def test_any_other_cursor_is_refused(cursor):
    with pytest.raises(InputError) as caught:
        read(cursor, str, int)
    [problem] = caught.value.problems
    assert (problem.path, problem.code, problem.found) == ("cursor", "wrong-cursor", cursor)
