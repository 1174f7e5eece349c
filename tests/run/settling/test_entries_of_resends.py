"""A record that is resent from the quarantine keeps its entry until it is delivered, whatever became of the request."""

import pytest
from sqlalchemy import create_engine, text

from support.cli.new_mode_project import HOLD, MOMENTS, REQUEST, TASK, killed

READ = "settle: {url: '/task?externalId={record.id}', found: '$.tasks[0].id'}"
MODES = {
    "new": f"{TASK}, mode: new",
    "all": f"{TASK}, mode: all",
    "changed": REQUEST.replace("mode: new", "mode: changed").replace("url: /task", f"url: /task, {READ}"),
}
EDITS = {"as it is": "", "other content": "--set name=edited", "other key": "--set id=b"}
FAULTS = ("refused", "arrived", "not there", *MOMENTS[:2])

each_mode = pytest.mark.parametrize("mode", MODES)
each_edit = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
each_fault = pytest.mark.parametrize("fault", FAULTS)


@pytest.fixture
def refused(new_mode, sqlite):
    """Makes a project whose key `a` was refused in this mode and is edited then; with the id of its entry."""

    def project(mode, edit, *rows):
        its = new_mode(sqlite, "task", HOLD)
        its.what = MODES[mode]
        its.settings(HOLD)
        its.rows(("a", "one"), *rows)
        its.sandbox.fault(status=422, path=its.path, method="POST", containing="one", times=1)
        its.shell.text("run it", code=1)
        [entry] = its.quarantine().values()
        if edit:
            its.shell.text(f"quarantine edit {entry} {edit}")
        return its, entry

    return project


@pytest.fixture
def lost(new_mode, sqlite):
    """A project in mode `all` that has no answer for `one`, which did not arrive."""
    its = new_mode(sqlite, "task", HOLD)
    its.what = MODES["all"]
    its.settings(HOLD)
    its.rows(("a", "one"))
    its.lose(arrives=False)
    its.shell.text("run it", code=1)
    return its


def fail(its, fault, command):
    """The request of this command fails so."""
    if fault in MOMENTS:
        killed(its, fault, *command.split())
        its.settle()  # another run comes
        return
    if fault == "refused":
        its.sandbox.fault(status=422, path=its.path, method="POST", times=1)
    else:
        its.sandbox.fault(cut="after" if fault == "arrived" else "before", path=its.path, method="POST", times=1)
    its.shell.text(command, code=1)


@each_fault
@each_edit
@each_mode
def test_a_record_that_is_resent_keeps_its_entry_and_arrives_once(refused, mode, edit, fault):
    its, entry = refused(mode, edit)
    name = "edited" if "edited" in edit else "one"
    fail(its, fault, f"quarantine resend {entry}")
    if its.quarantine():
        assert its.quarantine() == {("quarantined" if fault == "refused" else "unknown", name): entry}
        its.settle()
    if its.quarantine():  # settle leaves it to a person whether what they edited arrived before the process died
        how = "settle {} --delivered" if its.names() else "resend {}"
        its.shell.text(f"quarantine {how.format(entry)}")
    assert its.quarantine() == {}
    assert its.names() == [name]
    if edit or mode != "all":
        its.shell.text("run it")
        assert its.names() == [name], "the version of the source was sent beside the edited one"
        assert its.quarantine() == {}


def test_a_record_whose_missing_key_was_added_keeps_its_entry_and_arrives_once(new_mode, sqlite):
    its = new_mode(sqlite, "task", HOLD)
    its.what = f"{TASK}, mode: all"
    its.settings(HOLD)
    its.rows(("", "one"), ("a", "two"))
    its.shell.text("run it", code=1)
    [entry] = its.quarantine().values()
    its.shell.text(f"quarantine edit {entry} --set id=b")
    its.sandbox.fault(cut="after", path=its.path, method="POST", times=1)
    its.shell.text(f"quarantine resend {entry}", code=1)
    assert its.quarantine() == {("unknown", "one"): entry}
    assert its.settle() == (1, 0, 0)
    its.rows(("", "one"))
    report = its.shell.json("run it")
    assert report["records"]["unchanged"] == 1, "the version of the source was quarantined again"
    assert its.names() == ["one", "two"]


def test_a_record_that_an_edit_has_given_the_key_of_another_replaces_no_other(refused):
    its, entry = refused("all", "--set id=b")
    its.rows(("b", "two"))
    its.sandbox.fault(status=422, path=its.path, method="POST", containing="two", times=1)
    its.shell.text("run it", code=1)
    its.sandbox.fault(cut="after", path=its.path, method="POST", containing="one", times=1)
    its.shell.text(f"quarantine resend {entry}", code=1)
    its.settle()
    assert its.quarantine().keys() == {("quarantined", "two")}
    its.shell.text("quarantine resend --all")
    assert its.names() == ["one", "two"]


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not there"])
@each_mode
def test_a_run_that_settles_a_record_that_was_fixed_does_not_send_the_version_of_the_source(refused, mode, arrives):
    its, entry = refused(mode, EDITS["other content"])
    its.sandbox.fault(cut="after" if arrives else "before", path=its.path, method="POST", times=1)
    its.shell.text(f"quarantine resend {entry}", code=1)
    its.settings("on_unknown: settle")
    its.shell.text("run it")
    assert its.names() == ["edited"]
    assert its.quarantine() == {}


