"""The pages of an API as rows, of which some cannot be read at once."""

import pytest

from penstock.model.errors import InputError, Problem
from penstock.model.spec import CustifySource
from penstock.sources.api_rows import ApiPage, ApiRows


class Account:
    """Three pages of one object; the second cannot be read at the first try."""

    def __init__(self, account="one", fails=1) -> None:
        self.requests = 0
        self.name = account
        self.fails = fails

    def account(self):
        return self.name

    def pages(self, places):
        for number in range(len(places), 3):
            self.requests += 1
            if number == 1 and self.fails:
                self.fails -= 1
                raise InputError(Problem("sources.account", "no answer", "read-failed"))
            yield ApiPage([{"id": f"{self.name} {number}"}], {"number": number}, None, 3, 0.0)


SOURCE = CustifySource("account", "theirs", "people", {})


def ids(rows):
    return [name for piece in rows.pieces() for name in piece.columns["id"]]


def test_a_pass_after_one_that_failed_reads_the_rest(tmp_path):
    account = Account()
    rows = ApiRows(SOURCE, account, tmp_path)
    with pytest.raises(InputError):
        ids(rows)
    assert ids(rows) == ["one 0", "one 1", "one 2"]
    assert account.requests == 4


def test_an_interrupted_read_is_continued_for_the_same_account_only(tmp_path):
    rows = ApiRows(SOURCE, Account(), tmp_path)
    with pytest.raises(InputError):
        ids(rows)
    del rows
    other, same = Account("two", fails=0), Account(fails=0)
    assert ids(ApiRows(SOURCE, other, tmp_path)) == ["two 0", "two 1", "two 2"]
    assert ids(ApiRows(SOURCE, same, tmp_path)) == ["one 0", "one 1", "one 2"]
    assert (other.requests, same.requests) == (3, 2)
