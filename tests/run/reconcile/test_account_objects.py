"""Which object of Custify a payload writes, and reading all of a kind."""

import json

import pytest

from penstock.app import App
from penstock.model.errors import InputError
from penstock.run.preparation.prepare import prepare
from penstock.run.reconcile.account_objects import AccountObjects, company_ids, read_objects
from penstock.templates.catalogue import load_catalogue
from support.cli.project import Project

PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "{key}", base_url: "{url}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it: {{dataset: rows, credential: acme, {how}}}
"""


def objects(template, *found):
    made = AccountObjects(load_catalogue()[template].read)
    for each in found:
        made.add(each)
    return made


PEOPLE = (
    {"id": "a" * 24, "user_id": "u1", "email": "one@example.com"},
    {"id": "b" * 24, "user_id": None, "email": "two@example.com"},
    {"id": "c" * 24, "user_id": "u3", "email": "two@example.com"},
)


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ({"user_id": "u1", "email": "new@example.com"}, 0),
        ({"email": "ONE@example.com"}, 0),
        ({"user_id": "u9", "email": "one@example.com"}, None),
        ({"user_id": "u9", "email": "two@example.com"}, 1),
        ({"user_id": "u3"}, 2),
        ({"id": "b" * 24, "user_id": "u8"}, 1),
        ({"name": "nobody"}, None),
    ],
)
def test_a_person_is_the_one_that_custify_would_update(sent, number):
    assert objects("upsert_person", *PEOPLE).find(sent) == number


def test_an_extra_object_is_named_by_our_kind_of_id_else_by_custifys():
    people = objects("upsert_person", *PEOPLE, {"id": "d" * 24})
    assert [people.key_of(n) for n in range(len(people))] == ["u1", "two@example.com", "u3", "d" * 24]


def test_a_financial_object_is_found_by_its_external_id_and_custom_data_by_all_three_ids():
    deals = objects("upsert_deal", {"id": "a" * 24, "externalIds": {"custify": "7"}})
    assert (deals.find({"externalId": "7"}), deals.find({"externalId": "8"})) == (0, None)
    site = {"company_id": "c1", "data_type": "site", "data_id": "1"}
    sites = objects("upsert_custom_object", site | {"id": "x", "data": {}}, site | {"company_id": "c2"})
    assert [sites.find(site), sites.find(site | {"company_id": "c2"}), sites.find(site | {"data_id": "2"})] == [
        0,
        1,
        None,
    ]
    assert sites.key_of(1) == "1"


@pytest.fixture
def app(tmp_path, sandbox):
    """Opens the project whose destination is written so."""
    opened = []

    def make(how, url=sandbox.url):
        project = Project(tmp_path, sandbox)
        project.write("penstock.yaml", PROJECT.format(key=sandbox.api_key, url=url, how=how))
        project.write("rows.csv", "id,name\n1,a\n")
        opened.append(App.open(tmp_path / "penstock.yaml"))
        return opened[-1]._ctx

    yield make
    for each in opened:
        each.close()


PERSON = "template: upsert_person, fields: {user_id: id}, attributes: none"
SITE = "template: upsert_custom_object, fields: {type: {value: site}, company_id: id}"


def test_all_people_are_read_and_a_second_read_makes_its_own_requests(app, sandbox):
    for number in range(3):
        sandbox.call("POST /people", json.dumps({"user_id": f"u{number}", "name": "x"}))
    ctx = app(PERSON)
    prepared = prepare(ctx, ctx.destination("it"))
    for _ in range(2):
        found = read_objects(ctx, prepared, "reconcile")
        assert (len(found), found.gap, found.requests) == (3, None, 1)
        assert found[found.find({"user_id": "u1"})]["name"] == "x"


def test_custom_data_announces_its_requests_before_the_first_of_a_company(app, sandbox):
    for number in range(3):
        sandbox.call("POST /company", json.dumps({"company_id": f"c{number}"}))
        entry = {"data_type": "site", "data_id": f"s{number}", "data": {"city": "Bonn"}}
        sandbox.call(f"POST /custom_data/companies?company_id=c{number}", json.dumps(entry))
    ctx = app(SITE)
    prepared, said = prepare(ctx, ctx.destination("it")), []

    def announce(requests, seconds):
        made = [each for each in sandbox.requests() if each["method"] == "GET" and "custom_data" in each["path"]]
        said.append((requests, seconds >= 0, len(made)))

    found = read_objects(ctx, prepared, "reconcile", announce)
    assert (len(found), found.requests, said) == (3, 4, [(4, True, 0)])
    assert found.find({"company_id": "c2", "data_type": "site", "data_id": "s2"}) is not None
    companies, _ = company_ids(ctx, prepared, "reconcile")
    assert set(companies.values()) == {"c0", "c1", "c2"}


def test_a_read_that_was_stopped_continues_with_the_next_page_until_something_was_sent(app, sandbox):
    jobs = [{"type": "people", "payload": {"user_id": f"u{n}"}} for n in range(450)]
    for at in range(0, 450, 100):
        sandbox.call("POST /batch", json.dumps({"jobs": jobs[at : at + 100]}))
    ctx = app(PERSON)
    prepared = prepare(ctx, ctx.destination("it"))
    sandbox.fault(status=400, path="/people/all", after=2)
    with pytest.raises(InputError, match="read failed"):
        read_objects(ctx, prepared, "reconcile")
    sandbox.clear_faults()
    found = read_objects(ctx, prepared, "reconcile")
    assert (len(found), found.requests) == (450, 1)


@pytest.mark.parametrize(
    "how", ["template: create_note, fields: {text: name, company_id: id}", "request: {url: /x, method: POST}"]
)
def test_what_custify_cannot_list_is_an_error_of_the_settings(app, how):
    ctx = app(how)
    with pytest.raises(InputError) as caught:
        read_objects(ctx, prepare(ctx, ctx.destination("it")), "reconcile")
    assert [problem.code for problem in caught.value.problems] == ["not-readable"]


def test_a_flat_credential_is_an_error_that_names_native(app, sandbox):
    ctx = app(PERSON, sandbox.flat_url)
    with pytest.raises(InputError) as caught:
        read_objects(ctx, prepare(ctx, ctx.destination("it")), "reconcile")
    [problem] = caught.value.problems
    assert (problem.code, problem.path) == ("no-reads", "credentials.acme.dialect")
    assert "reconcile needs a credential with `dialect: native`" in problem.hint