@pytest.mark.parametrize("mode", ["all", "new"])
def test_an_edited_unknown_record_whose_resend_sends_nothing_is_left_to_a_person(new_mode, sqlite, mode):
    its = new_mode(sqlite, "task", HOLD)
    its.what = MODES[mode]
    its.settings(HOLD)
    its.rows(("a", "one"))
    its.lose(arrives=True)
    its.shell.text("run it", code=1)
    [entry] = its.quarantine().values()
    its.shell.text(f"quarantine edit {entry} --set name=edited")
    its.sandbox.fault(status=401, path=its.path, method="POST", times=1)
    its.shell.text(f"quarantine resend {entry}", code=3)
    assert its.settle() == (0, 0, 1), "the old request was read back, and the edited record was lost"
    assert its.quarantine() == {("unknown", "edited"): entry}


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not there"])
def test_a_record_that_is_not_stored_does_not_count_as_fixed(new_mode, sqlite, arrives):
    its = new_mode(sqlite, "task", HOLD)
    its.what = MODES["all"]
    its.settings("on_unknown: settle")
    its.rows(("a", "one"))
    killed(its, "between reply and verdict" if arrives else "before the bytes leave", "run", "it")
    its.rows(("a", "one"), ("b", "two"))
    its.run(**({"unchanged": 1, "delivered": 1} if arrives else {"delivered": 2}))
    assert its.names() == ["one", "two"], "what had arrived was sent again"
    assert its.quarantine() == {}


def test_a_record_that_nobody_edited_does_not_count_as_fixed_after_a_resend(new_mode, sqlite):
    its = new_mode(sqlite, "task", HOLD)
    its.what = "template: upsert_person, attributes: none, fields: {user_id: id, name: prio}"
    its.settings(HOLD)
    its.rows(("b", "other", "1.5"))
    its.shell.text("run it")
    its.rows(("a", "one", "1.50"))
    its.shell.text("run it", code=1)
    [entry] = its.quarantine().values()
    before = its.shell.json(f"quarantine show {entry}")["record"]
    its.shell.text(f"quarantine resend {entry}", code=1)
    assert its.shell.json(f"quarantine show {entry}")["record"] == before
    changed = (its.folder / "penstock.yaml").read_text().replace("key: id", "key: id, types: {prio: text}")
    (its.folder / "penstock.yaml").write_text(changed, encoding="utf-8")
    its.shell.text(f"quarantine resend {entry}")
    its.shell.text("run it")
    people = its.sandbox.state()["people"]
    assert {each["user_id"]: each.get("name") for each in people} == {"u1": None, "b": "1.5", "a": "1.50"}


@pytest.mark.parametrize("next_one", ["delivered", "refused"])
@pytest.mark.parametrize("way", ["lost", "killed"])
def test_a_later_version_of_the_key_does_not_replace_one_that_may_have_arrived(refused, way, next_one):
    its, entry = refused("all", "")
    if way == "killed":
        killed(its, MOMENTS[0], "quarantine", "resend", entry)
    else:
        its.sandbox.fault(cut="before", path=its.path, method="POST", times=1)
        its.shell.text(f"quarantine resend {entry}", code=1)
    its.rows(("a", "two"))
    if next_one == "refused":
        its.sandbox.fault(status=422, path=its.path, method="POST", times=1)
    its.shell.text("run it", code=1 if next_one == "refused" else 0)
    assert its.quarantine()["unknown", "one"] == entry
    assert len(its.quarantine()) == (2 if next_one == "refused" else 1)


def test_a_refused_resend_of_a_record_that_may_have_arrived_leaves_one_entry(lost):
    for command, more in (("quarantine resend --all", HOLD), ("run it", f"{HOLD}, exclude: [seen]")):
        lost.settings(more)
        lost.sandbox.fault(status=422, path=lost.path, method="POST", times=1)
        lost.shell.text(command, code=1)
    lost.shell.text("quarantine resend --all")
    assert lost.names() == ["one"]


@pytest.mark.parametrize("how", ["settle", "resend"])
def test_an_older_version_that_is_sent_again_leaves_a_newer_one_in_quarantine(lost, how):
    [older] = lost.quarantine().values()
    lost.rows(("a", "two"))
    lost.sandbox.fault(status=422, path=lost.path, method="POST", times=1)
    lost.shell.text("run it", code=1)
    if how == "settle":
        assert lost.settle() == (0, 1, 0)
    else:
        lost.shell.text(f"quarantine resend {older}")
    assert set(lost.quarantine()) == {("quarantined", "two")}
    lost.shell.text("quarantine resend --all")
    assert lost.names() == ["one", "two"]


@pytest.mark.parametrize("mode", ["all", "new"])
def test_what_a_person_fixed_is_not_replaced_before_it_is_sent_again(refused, sqlite, mode):
    its, entry = refused(mode, EDITS["other content"])
    its.sandbox.fault(cut="before", path=its.path, method="POST", times=1)
    its.shell.text(f"quarantine resend {entry}", code=1)
    with create_engine(sqlite).begin() as connection:  # a settle run that was stopped before it sent anything
        connection.execute(text("update quarantine set mark = 'absent'"))
    its.shell.text("run it", code=1)
    assert its.quarantine() == {("unknown", "edited"): entry}
    its.settle()
    assert its.names() == ["edited"]


def test_a_resend_that_sends_nothing_leaves_a_record_unknown(new_mode, sqlite):
    its = new_mode(sqlite, "task", HOLD)
    its.rows(("a", "one"), ("b", "two"))
    its.lose(containing="one")
    its.lose(containing="two")
    its.run(unknown=2)
    entry = its.quarantine()["unknown", "one"]
    its.shell.text(f"quarantine edit {entry} --set id=b")
    its.shell.text(f"quarantine resend {entry}", code=1)
    assert its.quarantine()["unknown", "one"] == entry
    its.run(unknown=2)
    assert its.names() == ["one", "two"]
