"""A mirror deletes what it delivered and what a complete read of its dataset no longer has, and nothing else."""

import json

import pytest

from penstock.store.database import Database
from penstock.store.project import resources

DELETE = "on_delete: delete, mirror_max_share: 1"
PERSON = "template: upsert_person, fields: {user_id: id, name: name}"
COMPANY = "template: upsert_company, fields: {company_id: id, name: name}"
DEAL = "template: upsert_deal, fields: {company_id: company, name: name}, attributes: none"
SUBSCRIPTION = "template: upsert_subscription, fields: {company_id: company, plan: name}, attributes: none"
INVOICE = "template: upsert_invoice, fields: {company_id: company, status: name}, attributes: none"
OBJECT = "template: upsert_custom_object, fields: {type: {value: asset}, company_id: company}, attributes: [name]"


def rows(*keys, **more):
    return [{"id": key, "name": f"N {key}", **more} for key in keys]


def outcomes(report):
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


@pytest.mark.parametrize(
    ("how", "kind", "by"),
    [
        (PERSON, "people", "user_id"),
        (PERSON.replace("user_id: id", "email: id"), "people", "email"),
        (COMPANY, "companies", "company_id"),
        (DEAL, "deals", "externalId"),
        (SUBSCRIPTION, "subscriptions", "externalId"),
        (INVOICE, "invoices", "externalId"),
        (OBJECT, "custom_data", "data_id"),
        (OBJECT + ", batch: off", "custom_data", "data_id"),
        ("template: send_batch, object: person, fields: {user_id: id, name: name}", "people", "user_id"),
    ],
    ids=["person", "e-mail", "company", "deal", "subscription", "invoice", "custom object", "single", "batch"],
)
def test_what_left_is_deleted_and_the_rest_stays(its, sandbox, how, kind, by):
    sandbox.call("POST /company", '{"company_id": "acme"}')
    sandbox.call("POST /people", '{"user_id": "other", "email": "other@x.org"}')
    keys = ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]
    others = its.has(kind, by)
    its.add("it", how, rows(*keys, company="acme"), more=DELETE)
    assert outcomes(its.run()) == {"delivered": 4}
    assert its.has(kind, by) == sorted([*others, *keys])
    its.rows("it", rows("b@x.org", "d@x.org", "e@x.org", company="acme"))
    plan = its.plan()
    assert (plan["deletes"], plan["delete_keys"]) == (2, ["a@x.org", "c@x.org"])
    assert plan["deletes_hash"]
    report = its.run()
    assert (outcomes(report), report["deleted"], report["status"]) == ({"delivered": 1, "unchanged": 2}, 2, "succeeded")
    assert its.deleted_in(report["run"]) == plan["delete_keys"]
    assert report["requests"] == plan["requests"]
    assert its.has(kind, by) == sorted([*others, "b@x.org", "d@x.org", "e@x.org"])
    again = its.run()
    assert (outcomes(again), again["deleted"], again["requests"]) == ({"unchanged": 3}, 0, 0)
    its.rows("it", rows(*keys, "e@x.org", company="acme"))
    assert outcomes(its.run()) == {"delivered": 2, "unchanged": 3}
    assert its.has(kind, by) == sorted([*others, *keys, "e@x.org"])
    assert its.plan()["deletes"] == 0


def test_a_key_under_which_nobody_else_s_object_lives_is_not_touched(its, sandbox):
    """The keys of the dataset were changed: the objects are there under new keys."""
    its.add(
        "it",
        PERSON.replace("user_id: id", "user_id: person"),
        rows("1", person="u1") + rows("2", person="u2"),
        more=DELETE,
    )
    its.run()
    its.rows("it", rows("7", person="u1"))
    plan = its.plan()
    assert plan["delete_keys"] == ["2"]
    report = its.run()
    assert (report["deleted"], its.deleted_in(report["run"])) == (1, ["2"])
    assert its.has("people", "user_id") == ["u1"]
    assert [note["count"] for note in report["notes"] if note["action"] == "moved"] == [1]
    assert its.run()["notes"] == its.plan()["notes"] == []


def test_deleting_people_says_that_their_events_are_deleted_too(its):
    its.add("it", PERSON, rows("1", "2"), more=DELETE)
    its.run()
    its.rows("it", rows("1"))
    for document in (its.plan(), its.run()):
        assert [note["action"] for note in document["notes"]] == ["deleted too"]
        assert "events" in document["notes"][0]["reason"]


