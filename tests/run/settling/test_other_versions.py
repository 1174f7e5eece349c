"""Mode `new`: another version of a key is not sent while it is not known whether the first one arrived."""

import pytest
from sqlalchemy import create_engine, text

from penstock.run.preparation import start
from support.cli.new_mode_project import DECIDED_LATER, HOLD, KINDS, MOMENTS, killed


@pytest.mark.parametrize("kind", KINDS)
def test_other_content_is_not_sent_while_it_is_unknown_whether_the_key_arrived(unknown, kind):
    its = unknown(kind)
    for _ in range(2):
        its.runs_as_planned(unchanged=1, waiting=1)
        assert its.names() == ["one", "other"]
        assert set(its.quarantine()) == {("unknown", "one"), ("waiting", "two")}
    entry = its.shell.json(f"quarantine show {its.quarantine()['waiting', 'two']}")
    assert "may already be sent with other content" in entry["reason"]
    assert DECIDED_LATER in entry["accepted"]
    assert ("penstock settle it" in entry["accepted"]) is (kind in ("task", "note")), "where it can be read back"


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not there"])
def test_after_it_is_settled_the_other_content_is_quarantined(unknown, arrives):
    its = unknown(arrives=arrives)
    its.run(unchanged=1, waiting=1)
    assert its.settle() == ((1, 0, 0) if arrives else (0, 1, 0))
    assert set(its.quarantine()) == {("waiting", "two")}
    its.runs_as_planned(unchanged=1, quarantined=1)
    assert set(its.quarantine()) == {("quarantined", "two")}
    [entry] = its.shell.json("quarantine list")
    assert entry["reason"].startswith("key already sent with other content")
    assert its.names() == ["one", "other"]


def test_after_a_person_has_seen_that_it_arrived_the_other_content_is_quarantined(unknown):
    its = unknown()
    its.run(unchanged=1, waiting=1)
    its.shell.text(f"quarantine settle {its.quarantine()['unknown', 'one']} --delivered")
    its.runs_as_planned(unchanged=1, quarantined=1)
    assert set(its.quarantine()) == {("quarantined", "two")}


def test_after_a_person_has_discarded_the_unknown_record_the_other_content_is_sent(unknown):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    its.shell.text(f"quarantine discard {its.quarantine()['unknown', 'one']} --reason gone")
    its.runs_as_planned(unchanged=1, delivered=1)
    assert its.names() == ["other", "two"]
    assert its.quarantine() == {}
    its.runs_as_planned(unchanged=2)


def test_what_is_not_there_is_replaced_by_the_other_content_where_nothing_was_sent_again(unknown):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    its.settings("on_unknown: settle")
    its.run(unchanged=1, delivered=1)
    assert its.names() == ["other", "two"]
    assert its.quarantine() == {}


def test_what_is_not_there_is_not_sent_after_its_replacement_was_lost(unknown):
    its = unknown(arrives=False)
    its.settings("on_unknown: settle")
    its.sandbox.fault(cut="after", path="/task", method="POST", containing="two", times=1)
    its.sandbox.fault(status=400, path="/task", method="GET", after=1)
    its.run(unchanged=1, unknown=1)
    assert its.names() == ["other", "two"]
    assert set(its.quarantine()) == {("unknown", "two")}


def test_with_ignore_the_other_content_is_unchanged(unknown):
    its = unknown(more=f"{HOLD}, on_changed: ignore")
    its.runs_as_planned(unchanged=2)
    assert set(its.quarantine()) == {("unknown", "one")}
    assert its.settle() == (1, 0, 0)
    its.runs_as_planned(unchanged=2)
    assert its.names() == ["one", "other"]


def test_a_record_that_waited_leaves_the_quarantine_when_changes_are_ignored(unknown):
    its = unknown()
    its.run(unchanged=1, waiting=1)
    its.settings(f"{HOLD}, on_changed: ignore")
    its.runs_as_planned(unchanged=2)
    assert set(its.quarantine()) == {("unknown", "one")}


def test_the_newest_content_that_waits_replaces_the_older_one_and_never_the_unknown_record(unknown):
    its = unknown()
    its.run(unchanged=1, waiting=1)
    its.rows(("a", "three"), ("b", "other"))
    its.runs_as_planned(unchanged=1, waiting=1)
    assert set(its.quarantine()) == {("unknown", "one"), ("waiting", "three")}
    its.rows(("a", ""), ("b", "other"))
    its.runs_as_planned(unchanged=1, quarantined=1)
    assert set(its.quarantine()) == {("unknown", "one"), ("quarantined", None)}, "what is invalid does not replace it"
    its.rows(("a", "one"), ("b", "other"))
    its.runs_as_planned(unchanged=1, unknown=1)
    assert its.settle() == (1, 0, 0)
    its.runs_as_planned(unchanged=2)
    assert its.names() == ["one", "other"]


