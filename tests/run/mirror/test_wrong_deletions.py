"""What a mirror must not delete, though its key left the dataset; and what it must not leave deleted."""

import sqlite3
from contextlib import closing

import pytest

DELETE = "on_delete: delete, mirror_max_share: 1"
MARK = "on_delete: {set: {churned: true}}, mirror_max_share: 1"
PERSON = "template: upsert_person, fields: {user_id: user, email: mail, name: name}"
USER = PERSON.replace("email: mail, ", "")


def person(key, user=None, mail=None, name="N"):
    return {"id": key, "user": user, "mail": mail, "name": name}


def actions(document):
    return {note["action"]: note["count"] for note in document["notes"]}


@pytest.mark.parametrize(
    ("left", "present"),
    [
        (person("b", mail="x@x.org"), person("c", "u1", "x@x.org")),
        (person("b", mail="x@x.org"), person("c", mail="X@x.org")),
        (person("b", "u1", "x@x.org"), person("c", mail="x@x.org")),
        (person("b", "u1", "x@x.org"), person("c", "u2", "x@x.org")),
    ],
    ids=["named by user_id now", "other case", "named by e-mail now", "other user_id"],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_a_person_who_is_there_under_another_identity_is_not_deleted(its, left, present, at_once):
    others = [person("a", "u9", "y@x.org")]
    its.add("it", PERSON, [*others, left, *([present] if at_once else [])], more=DELETE)
    its.run()
    its.rows("it", [*others, present])
    assert its.plan()["deletes"] == 0
    report = its.run()
    assert (report["deleted"], actions(report)) == (0, {"moved": 1})
    assert its.paths("DELETE") == []
    assert its.plan()["deletes"] == its.run()["deleted"] == 0


def test_identities_of_another_account_name_nothing_in_this_one(its, sandbox):
    its.add("it", USER, [person(key, f"u{key}") for key in "123"], more=DELETE)
    its.run()
    its.credential = "other"
    its.rows("it", [person("1", "u1"), person("2", "u2", name="new")])
    its.write()
    assert its.plan()["deletes"] == 0
    report = its.run()
    assert (report["deleted"], actions(report)) == (0, {"no identity": 1})
    its.rows("it", [person("4", "u4")])
    report = its.run()
    assert its.deleted_in(report["run"]) == ["2"], "only what was delivered to this account"
    assert its.has("people", "user_id") == ["u1", "u3", "u4"]


@pytest.mark.parametrize("mail", [None, "no address"])
def test_the_object_of_a_refused_record_under_a_new_key_is_not_deleted_and_others_are(its, mail):
    its.add("it", PERSON, [person(key, f"u{key}") for key in "1234"], more=DELETE)
    its.run()
    refused = person("9", "u3", mail, name="x" * 300 if mail is None else "N")
    its.rows("it", [person("1", "u1"), person("2", "u2"), refused])
    assert its.plan()["delete_keys"] == ["4"]
    report = its.run(code=1)
    assert (report["deleted"], actions(report)["refused"]) == (1, 1)
    assert its.has("people", "user_id") == ["u1", "u2", "u3"]
    its.rows("it", [person("1", "u1"), person("2", "u2")])
    assert its.deleted_in(its.run()["run"]) == ["3"], "the record has left too"


@pytest.mark.parametrize("key", ["2", "9"], ids=["of a delivered key", "of a new key"])
def test_a_refused_record_whose_id_cannot_be_read_may_be_the_object_of_any_key_that_left(its, key):
    its.add("it", USER, [person(key, f"u{key}") for key in "123"], more=DELETE)
    its.run()
    its.rows("it", [person("1", "u1"), *([person("2", "u2")] if key == "9" else []), person(key, "u" * 300)])
    assert its.plan()["delete_keys"] == ["3"]
    report = its.run(code=1)
    assert (report["deleted"], report["status"]) == (0, "partial")
    assert "may be objects of keys that left" in report["reason"]
    assert its.has("people", "user_id") == ["u1", "u2", "u3"]
    approved = its.shell.json(f"run it --allow-deletes {report['deletes_hash']}", 1)
    assert approved["deleted"] == 1


@pytest.mark.parametrize("now", ["delete", "{set: {status: left}}"])
def test_a_mark_that_was_set_before_on_delete_was_changed_is_taken_back(its, now):
    both = [person(key, f"u{key}") for key in "12"]
    its.add("it", USER, both, more="on_delete: {set: {churned: true, until: 2026}}, mirror_max_share: 1")
    its.run()
    its.rows("it", both[:1])
    assert its.run()["deleted"] == 1
    its.add("it", USER, both, more=f"on_delete: {now}, mirror_max_share: 1")
    assert its.run()["records"]["delivered"] == 1
    [back] = [each for each in its.sandbox.state()["people"] if each["user_id"] == "u2"]
    assert {name: value for name, value in back["custom_attributes"].items() if value is not None} == {"id": "2"}
    assert its.run()["requests"] == 0


def test_an_unknown_or_discarded_record_under_a_new_key_keeps_its_object(its, sandbox):
    its.add("it", f"{USER}, batch: off, on_unknown: hold", [person(key, f"u{key}") for key in "12"], more=DELETE)
    its.run()
    sandbox.fault(cut="after", method="POST")
    its.rows("it", [person("1", "u1"), person("9", "u2", name="new")])
    report = its.run(code=1)
    assert (report["deleted"], report["records"]["unknown"]) == (0, 1)
    sandbox.clear_faults()
    [entry] = its.shell.json("quarantine list")
    its.shell.text(f"quarantine discard {entry['id']} --reason gone")
    assert its.run()["deleted"] == 0
    assert its.has("people", "user_id") == ["u1", "u2"]


def test_what_another_mirror_has_delivered_is_not_deleted_until_it_left_both(its):
    for name in ("it", "too"):
        its.add(name, USER, [person(key, f"u{key}") for key in "12"], more=DELETE)
        its.run(name)
    its.rows("it", [person("1", "u1")])
    assert its.plan()["deletes"] == 0
    report = its.run()
    assert (report["deleted"], actions(report)) == (0, {"shared": 1})
    its.rows("too", [person("1", "u1")])
    assert its.run("too")["deleted"] == 1
    assert its.has("people", "user_id") == ["u1"]


@pytest.mark.parametrize(("mark", "then"), [(False, DELETE), (True, MARK), (True, DELETE)])
def test_a_record_that_returns_after_a_deletion_whose_end_was_not_recorded_is_sent_again(its, mark, then):
    on_delete = MARK if mark else DELETE
    its.concurrency = 1
    both = [person(key, f"u{key}") for key in "12"]
    its.add("it", USER, both, more=on_delete)
    its.run()
    its.rows("it", both[:1])
    its.kill("run it", method="POST" if mark else "DELETE", commit=True)
    its.add("it", USER, both, more=then)
    assert its.plan()["creates_or_updates"] == 1
    report = its.run()
    assert (report["records"]["delivered"], report["deleted"]) == (1, 0)
    assert its.has("people", "user_id") == ["u1", "u2"]
    [back] = [each for each in its.sandbox.state()["people"] if each["user_id"] == "u2"]
    assert not back.get("custom_attributes", {}).get("churned")
    assert its.run()["requests"] == 0


def test_a_job_that_a_killed_run_left_names_an_object_that_is_there(its, sandbox):
    its.concurrency = 1
    its.add("it", USER, [person(key, f"u{key}") for key in "12"], more=DELETE)
    its.run()
    sandbox.settings(job_delay=1)
    its.rows("it", [person("1", "u1"), *(person(f"n{key}", f"u{key}") for key in "23456")])
    its.kill("run it", method="GET")
    report = its.run()
    assert (report["deleted"], report["status"]) == (0, "succeeded")
    assert its.has("people", "user_id") == ["u1", "u2", "u3", "u4", "u5", "u6"]


def test_a_mirror_of_a_database_deletes_what_left_a_query(its):
    path = its.shell.folder / "data.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("create table people (id text, user text, name text)")
        conn.executemany("insert into people values (?, ?, 'N')", [(key, f"u{key}") for key in "123"])
    its.sources["it"] = f'{{type: sql, url: "sqlite:///{path}", table: people}}'
    its.add("it", USER, [], more="on_delete: delete")
    its.run()
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("delete from people where id = '2'")
    withheld = its.run(code=1)
    assert (withheld["deleted"], withheld["status"]) == (0, "partial")
    approved = its.shell.json(f"run it --allow-deletes {withheld['deletes_hash']}")
    assert (approved["deleted"], approved["status"]) == (1, "succeeded")
    assert its.has("people", "user_id") == ["u1", "u3"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_mark_that_was_decided_and_not_carried_out_is_no_approval_to_delete(its, request, monkeypatch, database):
    if database == "postgresql":
        monkeypatch.setenv("PENSTOCK_DATABASE_URL", request.getfixturevalue("postgres"))
    its.concurrency = 1
    every = [person(key, f"u{key}") for key in "12345"]
    its.add("it", USER, every, more=MARK)
    its.run()
    its.rows("it", every[:1])
    its.kill("run it", method="POST", commit=True)
    its.change("it", f"{USER}, mode: mirror, on_delete: delete")
    assert its.plan()["deletes_hash"]
    report = its.run(code=1)
    assert (report["status"], report["deleted"], its.paths("DELETE")) == ("partial", 0, [])
    its.change("it", f"{USER}, mode: mirror, on_delete: {{set: {{churned: false}}}}")
    assert its.run(code=1)["deleted"] == 0, "another mark than was decided"
    its.change("it", f"{USER}, mode: mirror, on_delete: {{set: {{churned: true}}}}")
    report = its.run()
    assert (report["status"], report["deleted"]) == ("succeeded", 4)
    assert its.has("people", "user_id") == ["u1", "u2", "u3", "u4", "u5"]


@pytest.mark.parametrize("refused_by", ["penstock", "api", "killed run"])
def test_a_refused_record_of_a_delivered_key_keeps_the_object_whose_id_it_has(its, sandbox, refused_by):
    its.concurrency = 1
    its.add("it", f"{USER}, batch: off", [person(key, f"u{key}") for key in "1234"], more=DELETE)
    its.run()
    sandbox.fault(status=422, method="POST", containing="refused")
    its.rows(
        "it", [person("1", "u3", name="refused" if refused_by == "api" else "x" * 300), person("2", "u2", name="new")]
    )
    if refused_by == "killed run":
        its.kill("run it", method="POST", commit=True)
    assert its.plan()["delete_keys"] == ["4"]
    first, again = its.run(code=1), its.run(code=1)
    assert [first["deleted"], again["deleted"]] == [1, 0]
    assert actions(first)["refused"] == actions(again)["refused"] == 1
    assert its.has("people", "user_id") == ["u1", "u2", "u3"]
    its.rows("it", [person("1", "u1"), person("2", "u2", name="new")])
    assert its.deleted_in(its.run()["run"]) == ["3"]


def test_a_key_that_left_is_not_forgotten_when_the_record_that_took_its_object_was_refused(its, sandbox):
    stay = [person(key, f"u{key}") for key in "12"]
    its.add("it", f"{USER}, batch: off", [*stay, person("3", "u3")], more=DELETE)
    its.run()
    sandbox.fault(status=422, method="POST", containing="refused")
    its.rows("it", [*stay, person("9", "u3", name="refused")])
    report = its.run(code=1)
    assert (report["deleted"], actions(report)["refused"]) == (0, 1)
    its.rows("it", stay)
    assert its.deleted_in(its.run()["run"]) == ["3"]


def test_a_refused_value_beside_the_id_leaves_the_id_readable(its):
    its.add("it", USER, [{**person(key, f"u{key}"), "age": 1} for key in "123"], more=DELETE)
    its.run()
    its.rows("it", [{**person("1", "u1"), "age": "x"}, {**person("9", "u2"), "age": "x"}])
    report = its.run(code=1)
    assert report["records"]["quarantined"] == 2
    assert its.deleted_in(report["run"]) == ["3"]
