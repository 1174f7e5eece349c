"""`if_unchanged: true`: a field is sent only where Custify still has what was delivered last."""

import sqlite3
from contextlib import suppress

import pytest

from support.deadline import until
from support.servers.job_server import good, job_server, pending

COMPANY = "template: upsert_company, attributes: none, fields: {company_id: id, name: name, plan: {column: plan, if_unchanged: true}}"
PERSON = "template: upsert_person, attributes: none, fields: {user_id: id, email: mail, plan: {column: plan, if_unchanged: true}}"
SUBSCRIPTION = (
    "template: upsert_subscription, attributes: none, external_id: id, "
    "fields: {company_id: company, mrr: {column: mrr, if_unchanged: true}}"
)
NOT_SENT = {
    "field": "plan",
    "count": 1,
    "action": "not sent",
    "reason": "Custify has another value than was delivered last",
}


def company(key, plan, name="N"):
    return {"id": key, "name": name, "plan": plan}


def plans(its):
    return {key: each.get("plan") for key, each in its.stored("companies", "company_id").items()}


def notes(report):
    return [note for note in report["notes"] if note["action"] == "not sent"]


def run_as_planned(its, code=0):
    planned = its.shell.json("plan it")["requests"]
    report = its.run(code)
    assert report["requests"] == planned
    return report


@pytest.mark.parametrize("batch", ["on", "off"])
def test_a_value_that_was_changed_in_custify_stays_and_the_rest_is_sent(its, batch):
    its.write(f"{COMPANY}, batch: {batch}", company("c1", "free"), company("c2", "free"), company("c3", "free"))
    run_as_planned(its)
    its.call("POST /company", {"company_id": "c1", "plan": "by a person"})
    its.write_rows(company("c1", "pro", "New"), company("c2", "pro"), company("c3", "free"))
    report = run_as_planned(its)
    assert (report["records"]["delivered"], notes(report)) == (2, [NOT_SENT])
    assert plans(its) == {"c1": "by a person", "c2": "pro", "c3": "free"}
    assert its.stored("companies", "company_id")["c1"]["name"] == "New"
    report = its.run()
    assert (report["records"]["unchanged"], report["requests"]) == (3, 0)
    its.write_rows(company("c1", "max", "New"), company("c2", "max"), company("c3", "max"))
    assert notes(run_as_planned(its)) == [NOT_SENT]
    assert plans(its) == {"c1": "by a person", "c2": "max", "c3": "max"}
    assert its.reconcile() == {"same": 3}, "what is left to Custify is no drift"


def test_a_field_that_was_never_delivered_is_sent_only_where_custify_has_no_value(its):
    for key, plan in (("c1", "theirs"), ("c2", None)):
        its.call("POST /company", {"company_id": key, "plan": plan})
    its.write(COMPANY, company("c1", "ours"), company("c2", "ours"), company("c3", "ours"))
    report = run_as_planned(its)
    assert notes(report) == [NOT_SENT | {"reason": "it was never delivered, and Custify has a value"}]
    assert plans(its) == {"c1": "theirs", "c2": "ours", "c3": "ours"}


def test_people_are_found_by_each_of_their_ids_and_attributes_are_compared(its):
    its.call("POST /people", {"email": "one@example.com", "custom_attributes": {"plan": "theirs"}})
    rows = [{"id": f"u{n}", "mail": f"{word}@example.com", "plan": "ours"} for n, word in enumerate(("one", "two"))]
    its.write(PERSON, *rows)
    report = run_as_planned(its)
    assert [note["count"] for note in notes(report)] == [1]
    found = {each["user_id"]: each["custom_attributes"].get("plan") for each in its.sandbox.state()["people"]}
    assert found == {"u0": "theirs", "u1": "ours"}


def test_more_than_200_records_are_read_as_a_list(its):
    its.write(COMPANY, *(company(f"c{n}", "free") for n in range(201)))
    run_as_planned(its)
    its.call("POST /company", {"company_id": "c7", "plan": "by a person"})
    its.write_rows(*(company(f"c{n}", "pro") for n in range(201)))

    def reads():
        return [each["path"] for each in its.sandbox.requests() if each["method"] == "GET"]

    before = len(reads())
    report = run_as_planned(its)
    assert [path for path in reads()[before:] if path.startswith("/company")] == ["/company/all"] * 2
    assert [note["count"] for note in notes(report)] == [1]
    assert {key for key, plan in plans(its).items() if plan != "pro"} == {"c7"}


