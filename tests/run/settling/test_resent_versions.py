"""Mode `new`: records of one key that a person resends from the quarantine."""

import pytest

from support.cli.new_mode_project import HOLD


@pytest.fixture
def refused(new_mode, url):
    """A project whose key `a` was refused with the content `one`, and the id of its entry."""

    def project(kind="task", more=HOLD):
        its = new_mode(url, kind, more)
        its.rows(("a", "one"))
        its.sandbox.fault(status=422, path=its.path, method="POST", times=1)
        its.run(quarantined=1)
        return its, its.quarantine()["quarantined", "one"]

    return project


def refuse(its, containing, times=1):
    its.sandbox.fault(status=422, path=its.path, method="POST", containing=containing, times=times)


def both_in_quarantine(its):
    """`one` is quarantined, `two` waits: nothing of the key has arrived."""
    its.run(unchanged=1, waiting=1)
    refuse(its, "one")
    its.shell.text(f"quarantine resend {its.quarantine()['unknown', 'one']}", code=1)
    assert set(its.quarantine()) == {("quarantined", "one"), ("waiting", "two")}


@pytest.mark.parametrize("kind", ["task", "note"])
def test_an_edited_record_that_is_refused_again_keeps_its_entry(refused, kind):
    its, entry = refused(kind)
    its.shell.text(f"quarantine edit {entry} --set name=edited")
    refuse(its, "edited")
    its.shell.text(f"quarantine resend {entry}", code=1)
    assert its.quarantine() == {("quarantined", "edited"): entry}
    its.runs_as_planned(quarantined=1)
    its.shell.text("quarantine resend --all")
    assert its.names() == ["edited"]
    assert its.quarantine() == {}


def test_an_edited_record_that_penstock_refuses_keeps_its_entry(refused):
    its, entry = refused()
    its.shell.text(f"quarantine edit {entry} --set name=")
    its.shell.text(f"quarantine resend {entry}", code=1)
    assert its.quarantine() == {("quarantined", ""): entry}
    its.shell.text(f"quarantine edit {entry} --set name=edited")
    its.shell.text("quarantine resend --all")
    assert its.names() == ["edited"]


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not there"])
def test_an_edited_record_whose_answer_is_lost_keeps_its_entry(refused, arrives):
    its, entry = refused()
    its.shell.text(f"quarantine edit {entry} --set name=edited")
    its.lose(arrives=arrives, containing="edited")
    its.shell.text(f"quarantine resend {entry}", code=1)
    assert its.quarantine() == {("unknown", "edited"): entry}
    its.runs_as_planned(unknown=1)
    assert its.settle() == ((1, 0, 0) if arrives else (0, 1, 0))
    assert its.quarantine() == {}
    assert its.names() == ["edited"]


def test_an_edited_record_that_waits_keeps_its_entry(unknown):
    its = unknown()
    its.run(unchanged=1, waiting=1)
    waits = its.quarantine()["waiting", "two"]
    its.shell.text(f"quarantine edit {waits} --set name=edited")
    its.shell.text(f"quarantine resend {waits}", code=1)
    found = its.quarantine()
    assert set(found) == {("unknown", "one"), ("waiting", "edited")}
    assert found["waiting", "edited"] == waits
    assert its.names() == ["one", "other"]


def test_one_resend_sends_one_content_of_a_key(unknown):
    its = unknown(arrives=False)
    both_in_quarantine(its)
    waits = its.quarantine()["waiting", "two"]
    said = its.shell.text("quarantine resend --all", code=1)
    assert its.names() == ["one", "other"], said
    assert its.quarantine() == {("waiting", "two"): waits}
    assert "another record of its key" in its.shell.json(f"quarantine show {waits}")["reason"]
    its.runs_as_planned(unchanged=1, quarantined=1)


def test_one_resend_sends_one_content_of_a_key_also_if_it_is_refused(unknown):
    its = unknown(arrives=False)
    both_in_quarantine(its)
    refuse(its, "one")
    its.shell.text("quarantine resend --all", code=1)
    assert its.names() == ["other"]
    assert set(its.quarantine()) == {("quarantined", "one"), ("waiting", "two")}
    its.runs_as_planned(unchanged=1, delivered=1)
    assert its.names() == ["other", "two"]
    assert its.quarantine() == {}


def test_with_ignore_a_resent_record_is_not_deleted_beside_the_unknown_one(unknown):
    its = unknown()
    its.run(unchanged=1, waiting=1)
    waits = its.quarantine()["waiting", "two"]
    its.settings(f"{HOLD}, on_changed: ignore")
    for edit in (None, f"quarantine edit {waits} --set name=edited"):
        if edit is not None:
            its.shell.text(edit)
        its.shell.text(f"quarantine resend {waits}", code=1)
        found = its.quarantine()
        assert set(found) == {("unknown", "one"), ("waiting", "two" if edit is None else "edited")}
        assert waits in found.values()
    assert its.names() == ["one", "other"]
