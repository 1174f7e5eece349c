"""Several versions of one record: the result in Custify is as if each was sent after the other, whichever share a request."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from penstock.model.errors import InputError
from support.cli.project import Project, run_penstock
from support.kernel.compiled_destination import chunk_of, compiled, with_json

LAW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
COMPANIES = ("c1", "c2", "c3")
LINK = st.fixed_dictionaries({"company_id": st.sampled_from(COMPANIES)}, optional={"remove": st.booleans()})
NAMES = st.sampled_from(["Ada", "Zoë", ""])
TEXT, NUMBER = st.sampled_from(["x", "y", "ä"]), st.sampled_from([0, 7, 2**31 - 1])


def some(usual, **members):
    """Objects with any of these members, which can be null. Most are about one object, which `usual` names."""
    optional = {name: st.one_of(value, st.none()) for name, value in members.items()}
    others = {name: value for name, value in optional.items() if name not in usual}
    named = st.fixed_dictionaries({name: st.just(value) for name, value in usual.items()}, optional=others)
    return st.one_of(named, named, st.fixed_dictionaries({}, optional=optional))


@dataclass(frozen=True)
class Kind:
    template: str
    paths: dict[str, str]
    fields: dict[str, Any]
    versions: st.SearchStrategy[dict[str, Any]]
    nested: tuple[str, ...] = ()
    kind: str = ""


PERSON = some(
    {"user_id": "u7"},
    user_id=st.sampled_from(["u7", "u8"]),
    email=st.sampled_from(["a@x.example", "b@x.example"]),
    name=NAMES,
    plan=TEXT,
    company_id=st.sampled_from(COMPANIES),
    seats=NUMBER,
)
LINKED = some(
    {"user_id": "u7"},
    user_id=st.just("u7"),
    email=st.sampled_from(["a@x.example", "b@x.example"]),
    name=NAMES,
    plan=TEXT,
    companies=st.lists(LINK, max_size=3),
    cleared=st.lists(st.sampled_from(["name", "custom_attributes.plan", "custom_attributes.seats"]), unique=True),
    seats=NUMBER,
)
COMPANY = some(
    {"company_id": "c7"},
    company_id=st.sampled_from(["c7", "c8"]),
    name=NAMES,
    size=NUMBER,
    parents=st.lists(LINK, max_size=2),
    tier=TEXT,
    seats=NUMBER,
)
OWNED = {"company_id": st.sampled_from(COMPANIES)}
SUBSCRIPTION = some(
    {"ext": "s1", "company_id": "c1"},
    ext=st.sampled_from(["s1", "s2"]),
    plan=TEXT,
    mrr=NUMBER,
    status=TEXT,
    extra=TEXT,
    **OWNED,
)
DEAL = some(
    {"ext": "d1", "company_id": "c1"}, ext=st.sampled_from(["d1", "d2"]), name=NAMES, value=NUMBER, stage=TEXT, **OWNED
)
OBJECT = some(
    {"type": "machine", "data_id": "m1", "company_id": "c1"},
    type=st.just("machine"),
    data_id=st.sampled_from(["m1", "m2"]),
    power=NUMBER,
    colour=TEXT,
    **OWNED,
)
PEOPLE = {"user_id": "user_id", "email": "email", "name": "name", "plan": "plan", "company_id": "company_id"}
KINDS = {
    "person": Kind("upsert_person", {"native": "/people", "flat": "/api/people"}, PEOPLE, PERSON, kind="people"),
    "linked person": Kind(
        "upsert_person",
        {"native": "/people"},
        {"user_id": "user_id", "email": "email", "name": "name", "companies": "companies", "$unset": "cleared"},
        LINKED,
        ("companies", "cleared"),
        kind="people",
    ),
    "company": Kind(
        "upsert_company",
        {"native": "/company", "flat": "/api/company"},
        {"company_id": "company_id", "name": "name", "size": "size", "parent_companies": "parents"},
        COMPANY,
        ("parents",),
        kind="companies",
    ),
    "subscription": Kind(
        "upsert_subscription",
        {"native": "/financial/subscription", "flat": "/api/subscription"},
        {"company_id": "company_id", "plan": "plan", "mrr": "mrr", "status": "status", "external_id": "ext"},
        SUBSCRIPTION,
        kind="subscriptions",
    ),
    "deal": Kind(
        "upsert_deal",
        {"native": "/financial/deal", "flat": "/api/deal"},
        {"company_id": "company_id", "name": "name", "value": "value", "stage": "stage", "external_id": "ext"},
        DEAL,
        kind="deals",
    ),
    "custom object": Kind(
        "upsert_custom_object",
        {"native": "/custom_data/companies", "flat": "/api/custom_object"},
        {"type": "type", "company_id": "company_id", "data_id": "data_id"},
        OBJECT,
        kind="custom_data",
    ),
}
WAYS = [(kind, dialect) for kind, how in KINDS.items() for dialect in how.paths]


def rendered(how, dialect, versions, nulls):
    """The payloads of these versions of one key, and how they merge."""
    names = sorted({name for version in versions for name in version} - set(how.nested)) or ["key"]
    rows = [{"key": "k", **{name: version.get(name) for name in names}} for version in versions]
    every = sorted({*names, *how.nested})
    absent = {n: frozenset(row for row, version in enumerate(versions) if n not in version) for n in every}
    chunk = chunk_of(rows, absent)
    columns = {n: [None if v.get(n) is None else json.dumps(v[n]) for v in versions] for n in how.nested}
    chunk = with_json(chunk, **columns)
    known = chunk.records.schema.names
    fields = {field: column for field, column in how.fields.items() if column in known}
    work = compiled(how.template, dialect, chunk, "key", fields=fields, exclude=("key",), nulls=nulls)
    return work.renderer.render(chunk).payloads, work.merger


def end_of(sandbox, how, dialect, payloads, before):
    """The content of the sandbox after these payloads, without its own ids and times."""
    sandbox.reset()
    for company in COMPANIES:
        assert sandbox.call("POST /company", json.dumps({"company_id": company})).status == 200
    for person in before:
        assert sandbox.call("POST /people", json.dumps(person)).status == 200
    for payload in payloads:
        path = how.paths[dialect]
        if payload.url is not None:
            path = payload.url.removeprefix("https://api.custify.com").removeprefix("https://app.custify.com")
        got = sandbox.call(f"POST {path}", payload.text)
        if got.status != 200:
            return f"{got.status} {got.body!r} to {payload.text!r}"
    state = sandbox.state()
    own = {company["id"]: company["company_id"] for company in state["companies"]}
    return sorted(
        json.dumps({name: plain(value, own) for name, value in thing.items() if name not in {"id", "created_at", "updated_at"}}, sort_keys=True)
        for thing in state[how.kind]
    )  # fmt: skip


def plain(value, own):
    if isinstance(value, list):
        return sorted(plain(item, own) for item in value)
    return own.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("nulls", ["omit", "send"])
@pytest.mark.parametrize(("kind", "dialect"), WAYS, ids=[" ".join(way) for way in WAYS])
def test_the_result_in_custify_is_as_if_each_version_was_sent_after_the_other(sandbox, kind, dialect, nulls):
    how = KINDS[kind]
    sandbox.settings(unknown_company="skip")

    @LAW
    @given(
        versions=st.lists(how.versions, min_size=2, max_size=5),
        before=st.lists(
            st.sampled_from([{"email": "a@x.example"}, {"user_id": "u8", "email": "b@x.example"}]), max_size=2
        ),
    )
    def law(versions, before):
        try:
            payloads, merger = rendered(how, dialect, versions, nulls)
        except InputError:  # a field that no version has cannot be mapped
            reject()
        if len(payloads) < 2 or merger is None:
            return
        merged = merger.merge(payloads)
        assert sorted(n for p in merged for n in p.ordinals) == [p.ordinal for p in payloads]
        one_by_one = end_of(sandbox, how, dialect, payloads, before)
        if isinstance(one_by_one, list):  # otherwise a version is refused alone
            assert end_of(sandbox, how, dialect, merged, before) == one_by_one

    law()


@pytest.fixture
def project(tmp_path, sandbox):
    return Project(tmp_path, sandbox)


def lines(project, *records):
    project.write("rows.ndjson", "".join(json.dumps(record) + "\n" for record in records))


def run(project, *more, code=0, command="run it"):
    ended = run_penstock(project, *command.split(), *more, "--json")
    assert ended.returncode == code, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def counts(report):
    found = {name: number for name, number in report["records"].items() if number}
    assert found.pop("read", 0) == sum(found.values())
    return found


FIELDS = "user_id: user_id, email: email, name: name, plan: plan"
PARTS = (
    {"user_id": "u7", "email": "a@x.example"},
    {"user_id": "u8", "plan": "basic"},
    {"user_id": "u7", "name": "Ada"},
    {"user_id": "u7", "plan": "gold"},
)


def person(project, user_id):
    found = next(each for each in project.sandbox.state()["people"] if each["user_id"] == user_id)
    names = ("email", "name", "phone")
    return {name: found[name] for name in names if name in found} | found["custom_attributes"]


@pytest.mark.parametrize("sql", ["", "select * from source"], ids=["plain", "with sql"])
@pytest.mark.parametrize("dialect", ["native", "flat"])
def test_parts_of_one_record_all_arrive_and_share_an_outcome(project, sandbox, dialect, sql):
    lines(project, *PARTS)
    base = sandbox.flat_url if dialect == "flat" else sandbox.url
    project.destination("rows.ndjson", "upsert_person", FIELDS, base=base, key="user_id")
    if sql:
        whole = (project.folder / "penstock.yaml").read_text(encoding="utf-8")
        project.write("penstock.yaml", whole.replace("key: user_id}", f"key: user_id, sql: {sql}}}"))
    planned = run(project, command="plan it")
    assert (planned["records"], planned["creates_or_updates"]) == (4, 4)
    report = run(project)
    assert counts(report) == {"delivered": 4}
    assert person(project, "u7") == {"email": "a@x.example", "name": "Ada", "plan": "gold"}
    notes = [note for note in report["notes"] if note["action"] == "duplicate_key"]
    assert [(note["count"], "3 records have the key u7" in note["reason"]) for note in notes] == [(3, True)]
    writes = [each for each in sandbox.requests() if each["method"] == "POST"]
    assert len(writes) == (1 if dialect == "native" else 2)
    again = run(project)
    assert (counts(again), again["requests"]) == ({"unchanged": 4}, 0)
    lines(project, *PARTS, {"user_id": "u7", "name": "Eve"})
    assert counts(run(project)) == {"delivered": 4, "unchanged": 1}
    assert person(project, "u7") == {"email": "a@x.example", "name": "Eve", "plan": "gold"}


def test_a_refused_part_is_quarantined_alone_and_stays_until_a_user_decides(project, sandbox):
    parts = [
        {"user_id": "u7", "name": "Ada"},
        {"user_id": "u7", "email": "nobody"},
        {"user_id": "u7", "plan": "gold"},
        {"user_id": "u7", "email": "no address either"},
    ]
    lines(project, *parts)
    project.destination("rows.ndjson", "upsert_person", FIELDS, base=sandbox.url, key="user_id")
    assert counts(run(project, code=1)) == {"delivered": 2, "quarantined": 2}
    in_quarantine = run(project, "list", command="quarantine")
    assert [(entry["key"], entry["field"]) for entry in in_quarantine] == [("u7", "email"), ("u7", "email")]
    again = run(project, code=1)
    assert (counts(again), again["requests"]) == ({"unchanged": 2, "quarantined": 2}, 0)
    lines(project, *parts, {"user_id": "u7", "name": "Eve"})
    assert counts(run(project, code=1)) == {"delivered": 3, "quarantined": 2}, (
        "a newer part says nothing of a refused one"
    )
    first, second = (entry["id"] for entry in run(project, "list", command="quarantine"))
    run(project, "edit", first, "--set", "email=still-wrong", command="quarantine")
    assert counts(run(project, "resend", first, command="quarantine", code=1)) == {"quarantined": 1}
    assert [entry["id"] for entry in run(project, "list", command="quarantine")] == [first, second]
    run(project, "edit", first, "--set", "email=ada@x.example", command="quarantine")
    assert counts(run(project, "resend", first, command="quarantine")) == {"delivered": 1}
    run(project, "discard", second, "--reason", "nonsense", command="quarantine")
    assert person(project, "u7") == {"email": "ada@x.example", "name": "Eve", "plan": "gold"}
    assert run(project, "list", command="quarantine") == []
    assert "quarantined" not in counts(run(project))


def test_refused_parts_are_quarantined_one_by_one_and_resent_in_one_request(project, sandbox):
    lines(project, *PARTS)
    project.destination("rows.ndjson", "upsert_person", FIELDS, base=sandbox.url, key="user_id", more="batch: off")
    sandbox.fault(status=422, path="/people", method="POST")
    assert counts(run(project, code=1)) == {"quarantined": 4}
    assert len(run(project, "list", command="quarantine")) == 4
    assert counts(run(project, code=1)) == {"quarantined": 4}, "still in quarantine"
    sandbox.clear_faults()
    before = len(sandbox.requests())
    assert counts(run(project, "resend", "--all", command="quarantine")) == {"delivered": 4}
    assert len(sandbox.requests()) - before == 2
    assert person(project, "u7") == {"email": "a@x.example", "name": "Ada", "plan": "gold"}
    assert counts(run(project)) == {"unchanged": 4}


def test_two_people_with_one_key_stay_two_people(project, sandbox):
    rows = [{"id": "k", "user_id": "u1", "name": "Ada"}, {"id": "k", "user_id": "u2", "plan": "gold"}]
    lines(project, *rows)
    fields = "user_id: user_id, name: name, plan: plan"
    project.destination("rows.ndjson", "upsert_person", fields, base=sandbox.url)
    assert counts(run(project)) == {"delivered": 2}
    assert (person(project, "u1"), person(project, "u2")) == ({"name": "Ada"}, {"plan": "gold"})
    again = run(project)
    assert (counts(again), again["requests"]) == ({"unchanged": 2}, 0)


def test_of_rows_of_a_table_the_newest_is_sent_and_mode_all_sends_each(project, sandbox):
    project.write("rows.csv", "user_id,email\nu7,a@x.example\nu8,b@x.example\nu7,c@x.example\n")
    fields = "user_id: user_id, email: email"
    project.destination("rows.csv", "upsert_person", fields, base=sandbox.flat_url, key="user_id")
    report = run(project)
    assert counts(report) == {"delivered": 2, "unchanged": 1}
    assert person(project, "u7") == {"email": "c@x.example"}
    [note] = [note for note in report["notes"] if note["action"] == "duplicate_key"]
    assert (note["field"], note["count"], note["reason"]) == (
        "user_id",
        2,
        "2 records have the key u7; the last is sent",
    )
    project.destination("rows.csv", "upsert_person", fields, base=sandbox.flat_url, key="user_id", more="mode: all")
    assert counts(run(project)) == {"delivered": 3}
    assert person(project, "u7") == {"email": "c@x.example"}


def test_a_key_that_is_repeated_in_a_later_chunk_is_counted_too(project, sandbox):
    rows = [f"u{number},{number}@x.example" for number in range(5000)] + ["u1,new@x.example", "9.91214E+15,x@x.example"]
    project.write("rows.csv", "user_id,email\n" + "\n".join(rows) + "\n")
    project.destination("rows.csv", "upsert_person", "user_id: user_id, email: email", base=sandbox.url, key="user_id")
    report = run(project, command="plan it")
    reasons = {note["action"]: (note["count"], note["reason"]) for note in report["notes"]}
    assert reasons["duplicate_key"] == (2, "2 records have the key u1; the last is sent")
    assert reasons["scientific_notation"][0] == 1
    assert "9.91214E+15" in reasons["scientific_notation"][1]


def links_of(sandbox, user_id):
    state = sandbox.state()
    own = {company["id"]: company["company_id"] for company in state["companies"]}
    return sorted(
        own[company] for each in state["people"] if each["user_id"] == user_id for company in each["companies"]
    )


@pytest.mark.parametrize("batch", ["on", "off"])
def test_only_links_that_penstock_sent_and_that_are_gone_are_removed(project, sandbox, batch):
    for company in (*COMPANIES, "theirs"):
        sandbox.call("POST /company", json.dumps({"company_id": company}))
    fields, more = (
        "user_id: id, company_id: co",
        f"{{company_link: replace, batch: {batch}}}"[1:-1].replace(", ", "\n    "),
    )
    project.destination("rows.csv", "upsert_person", fields, base=sandbox.url, more=more)
    for company, wanted in [("c1", ["c1"]), ("c2", ["c2", "theirs"]), ("", ["theirs"]), ("c3", ["c3", "theirs"])]:
        project.write("rows.csv", f"id,co\nu1,{company}\n")
        assert counts(run(project)) == {"delivered": 1}
        if company == "c1":
            sandbox.call("POST /people", '{"user_id": "u1", "companies": [{"company_id": "theirs"}]}')
            assert counts(run(project)) == {"unchanged": 1}
        else:
            assert links_of(sandbox, "u1") == wanted


def test_a_link_sent_by_a_request_whose_answer_was_lost_is_removed_too(project, sandbox):
    for company in COMPANIES:
        sandbox.call("POST /company", json.dumps({"company_id": company}))
    more = "company_link: replace\n    batch: off"
    project.destination("rows.csv", "upsert_person", "user_id: id, company_id: co", base=sandbox.url, more=more)
    project.write("rows.csv", "id,co\nu1,c1\n")
    assert counts(run(project)) == {"delivered": 1}
    project.write("rows.csv", "id,co\nu1,c2\n")
    sandbox.fault(status=422, commit=True, path="/people", method="POST", times=1)
    assert counts(run(project, code=1)) == {"quarantined": 1}
    project.write("rows.csv", "id,co\nu1,c3\n")
    assert counts(run(project)) == {"delivered": 1}
    assert links_of(sandbox, "u1") == ["c3"]


def test_a_partial_record_without_companies_removes_no_link(project, sandbox):
    for company in COMPANIES:
        sandbox.call("POST /company", json.dumps({"company_id": company}))
    fields, more = "user_id: user_id, company_id: co, name: name", "company_link: replace"
    project.destination("rows.ndjson", "upsert_person", fields, base=sandbox.url, key="user_id", more=more)
    lines(project, {"user_id": "u1", "co": "c1"}, {"user_id": "u1", "name": "Ada"})
    assert counts(run(project)) == {"delivered": 2}
    lines(project, {"user_id": "u1", "name": "Eve"}, {"user_id": "u2", "co": "c2"})
    assert counts(run(project)) == {"delivered": 2}
    assert (links_of(sandbox, "u1"), links_of(sandbox, "u2")) == (["c1"], ["c2"])