def test_identities_are_learned_after_a_switch_and_what_left_before_stays(its):
    its.add("it", PERSON, rows("1", "2", "3", "4"), mode="changed")
    its.run()
    its.destinations["it"] = f"{PERSON}, mode: mirror, {DELETE}"
    its.write()
    its.rows("it", rows("2", "3", "4"))
    plan = its.plan()
    assert (plan["deletes"], plan["creates_or_updates"]) == (0, 0)
    assert [(note["action"], note["count"]) for note in plan["notes"]] == [("no identity", 1)]
    assert its.run()["requests"] == 0
    its.rows("it", rows("2", "4"))
    assert its.plan()["delete_keys"] == ["3"]
    assert its.run()["deleted"] == 1
    assert its.has("people", "user_id") == ["1", "2", "4"]


BROKEN = '{"id": "1", "name": "N 1"}\n{"id": "2", "na'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", 1),
        (BROKEN, None),
        ('{"id": "1", "name": "N 1"}\n{"name": "without a key"}\n', 1),
        ('{"id": "1", "name": "N 1"}\nnot json\n', None),
    ],
    ids=["empty", "cut", "without a key", "unreadable"],
)
def test_a_read_that_may_lack_records_deletes_nothing(its, content, code):
    its.add("it", PERSON, rows("1", "2", "3"), more=DELETE)
    its.run()
    (its.shell.folder / "it.ndjson").write_text(content)
    ended = its.shell.start("run", "it", "--json")
    out, err = ended.communicate()
    assert ended.returncode == code or (code is None and ended.returncode in (1, 2)), out + err
    assert its.has("people", "user_id") == ["1", "2", "3"]
    assert its.paths("DELETE") == []
    if content == "":
        assert "partial" in out
    its.rows("it", rows("1", "3"))
    assert its.run()["deleted"] == 1


def test_a_record_in_quarantine_has_not_left(its):
    its.add("it", PERSON, rows("1", "2"), more=DELETE)
    its.run()
    its.rows("it", [{"id": "1", "name": "x" * 300}])
    report = its.run(code=1)
    assert (outcomes(report), its.deleted_in(report["run"])) == ({"quarantined": 1}, ["2"])
    assert its.has("people", "user_id") == ["1"]


def test_a_key_of_which_a_version_is_unknown_is_not_deleted(its, sandbox):
    its.add("it", PERSON + ", batch: off, on_unknown: hold", rows("1", "2"), more=DELETE)
    its.run()
    sandbox.fault(cut="after", method="POST")
    its.rows("it", [{"id": "1", "name": "new"}, *rows("2")])
    assert outcomes(its.run(code=1)) == {"unknown": 1, "unchanged": 1}
    sandbox.clear_faults()
    its.rows("it", rows("2"))
    assert its.plan()["deletes"] == its.run()["deleted"] == 0
    assert its.has("people", "user_id") == ["1", "2"]
    [entry] = its.shell.json("quarantine list")
    its.shell.text(f"quarantine discard {entry['id']} --reason gone")
    assert its.run()["deleted"] == 1


def test_a_deletion_that_fails_is_tried_again_by_the_next_run(its, sandbox):
    its.add("it", PERSON, rows("1", "2", "3"), more=DELETE)
    its.run()
    its.rows("it", rows("1"))
    sandbox.fault(status=400, method="DELETE", times=1)
    report = its.run(code=1)
    assert (report["status"], report["deleted"]) == ("partial", 1)
    assert "next run" in report["reason"]
    again = its.run()
    assert (again["status"], again["deleted"]) == ("succeeded", 1)
    assert its.has("people", "user_id") == ["1"]


