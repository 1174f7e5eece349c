"""The JSON of a comparison: complete where it is printed, bounded where it is stored."""

import json

import pytest

from penstock.model import reconciliation
from penstock.model.reconciliation import (
    Difference,
    ReconcileReport,
    read_stored,
    reconcile_text,
    stored_report,
)

NOTHING = {"same": 1, "differs": [], "pending": [], "missing": [], "extra": [], "incomplete": False, "requests": 2}
FOUND = {
    "same": 0,
    "differs": [
        {"key": "ä", "field": "name", "ours": "x", "theirs": {"a": [1]}},
        {"key": "ä", "field": "plan", "ours": None, "theirs": "\ud800"},
        {"key": ["a", "b"], "field": "name", "ours": "x" * 3000, "theirs": False},
    ],
    "pending": ["p1"],
    "missing": [["a", "c"], "m2", "m3"],
    "extra": [],
    "incomplete": True,
    "requests": 3,
}
COUNTS = {"differs": 3, "records": 2, "fields": {"name": 2, "plan": 1}, "pending": 1, "missing": 3, "extra": 0}


def key(value):
    return tuple(value) if isinstance(value, list) else value


def report(found):
    differs = [Difference(key(each["key"]), each["field"], each["ours"], each["theirs"]) for each in found["differs"]]
    lists = {name: [key(each) for each in found[name]] for name in ("pending", "missing", "extra")}
    others = {name: found[name] for name in ("same", "incomplete", "requests")}
    return ReconcileReport(differs=differs, **lists, **others, differing=len({each.key for each in differs}))


@pytest.mark.parametrize("found", [NOTHING, FOUND])
def test_it_is_printed_whole(found):
    text = "".join(reconcile_text(report(found)))
    assert json.loads(text) == found
    assert len(text.splitlines()) == len(json.dumps(found, indent=2).splitlines())
    assert report(found).has_drift == bool(found["differs"])
    assert report(found).drifted == (5 if found is FOUND else 0)


def test_it_is_stored_with_a_bound_and_the_numbers_of_all(monkeypatch):
    monkeypatch.setattr(reconciliation, "STORED", 2)
    stored, counts, cut = read_stored(stored_report(report(FOUND)))
    assert stored == {**FOUND, "differs": FOUND["differs"][:2], "missing": FOUND["missing"][:2]}
    assert (counts, cut) == (COUNTS, True)
    assert read_stored(stored_report(report(NOTHING)))[2] is False


def test_a_long_value_is_stored_with_its_beginning():
    stored, _, cut = read_stored(stored_report(report(FOUND)))
    assert (len(stored["differs"][2]["ours"]), cut) == (1001, True)


def test_the_report_of_an_older_version_is_whole():
    assert read_stored(FOUND) == (FOUND, COUNTS, False)
