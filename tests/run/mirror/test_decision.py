"""Which deletions a mirror carries out, and the hash of a set of them."""

import pytest

from penstock.model.spec import OnDelete
from penstock.run.mirror.decision import MirrorDecision, MirrorFacts, decide, deletes_hash, hash_together

ALL = MirrorDecision(True, True)


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        (MirrorFacts(records=100, delivered=100, left=0), ALL),
        (MirrorFacts(records=95, delivered=100, left=5), ALL),
        (MirrorFacts(records=10, delivered=10, left=3, share=0.3), ALL),
        (MirrorFacts(records=71, delivered=100, left=29, share=0.29), ALL),  # 0.29 * 100 is 28.999999999999996
        (MirrorFacts(records=1, delivered=10, left=9, approved=True), ALL),
        (MirrorFacts(records=50, delivered=100, left=0, decided=50), ALL),
        (MirrorFacts(records=1, delivered=1, left=0, restored="then"), MirrorDecision(False, False, False, "")),
        (MirrorFacts(records=1, delivered=2, left=1, restored="then", approved=True), ALL),
        (MirrorFacts(records=99, delivered=100, left=1, unseen=1), MirrorDecision(True, False, True, "")),
        (MirrorFacts(records=99, delivered=100, left=1, unseen=1, approved=True), ALL),
        (MirrorFacts(records=99, delivered=100, left=0, unseen=1), ALL),
        (MirrorFacts(records=94, delivered=100, left=6), MirrorDecision(True, False, True, "")),
        (MirrorFacts(records=9, delivered=10, left=1), MirrorDecision(True, False, True, "")),
        (MirrorFacts(records=0, delivered=100, left=100, approved=True), MirrorDecision(False, False, False, "")),
        (MirrorFacts(records=9, delivered=100, left=1, decided=1, incomplete="x"), MirrorDecision(False, False)),
        (MirrorFacts(records=99, delivered=100, left=1, restored="then"), MirrorDecision(False, False, True, "")),
        (MirrorFacts(records=99, delivered=100, left=0, decided=1, restored="t"), MirrorDecision(False, False, True)),
    ],
)
def test_deletions_are_carried_out_only_after_a_complete_read_within_the_share_or_approved(facts, decision):
    found = decide(facts)
    assert found[:3] == decision[:3]
    assert (found.reason is None) == found.deletes


def test_a_decision_says_how_many_are_deleted():
    decided, left = 3, 5
    numbers = [MirrorDecision(*each).deleted(decided, left) for each in ((True, True), (True, False), (False, False))]
    assert numbers == [8, 3, 0]


def test_the_hash_of_a_set_is_stable_and_differs_by_everything_that_decides():
    delete, mark = OnDelete(), OnDelete({"a": 1, "b": None})
    first = deletes_hash("people", delete, ["1", "2"], ())
    assert first == deletes_hash("people", OnDelete(), ["1", "2"], ["other"])
    assert deletes_hash("people", mark, ["1"], ()) == deletes_hash("people", OnDelete({"b": None, "a": 1}), ["1"], ())
    others = [
        deletes_hash("persons", delete, ["1", "2"], ()),
        deletes_hash("people", mark, ["1", "2"], ()),
        deletes_hash("people", OnDelete({"a": 2}), ["1", "2"], ()),
        deletes_hash("people", delete, ["2", "1"], ()),
        deletes_hash("people", delete, ["12"], ()),
        deletes_hash("people", delete, [("1", "2")], ()),
        deletes_hash("people", delete, ["1", "2"], [first]),
    ]
    assert len({first, *others}) == len(others) + 1
    again = deletes_hash("people", delete, ["1", "2"], [first, others[-1]])
    assert again not in (first, others[-1])


def test_no_keys_have_no_hash():
    assert deletes_hash("people", OnDelete(), [], ()) is None


def test_the_deletions_of_several_destinations_have_one_hash():
    assert hash_together([None, None]) is None
    assert hash_together([None, "0f"]) == "0f"
    both = hash_together(["0f", "1e"])
    assert both not in (None, "0f", "1e", hash_together(["1e", "0f"]))