def test_a_retried_delete_and_one_of_what_is_not_there_are_done(its, sandbox):
    its.add("it", PERSON, rows("1", "2", "3"), more=DELETE)
    its.run()
    sandbox.call("DELETE /people?user_id=2")
    its.rows("it", rows("1"))
    sandbox.fault(status=503, method="DELETE", times=1)
    report = its.run()
    assert (report["deleted"], report["retries"]) == (2, 1)
    assert sorted(its.deleted_in(report["run"])) == ["2", "3"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_stops_deletions(its, sandbox, status):
    its.concurrency = 1
    its.add("it", PERSON, rows("1", "2", "3"), more=DELETE)
    its.run()
    its.rows("it", rows("1"))
    sandbox.fault(status=status, method="DELETE")
    report = its.run(code=3)
    assert (report["status"], report["deleted"]) == ("failed", 0)
    sandbox.clear_faults()
    assert its.run()["deleted"] == 2


# ── the share, and approvals ─────────────────────────────────────────────────


def test_beyond_the_share_nothing_is_deleted_until_exactly_that_is_approved_once(its):
    its.add("it", PERSON, rows(*map(str, range(10, 30))), more="on_delete: delete")
    its.run()
    its.rows("it", rows(*map(str, range(11, 30))))  # 1 of 20 is 0.05
    assert its.run()["deleted"] == 1
    its.rows("it", rows(*map(str, range(13, 30))))  # 2 of 19 are more
    plan, report = its.plan(), its.run(code=1)
    assert (report["status"], report["deleted"]) == ("partial", 0)
    assert report["deletes_hash"] == plan["deletes_hash"] == its.plan()["deletes_hash"]
    assert plan["delete_keys"] == ["11", "12"]
    assert report["requests"] == plan["requests"] == 0
    assert [note["action"] for note in plan["notes"]] == ["deleted too", "not deleted"]
    assert [note["action"] for note in report["notes"]] == ["not deleted"], "nothing was deleted, so nothing too"
    its.rows("it", rows(*map(str, range(14, 30)), "new"))
    wrong = plan["deletes_hash"]
    error = its.shell.json(f"run it --allow-deletes {wrong}", 2)["errors"][0]
    assert (error["code"], error["found"]) == ("wrong-hash", wrong)
    assert len(its.has("people", "user_id")) == 19
    right = its.plan()["deletes_hash"]
    approved = its.shell.json(f"run it --allow-deletes {right}")
    assert (approved["deleted"], approved["status"]) == (3, "succeeded")
    assert sorted(its.deleted_in(approved["run"])) == ["11", "12", "13"]
    assert its.shell.json(f"run it --allow-deletes {right}", 2)["errors"][0]["code"] == "used-hash"
    its.rows("it", rows(*map(str, range(11, 30)), "new"))
    its.run()
    its.rows("it", rows(*map(str, range(14, 30)), "new"))
    assert its.plan()["delete_keys"] == ["11", "12", "13"]
    assert its.plan()["deletes_hash"] != right, "the same set has another hash after each use"
    assert its.shell.json(f"run it --allow-deletes {right}", 2)["errors"][0]["code"] == "used-hash"


# ── marks ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dialect", ["native", "flat"])
@pytest.mark.parametrize(("how", "kind"), [(COMPANY, "companies"), (PERSON, "people")])
def test_a_mark_is_set_once_and_taken_back_when_the_record_returns(its, sandbox, dialect, how, kind):
    its.base = sandbox.url if dialect == "native" else sandbox.flat_url
    mark = "on_delete: {set: {churned: true, name: gone, plan: none}}, mirror_max_share: 1"
    its.add("it", how, rows("1", "2"), more=mark)
    its.run()
    its.rows("it", rows("1"))
    assert its.plan()["delete_keys"] == ["2"]
    report = its.run()
    assert (report["deleted"], outcomes(report)) == (1, {"unchanged": 1})
    by = "company_id" if kind == "companies" else "user_id"
    assert its.has(kind, by) == ["1", "2"]
    [marked] = [each for each in sandbox.state()[kind] if each[by] == "2"]
    assert marked["name"] == "gone"
    assert "true" in json.dumps(marked).lower()
    again = its.run()
    assert (again["deleted"], again["requests"], its.plan()["deletes"]) == (0, 0, 0)
    its.rows("it", rows("1", "2"))
    assert outcomes(its.run()) == {"delivered": 1, "unchanged": 1}
    [back] = [each for each in sandbox.state()[kind] if each[by] == "2"]
    assert back["name"] == "N 2"
    found = {**back, **back.get("custom_attributes", {})}
    assert not found.get("churned")
    assert found.get("plan") is None
    assert outcomes(its.run()) == {"unchanged": 2}
    its.rows("it", rows("1"))
    assert its.run()["deleted"] == 1


# ── flows ────────────────────────────────────────────────────────────────────


def test_in_a_flow_children_are_deleted_before_parents_and_after_all_sends(its):
    its.add("deals", DEAL, rows("d1", "d2", company="c1"), more=DELETE)
    its.add(
        "people",
        PERSON.replace("name: name", "company_id: company") + ", attributes: none",
        rows("p1", "p2", company="c1"),
        more=DELETE,
    )
    its.add("companies", COMPANY, rows("c1", "c2"), more=DELETE)
    its.run("all")
    its.rows("deals", rows("d1", "d3", company="c1"))
    its.rows("people", rows("p1", "p3", company="c1"))
    its.rows("companies", rows("c1", "c3"))
    plan = its.plan("all")
    assert (plan["deletes"], plan["delete_keys"]) == (3, ["d2", "p2", "c2"])
    before = len(its.sandbox.requests())
    report = its.run("all")
    assert (report["deleted"], report["status"]) == (3, "succeeded")
    assert [part["deleted"] for part in report["destinations"]] == [1, 1, 1]
    methods = [entry["method"] for entry in its.sandbox.requests()[before:] if entry["method"] != "GET"]
    assert methods == ["POST"] * 3 + ["DELETE"] * 3
    assert its.paths("DELETE") == ["/financial/deal", "/people", "/company"]
    assert its.run("all")["deleted"] == 0


def test_a_hash_of_a_flow_approves_the_deletions_of_its_destinations(its):
    its.add("people", PERSON, rows("p1", "p2"), more="on_delete: delete")
    its.add("companies", COMPANY, rows("c1", "c2"), more="on_delete: delete")
    its.run("all")
    its.rows("people", rows("p1"))
    its.rows("companies", rows("c1"))
    report = its.run("all", code=1)
    assert (report["status"], report["deletes_hash"]) == ("partial", its.plan("all")["deletes_hash"])
    approved = its.shell.json(f"run all --allow-deletes {report['deletes_hash']}")
    assert (approved["deleted"], approved["status"]) == (2, "succeeded")


def test_after_an_error_of_the_children_s_input_no_parent_is_deleted(its):
    its.add("people", PERSON, rows("p1", "p2"), more=DELETE)
    its.add("companies", COMPANY, rows("c1", "c2"), more=DELETE)
    its.run("all")
    its.rows("companies", rows("c1"))
    (its.shell.folder / "people.ndjson").write_text("[]]")
    report = its.run("all", code=2)
    [companies] = [part for part in report["destinations"] if part["destination"] == "companies"]
    assert (companies["status"], companies["deleted"]) == ("partial", 0)
    assert "another part of the flow" in companies["reason"]
    assert its.paths("DELETE") == []


def test_a_limited_run_approves_no_deletions(its):
    its.add("it", PERSON, rows("1"), more=DELETE)
    [error] = its.shell.json("run it --limit 1 --allow-deletes 00", 2)["errors"]
    assert (error["path"], error["code"]) == ("--allow-deletes", "usage")
    assert its.paths("POST") == []


# ── kill -9 ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("commit", [True, False], ids=["after commit", "before commit"])
@pytest.mark.parametrize("after", [0, 2])
def test_the_run_after_a_killed_one_ends_as_if_nothing_had_happened(its, request, monkeypatch, database, commit, after):
    if database == "postgresql":
        monkeypatch.setenv("PENSTOCK_DATABASE_URL", request.getfixturevalue("postgres"))
    its.concurrency = 1
    its.add("it", PERSON, rows(*map(str, range(1, 9))), more="on_delete: delete")
    its.run()
    its.rows("it", rows("1", "2", "9"))
    hash_ = its.plan()["deletes_hash"]
    its.kill(f"run it --allow-deletes {hash_}", after=after, method="DELETE", commit=commit)
    report = its.shell.json(f"run it --allow-deletes {hash_}" if after else "run it")
    assert report["status"] == "succeeded"
    assert (outcomes(report), report["deleted"]) == ({"delivered": 1, "unchanged": 2}, 6)
    assert sorted(its.deleted_in(report["run"])) == ["3", "4", "5", "6", "7", "8"]
    assert its.has("people", "user_id") == ["1", "2", "9"]
    again = its.run()
    assert (again["deleted"], again["requests"]) == (0, 0)


def test_a_run_that_is_killed_while_it_sends_deletes_once_it_has_read_everything(its):
    its.concurrency = 1
    its.add("it", PERSON + ", batch: off", rows(*map(str, range(1, 9))), more=DELETE)
    its.run()
    its.rows("it", [*rows("1", "2"), *({"id": key, "name": "new"} for key in "345")])
    its.kill("run it", method="POST", commit=True, after=1)
    report = its.run()
    assert (report["deleted"], report["status"]) == (3, "succeeded")
    assert its.has("people", "user_id") == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("way", ["activate", "approve"])
def test_a_restored_state_deletes_nothing_until_a_person_confirms(its, way):
    its.add("it", PERSON, rows("1", "2", "3"), more=DELETE)
    its.run()
    state = Database.open(f"sqlite:///{its.shell.folder / '.penstock' / 'state.db'}", its.shell.folder / ".penstock")
    with state.begin() as conn:
        resources.note_restored(conn, resources.Restored("2026-11-01T00:00:00.000Z", "2026-11-02T00:00:00.000Z"))
    state.close()
    its.rows("it", rows("1"))
    for _ in range(2):  # the first run settles the rest of the restore
        report = its.run(code=1)
        assert (report["status"], report["deleted"]) == ("partial", 0)
    assert its.plan()["delete_keys"] == ["2", "3"]
    if way == "activate":
        its.shell.text("activate it")
        assert its.run()["deleted"] == 2
    else:
        assert its.shell.json(f"run it --allow-deletes {report['deletes_hash']}")["deleted"] == 2
