"""Mode `new`: records of one key that a person resends from the quarantine.

On SQLite: `test_quarantined_versions.py` has the statements on both databases, `test_other_versions.py` whole runs.
"""

import pytest
from sqlalchemy import create_engine, text

from support.cli.new_mode_project import HOLD, MOMENTS, killed


@pytest.fixture
def url(sqlite):
    return sqlite


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


@pytest.fixture
def delivered(new_mode, url):
    """A project whose key `a` is delivered with `one`; `two` is in quarantine, and the source has `one` again."""
    its = new_mode(url, "note", HOLD)
    its.rows(("a", "one"))
    its.run(delivered=1)
    its.rows(("a", "two"))
    its.run(quarantined=1)
    its.rows(("a", "one"))
    return its


@pytest.mark.parametrize("fault", ["refused", "arrived", "not there", *MOMENTS])
def test_a_key_that_was_delivered_stays_so_if_a_resend_of_other_content_fails(delivered, fault):
    its, [entry] = delivered, delivered.quarantine().values()
    resend = f"quarantine resend {entry}"
    if fault in MOMENTS:
        killed(its, fault, *resend.split())
    elif fault == "refused":
        refuse(its, "two")
        its.shell.text(resend, code=1)
    else:
        its.lose(arrives=fault == "arrived", containing="two")
        its.shell.text(resend, code=1)
    its.run(unchanged=1)
    assert its.names().count("one") == 1


def test_content_of_a_delivered_key_that_is_not_there_is_quarantined_again(delivered):
    its, [entry] = delivered, delivered.quarantine().values()
    its.lose(arrives=False, containing="two")
    its.shell.text(f"quarantine resend {entry}", code=1)
    its.settle()
    assert its.names() == ["one"]
    assert its.quarantine() == {("quarantined", "two"): entry}
    assert its.shell.json(f"quarantine show {entry}")["reason"].startswith("key already sent with other content")


@pytest.mark.parametrize("on_changed", ["quarantine", "ignore"])
def test_a_record_that_is_not_there_does_not_stay_unknown_after_another_was_resent(unknown, url, on_changed):
    its = unknown("note", arrives=False)
    its.run(unchanged=1, waiting=1)
    found = its.quarantine()
    with create_engine(url).begin() as connection:  # a settle run that was stopped before it sent anything
        connection.execute(text("update quarantine set mark = 'absent' where outcome = 'unknown'"))
    its.shell.text(f"quarantine resend {found['waiting', 'two']}")
    assert its.names() == ["other", "two"]
    its.settings(f"{HOLD}, on_changed: {on_changed}")
    its.settle()
    assert its.quarantine() == ({} if on_changed == "ignore" else {("quarantined", "one"): found["unknown", "one"]})
    its.runs_as_planned(unchanged=2)
    assert its.quarantine() == {}
    assert its.names() == ["other", "two"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_resend_of_an_edited_unknown_record_does_not_put_what_waits_in_doubt(unknown, moment):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    entry = its.quarantine()["unknown", "one"]
    its.shell.text(f"quarantine edit {entry} --set name=edited")
    killed(its, moment, "quarantine", "resend", entry)
    its.runs_as_planned(unchanged=1, waiting=1)
    assert set(its.quarantine()) == {("unknown", "edited"), ("waiting", "two")}
    assert its.settle() == (0, 0, 1), "a person decides what they edited"
    its.shell.text(f"quarantine settle {entry} --delivered")
    its.runs_as_planned(unchanged=1, quarantined=1)


def test_a_record_that_is_refused_leaves_a_later_one_of_its_key_in_quarantine(new_mode, url):
    its = new_mode(url)
    its.rows(("a", "one"), ("b", "other"), ("a", "two"))
    refuse(its, "one")
    its.run(delivered=1, quarantined=2)
    assert set(its.quarantine()) == {("quarantined", "one"), ("quarantined", "two")}
    its.runs_as_planned(unchanged=1, quarantined=2)


@pytest.fixture
def batch(new_mode, url, sandbox):
    """People, sent as batches, whose jobs refuse a person with an unknown company."""
    its = new_mode(url)
    its.what = (
        "template: upsert_person, mode: new, fields: {user_id: id, name: name, company_id: company}, attributes: none"
    )
    its.settings(HOLD)
    sandbox.settings(unknown_company="error")
    return its


def test_a_key_that_the_job_of_a_batch_refuses_is_not_known_as_sent(batch):
    batch.rows(("a", "one"), ("b", "other"), company="nowhere")
    batch.run(quarantined=2)
    batch.rows(("a", "two"), ("b", "other"))
    batch.run(delivered=2)


def test_a_key_that_was_delivered_stays_so_if_the_job_of_a_batch_refuses_other_content(batch):
    batch.rows(("a", "one"), ("b", "other"))
    batch.run(delivered=2)
    batch.rows(("a", "two"), ("b", "new"), company="nowhere")
    batch.run(quarantined=2)
    batch.shell.text("quarantine resend --all", code=1)
    batch.rows(("a", "one"), ("b", "other"))
    batch.run(unchanged=2)