def test_the_same_content_of_another_record_is_unknown_too(unknown):
    its = unknown()
    its.rows(("a", "one", "high"), ("b", "other"))
    its.runs_as_planned(unchanged=1, unknown=1)
    assert set(its.quarantine()) == {("unknown", "one")}
    assert its.settle() == (1, 0, 0)
    its.runs_as_planned(unchanged=2)
    assert its.names() == ["one", "other"]


def test_both_records_of_a_key_have_an_outcome_in_each_run(unknown):
    its = unknown()
    its.rows(("a", "one"), ("a", "two"), ("a", "three"))
    its.runs_as_planned(unknown=1, waiting=2)
    assert set(its.quarantine()) == {("unknown", "one"), ("waiting", "three")}
    assert its.settle() == (1, 0, 0)
    its.run(unchanged=1, quarantined=2)
    assert its.names() == ["one", "other"]


def test_resending_everything_does_not_send_the_other_content(unknown):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    waits = its.quarantine()["waiting", "two"]
    its.shell.text(f"quarantine resend {waits}", code=1)
    assert its.names() == ["other"]
    assert set(its.quarantine()) == {("unknown", "one"), ("waiting", "two")}
    its.shell.text("quarantine resend --all", code=1)
    assert its.names() == ["one", "other"]
    assert its.quarantine() == {("waiting", "two"): waits}
    its.runs_as_planned(unchanged=1, quarantined=1)


def test_an_edited_unknown_record_is_resent_beside_the_other_content(unknown):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    entry = its.quarantine()["unknown", "one"]
    its.shell.text(f"quarantine edit {entry} --set name=edited")
    its.shell.text(f"quarantine resend {entry}")
    assert its.names() == ["edited", "other"]
    its.runs_as_planned(unchanged=1, quarantined=1)


def test_a_refused_resend_of_the_unknown_record_leaves_the_other_content_in_quarantine(unknown):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    its.sandbox.fault(status=422, path="/task", method="POST", times=1)
    its.shell.text(f"quarantine resend {its.quarantine()['unknown', 'one']}", code=1)
    assert set(its.quarantine()) == {("quarantined", "one"), ("waiting", "two")}


@pytest.mark.parametrize("chunk", [1, 100], ids=["another chunk", "the same chunk"])
@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not there"])
@pytest.mark.parametrize("concurrency", [1, 10])
def test_of_two_contents_in_one_run_only_the_first_is_sent(new_mode, url, monkeypatch, chunk, arrives, concurrency):
    monkeypatch.setattr(start, "CHUNK_ROWS", chunk)
    its = new_mode(url, more=f"{HOLD}, concurrency: {concurrency}")
    rows = [("a", "one"), *((f"k{number}", f"other {number}") for number in range(8)), ("a", "two")]
    its.rows(*rows)
    its.lose(arrives=arrives)
    report = its.shell.json("run it", code=1)["records"]
    assert (report["read"], report["delivered"], report["unknown"]) == (10, 8, 1)
    assert report["quarantined"] + report["waiting"] == 1, "in flight: quarantined; lost before: it waits"
    outcomes = {outcome for outcome, name in its.quarantine() if name == "two"}
    assert len(outcomes) == 1
    assert set(its.quarantine()) == {("unknown", "one"), *((outcome, "two") for outcome in outcomes)}
    its.runs_as_planned(unchanged=8, unknown=1, **dict.fromkeys(outcomes, 1))
    assert its.settle() == ((1, 0, 0) if arrives else (0, 1, 0))
    assert set(its.quarantine()) == {(outcome, "two") for outcome in outcomes}
    its.runs_as_planned(unchanged=9, quarantined=1)
    assert [name for name in its.names() if "other" not in name] == ["one"]


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not there"])
def test_a_run_that_settles_at_its_end_keeps_the_record_that_waited(new_mode, url, monkeypatch, arrives):
    monkeypatch.setattr(start, "CHUNK_ROWS", 1)
    its = new_mode(url, more="concurrency: 1")
    its.rows(("a", "one"), *((f"k{number}", f"other {number}") for number in range(8)), ("a", "two"))
    its.lose(arrives=arrives)
    its.run(delivered=9, waiting=1)
    assert set(its.quarantine()) == {("waiting", "two")}
    its.runs_as_planned(unchanged=9, quarantined=1)
    assert set(its.quarantine()) == {("quarantined", "two")}
    assert [name for name in its.names() if "other" not in name] == ["one"]


