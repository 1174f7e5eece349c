"""Notes with equal and similar texts, of which some arrived and some did not: each is there as often as it was sent."""

import pytest

from support.cli.settling_project import FORMS, notes, outcomes

LOST, CUT = {"cut": "after"}, {"cut": "before"}

each_form = pytest.mark.parametrize("form", FORMS)


def run_with(make, sandbox, texts, form, faults):
    its = make(notes(texts, form), on_unknown="hold")
    for fault in faults:
        sandbox.fault(method="POST", path="/note", **fault)
    report = its.run(code=1)
    sandbox.clear_faults()
    return its, report


@each_form
@pytest.mark.parametrize(
    ("texts", "faults"),
    [
        (("same", "same"), (LOST | {"times": 1}, CUT | {"times": 1})),
        (("same", "same"), (CUT | {"times": 1}, LOST | {"times": 1})),
        (("same", "same", "same"), (CUT | {"after": 1, "times": 1},)),
        (("same", "same", "same"), (LOST | {"times": 1}, CUT | {"times": 2})),
        (("same", " same\n"), (CUT | {"times": 1},)),
        (("bold", "<b>bold</b>"), (CUT | {"containing": "<b>"},)),
        (("bold", "<b>bold</b>"), (CUT | {"containing": '"bold"'},)),
        (("a&b", "a&amp;b", "a&amp;amp;b"), (CUT | {"containing": "a&amp;b"},)),
        (("a&b", "a&amp;b", "a&amp;amp;b"), (CUT | {"times": 2},)),
        (("a&b", "a&amp;b", "a&amp;amp;b"), (LOST | {"times": 2},)),
        (("one", "two"), (CUT,)),
        (("one", "two"), (LOST,)),
        (("<p></p>", "&nbsp;", "."), (CUT | {"times": 1}, LOST | {"times": 1})),
        (("x" * 3_000, "x" * 3_001), (CUT | {"times": 1},)),
    ],
)
def test_each_note_is_there_once(make, sandbox, texts, faults, form):
    its, report = run_with(make, sandbox, texts, form, faults)
    assert its.settle()[0]["undecided"] == 0
    its.assert_settled(report)


@each_form
@pytest.mark.parametrize("lost", ["<b>", '"bold"'])
def test_of_two_nearly_equal_notes_nobody_can_tell_which_one_arrived(make, sandbox, lost, form):
    its, _ = run_with(make, sandbox, ("bold", "<b>bold</b>"), form, (LOST | {"containing": lost}, CUT))
    arrived = its.arrived()
    settled, _ = its.settle(code=1)
    assert (len(arrived), its.arrived()) == (1, arrived)
    assert settled == {"delivered": 0, "sent_again": 0, "undecided": 2}
    assert outcomes(its.run(code=1)) == {"unknown": 2}


@each_form
def test_a_note_that_is_found_shows_that_another_one_is_not_there(make, sandbox, form):
    """No note was delivered with a reply. That one comes back with an equal text shows that Custify does not change texts."""
    its, report = run_with(make, sandbox, ("one", "two"), form, (LOST | {"times": 1}, CUT | {"times": 1}))
    assert its.settle()[0] == {"delivered": 1, "sent_again": 1, "undecided": 0}
    its.assert_settled(report)


@each_form
@pytest.mark.parametrize("fault", [LOST, CUT])
def test_a_note_of_any_length_is_settled(make, sandbox, fault, form):
    its, report = run_with(make, sandbox, ("x" * 200_000, "y"), form, (fault | {"times": 1},))
    assert its.settle()[0]["undecided"] == 0
    its.assert_settled(report)