def test_what_a_list_that_changed_meanwhile_does_not_show_is_read_by_itself(its, monkeypatch):
    from penstock.delivery.reader import ObjectReader

    pages = ObjectReader.pages

    async def with_gap(self, before):
        async for page in pages(self, before):
            listed = tuple(each for each in page.objects if each["company_id"] != "c1")
            yield page._replace(objects=listed, state=page.state._replace(gap="changed"))

    monkeypatch.setattr(ObjectReader, "pages", with_gap)
    monkeypatch.setattr("penstock.run.reconcile.unchanged_fields.MOST_SINGLE", 2)
    its.call("POST /company", {"company_id": "c1", "plan": "theirs"})
    its.call("POST /company", {"company_id": "c2", "plan": "theirs"})
    its.write(COMPANY, *(company(f"c{n}", "ours") for n in range(4)))
    report = its.run()
    assert plans(its) == {"c0": "ours", "c1": "theirs", "c2": "theirs", "c3": "ours"}
    assert [note["count"] for note in notes(report)] == [2]
    reads = [each["path"] for each in its.sandbox.requests() if each["method"] == "GET"]
    assert len([path for path in reads if path == "/company"]) == 3, "of each that the list does not have"


@pytest.mark.parametrize("moment", ["end of the run", "next run", "person"])
def test_what_a_read_back_or_a_person_finds_delivered_counts_as_delivered(its, sandbox, moment):
    its.write(SUBSCRIPTION, *({"id": key, "company": "c1", "mrr": 10} for key in ("s1", "s2")))
    sandbox.fault(cut="after", path="/financial/subscription", method="POST", containing='"s1"')
    if moment != "end of the run":
        sandbox.fault(status=503, path="/financial/subscription", method="GET", after=2)  # those before the sends pass
    its.run(0 if moment == "end of the run" else 1)
    sandbox.clear_faults()
    if moment == "person":
        (entry,) = its.shell.json("quarantine list")
        its.shell.text(f"quarantine settle {entry['id']} --delivered")
    elif moment == "next run":
        its.run()
    its.write_rows(*({"id": key, "company": "c1", "mrr": 20} for key in ("s1", "s2")))
    assert notes(its.run()) == []
    assert {key: each["mrr"] for key, each in its.stored("subscriptions", "externalId").items()} == {"s1": 20, "s2": 20}


def test_what_an_unknown_record_may_have_changed_counts_as_sent(its, sandbox):
    its.write(f"{SUBSCRIPTION}, on_unknown: hold", {"id": "s1", "company": "c1", "mrr": 10})
    its.run()
    sandbox.fault(cut="after", path="/financial/subscription", method="POST")
    its.write_rows({"id": "s1", "company": "c1", "mrr": 20})
    assert its.run(1)["records"]["unknown"] == 1
    sandbox.clear_faults()
    its.write_rows({"id": "s1", "company": "c1", "mrr": 30})
    assert notes(its.run()) == []
    assert its.stored("subscriptions", "externalId")["s1"]["mrr"] == 30


def test_a_fix_leaves_the_field_as_it_is_in_custify(its):
    its.write(COMPANY, company("c1", "free"))
    its.run()
    its.call("POST /company", {"company_id": "c1", "plan": "by a person", "name": "X"})
    assert its.fix()["differs"] == [{"key": "c1", "field": "name", "ours": "N", "theirs": "X"}]
    assert (plans(its), its.reconcile()) == ({"c1": "by a person"}, {"same": 1})


def test_what_cannot_be_read_ends_the_run_and_nothing_is_sent(its, sandbox):
    its.write(COMPANY, company("c1", "free"))
    sandbox.fault(status=403, method="GET", path="/company")
    report = its.run(3)
    assert (report["status"], report["records"]["unsent"], plans(its)) == ("failed", 1, {})
    sandbox.clear_faults()
    assert its.run()["records"]["delivered"] == 1