def test_in_flat_the_other_content_waits_until_a_person_decides(new_mode, url, sandbox):
    its = new_mode(url)
    its.base = sandbox.flat_url
    its.settings("on_unknown: settle")
    its.rows(("a", "one"))
    its.lose()
    its.run(unknown=1)
    its.rows(("a", "two"))
    its.runs_as_planned(waiting=1)
    its.runs_as_planned(waiting=1)
    assert its.names() == ["one"]
    found = its.quarantine()
    assert set(found) == {("unknown", "one"), ("waiting", "two")}
    shown = its.shell.json(f"quarantine show {found['waiting', 'two']}")
    assert DECIDED_LATER in shown["accepted"]
    its.shell.text(f"quarantine settle {found['unknown', 'one']} --delivered")
    its.runs_as_planned(quarantined=1)


def test_the_text_of_a_run_says_what_the_waiting_record_waits_for(unknown):
    its = unknown()
    said = its.shell.text("run it", code=1)
    assert "quarantine list shows what they wait for" in " ".join(said.split())
    assert "may already be sent with other content" in its.shell.text("quarantine list")


def test_an_unknown_record_of_an_earlier_release_stays_beside_the_other_content(unknown, url):
    """What was sent of it is not stored."""
    its = unknown()
    with create_engine(url).begin() as connection:
        connection.execute(text("update quarantine set content = null"))
    its.runs_as_planned(unchanged=1, waiting=1)
    assert set(its.quarantine()) == {("unknown", "one"), ("waiting", "two")}


@pytest.mark.parametrize("moment", MOMENTS)
def test_of_two_contents_in_a_run_that_is_killed_only_the_first_is_sent(new_mode, url, moment):
    its = new_mode(url)
    its.rows(("a", "one"), ("a", "two"))
    killed(its, moment, "run", "it")
    report = its.shell.json("run it", code=1)["records"]
    assert (report["read"], report["unknown"], report["quarantined"] + report["waiting"]) == (2, 1, 1)
    assert {name for _, name in its.quarantine()} == {"one", "two"}
    assert sum(its.settle()) == 1
    its.runs_as_planned(unchanged=1, quarantined=1)
    assert its.names() == ["one"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_resend_that_is_killed_leaves_both_contents_in_quarantine(unknown, moment):
    its = unknown(arrives=False)
    its.run(unchanged=1, waiting=1)
    killed(its, moment, "quarantine", "resend", "--all")
    its.runs_as_planned(unchanged=1, waiting=1)
    assert set(its.quarantine()) == {("unknown", "one"), ("waiting", "two")}
    delivered, sent_again, undecided = its.settle()
    assert (delivered + sent_again, undecided) == (1, 0)
    its.runs_as_planned(unchanged=1, quarantined=1)
    assert its.names() == ["one", "other"]


FLOW = """
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  companies: {{source: file, key: id}}
  people: {{source: file, key: person}}
destinations:
  companies:
    dataset: companies
    credential: sandbox
    template: upsert_company
    mode: new
    on_unknown: hold
    batch: off
    fields: {{company_id: id, name: name}}
    attributes: none
    active: true
  people:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: person, company_id: id}}
    attributes: none
    active: true
flows:
  all: {{destinations: [companies, people]}}
"""


def test_a_person_does_not_wait_for_a_company_whose_key_may_be_sent(new_mode, url, sandbox):
    its = new_mode(url)
    (its.folder / "penstock.yaml").write_text(FLOW.format(base=sandbox.url), encoding="utf-8")
    its.rows(("c1", "one"))
    sandbox.fault(cut="after", path="/company", method="POST")
    its.shell.json("run companies", code=1)
    sandbox.clear_faults()
    its.rows(("c1", "two"))
    companies, people = (part["records"] for part in its.shell.json("run all", code=1)["destinations"])
    assert (companies["waiting"], people["delivered"]) == (1, 1)
    companies, people = (part["records"] for part in its.shell.json("run all", code=1)["destinations"])
    assert (companies["waiting"], people["unchanged"]) == (1, 1)
    assert [each["name"] for each in sandbox.state()["companies"] if each["company_id"] == "c1"] == ["one"]