@pytest.mark.parametrize(
    ("how", "path", "code"),
    [
        (COMPANY.replace("id, name", "id, name"), "destinations.it.fields.plan.if_unchanged", "no-reads"),
        (
            COMPANY.replace("company_id: id", "company_id: {column: id, if_unchanged: true}"),
            "destinations.it.fields.company_id.if_unchanged",
            "if-unchanged",
        ),
        (
            "template: create_task, fields: {name: {column: name, if_unchanged: true}}",
            "destinations.it.fields.name.if_unchanged",
            "if-unchanged",
        ),
    ],
    ids=["flat", "identifies", "sent once"],
)
def test_where_it_does_not_apply_is_an_error_of_the_settings(its, sandbox, how, path, code):
    its.write(how, company("c1", "free"), base=sandbox.flat_url if code == "no-reads" else None)
    [problem] = its.shell.json("plan it", 2)["errors"]
    assert (problem["path"], problem["code"]) == (path, code)
    assert code != "no-reads" or "native" in problem["hint"]


def test_a_job_that_another_process_confirms_counts_as_delivered(its):
    its.write(f"{COMPANY}, batch: on", company("c1", "free"), company("c2", "free"))
    its.sandbox.settings(job_delay=600)
    process = its.shell.start("run", "it", "--json")
    until(lambda: has_pending_job(its.shell.folder))
    process.kill()
    process.communicate()
    its.sandbox.settings(job_delay=0)
    its.sandbox.advance(601)
    assert its.run()["status"] == "succeeded"
    assert len([each for each in its.sandbox.requests() if each["path"] == "/batch"]) == 1
    its.call("POST /company", {"company_id": "c2", "plan": "by a person"})
    its.write_rows(company("c1", "pro"), company("c2", "pro"))
    assert notes(its.run()) == [NOT_SENT]
    assert plans(its) == {"c1": "pro", "c2": "by a person"}


def first_failed(_number, jobs):
    return {"status": "failed", "results": [{"index": n, "status": "success"} for n in range(1, len(jobs))]}


@pytest.mark.parametrize("end", [lambda *_: {"status": "failed"}, first_failed], ids=["failed", "failed in part"])
def test_what_is_sent_again_of_a_job_that_another_run_left_is_compared_again(its, end):
    ends = {2: pending}  # by number of the job
    with job_server(lambda number, jobs: ends.get(number, good)(number, jobs)) as server:
        its.write(
            f"{COMPANY}, batch: on, confirm_timeout: 0", company("c1", "free"), company("c2", "free"), base=server.url
        )
        its.run()
        server.companies = [{"id": key, "company_id": key, "plan": "free"} for key in ("c1", "c2")]
        its.write_rows(company("c1", "pro"), company("c2", "pro"))
        assert its.run()["records"]["accepted"] == 2
        server.companies[0]["plan"] = "by a person"
        ends[2] = end
        assert notes(its.run()) == [NOT_SENT]
        first = {job["payload"]["company_id"]: job["payload"].get("plan") for job in server.posted[2]}
        assert first == ({"c1": None, "c2": "pro"} if end is not first_failed else {"c1": None})
        its.write_rows(company("c1", "max"), company("c2", "free"))
        server.companies[1]["plan"] = "pro"
        assert notes(its.run()) == [NOT_SENT]
        assert [job["payload"].get("plan") for job in server.posted[3]] == [None, "free"]


def test_each_of_several_versions_that_are_pending_counts_as_sent(its):
    """Two runs leave a job for one company each; Custify has executed the older one only."""
    ends = {2: pending, 3: pending}
    with job_server(lambda number, jobs: ends.get(number, good)(number, jobs)) as server:
        its.write(f"{COMPANY}, batch: on, confirm_timeout: 0", company("c1", "free"), base=server.url)
        its.run()
        server.companies = [{"id": "c1", "company_id": "c1", "plan": "free"}]
        for plan in ("pro", "max"):
            its.write_rows(company("c1", plan))
            assert its.run()["records"]["accepted"] == 1
        server.companies[0]["plan"] = "pro"
        its.write_rows(company("c1", "top"))
        ends[4] = pending
        assert notes(its.run()) == []
        server.companies[0]["plan"] = "top"
        ends.clear()
        its.write_rows(company("c1", "free"))
        assert notes(its.run()) == []
        assert server.posted[-1][0]["payload"]["plan"] == "free"


def has_pending_job(folder):
    with suppress(sqlite3.OperationalError), sqlite3.connect(folder / ".penstock" / "state.db") as db:
        return db.execute("select count(*) from jobs").fetchone()[0]
    return 0
