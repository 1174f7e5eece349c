"""The Segment example: the record of each call, and the intended differences from other connectors."""

import json
from pathlib import Path

import pytest

from penstock.run.preparation.datasets import known_dataset
from support.service.http_service import service

EXAMPLE = (Path(__file__).parents[3] / "examples" / "segment.yaml").read_text(encoding="utf-8")
AUTH = (
    "auth: {type: hmac, header: X-Signature, algorithm: sha1}   # for RudderStack: {type: key, header: Authorization}"
)
AT = "2026-01-31T12:00:00.000Z"
COMPANY = {"id": "c1"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    assert AUTH in EXAMPLE
    key = 'connector: custify, api_key: "${env:CUSTIFY_API_KEY}"'
    local = 'connector: custify, api_key: key, base_url: "http://127.0.0.1:9", dialect: native'
    project = EXAMPLE.replace(AUTH, "auth: none").replace("    secret: ${env:SEGMENT_SECRET}\n", "")
    with service(tmp_path_factory.mktemp("segment"), project.replace(key, local)) as pair:
        yield pair


def call(kind, **members):
    return {"type": kind, "messageId": f"m-{members}", "timestamp": AT, **members}


@pytest.fixture
def rows(opened):
    """The rows of a dataset for the posted calls, newest last."""
    app, client = opened

    def made(dataset, *calls):
        assert client.post("/hooks/segment", json=list(calls)).json() == {"accepted": len(calls)}
        known = known_dataset(app._present(), dataset)
        return [row for part in known.dataset.read(known.schema) for row in part.records.to_pylist()]

    return made


def test_an_identify_call_is_a_person_by_the_id_in_any_place(rows):
    calls = [
        call("identify", userId="a", traits={"email": "a@example.com", "phone": 5551}),
        call("identify", traits={"userId": "b"}),
        call("identify", traits={"id": "c"}),
        call("identify", context={"traits": {"id": "d"}}),
        call("identify", traits={"email": "e@example.com", "firstName": "Ada", "lastName": "L"}),
    ]
    made = rows("people", *calls)[-5:]
    assert [row["user_id"] for row in made] == ["a", "b", "c", "d", None]
    assert [row["who"] for row in made][-1] == "e@example.com"
    assert made[-1]["name"] == "Ada L"
    assert made[0]["phone"] == "5551"  # Custify accepts text


def notes(opened, destination):
    """The notes of a run of all posted calls: (field, action, reason) → count."""
    found = opened[0].preview(destination, limit=None, everything=True)
    assert found.refused == ()
    return {(note.field, note.action, note.reason): note.count for note in found.notes}


def no_record(reason):
    return ("penstock_no_record", "no record", reason)


NOBODY = no_record("a call of type identify with neither user id nor e-mail address makes no person")
NO_COMPANY = no_record("a group call without groupId makes no company")
NO_EVENT = no_record("a call of type page makes no event")
NOTHING = no_record("a call of another type than identify, group and track makes nothing")


def test_calls_without_a_record_are_counted_with_their_reason(opened, rows):
    before = {name: (len(sent(opened, name)), notes(opened, name)) for name in ("companies", "people", "events")}
    rows(
        "events",
        call("identify", anonymousId="x", traits={"name": "Nobody"}),
        call("identify", anonymousId="y"),
        call("group", userId="k9", traits={"name": "Nothing"}),
        call("page", userId="k9", name="Home"),
        {"type": "of my own"},
        {"userId": "typeless"},
    )
    after = {name: notes(opened, name) for name in before}
    counted = {
        name: {each: number - before[name][1].get(each, 0) for each, number in found.items() if each[1] == "no record"}
        for name, found in after.items()
    }
    assert counted["companies"] == {NO_COMPANY: 1}
    assert {each: number for each, number in counted["people"].items() if number} == {NOBODY: 2}
    assert counted["events"] == {NO_EVENT: 1, NOTHING: 2}
    assert len(sent(opened, "companies")) == before["companies"][0]
    assert len(sent(opened, "people")) == before["people"][0] + 1  # the person of the group call
    assert len(sent(opened, "events")) == before["events"][0]


def test_nested_traits_and_properties_are_left_out_with_a_note(opened, rows):
    rows(
        "events",
        call("identify", userId="nests", traits={"address": {"city": "Rome"}, "company": {"id": "c1", "plan": "x"}}),
        call(
            "identify", userId="nests2", traits={"address": {"city": "Pisa"}, "company": {"id": "c1", "remove": False}}
        ),
        call("identify", userId="nests3", traits={"company": {"name": "without id"}}),
        call("group", userId="nests", groupId="nest", traits={"tags": [1]}),
        call("track", userId="nests", event="Nested", properties={"cart, all": [1], "value": 0}),
    )
    by_sql = "left out", "the SQL of the dataset does not pass it on"
    people = notes(opened, "people")
    assert (people["address", *by_sql], people["company", *by_sql]) == (2, 2)
    assert notes(opened, "companies")["tags", *by_sql] == 1
    assert notes(opened, "events")["cart, all", *by_sql] == 1
    text = str([sent(opened, name) for name in ("companies", "people", "events")])
    assert "penstock_" not in text
    assert "Rome" not in text


def test_calls_that_make_no_record_are_read_and_unchanged_in_a_run(tmp_path, sandbox):
    key = 'connector: custify, api_key: "${env:CUSTIFY_API_KEY}"'
    here = f'connector: custify, api_key: "{sandbox.api_key}", base_url: "{sandbox.url}", dialect: native'
    project = EXAMPLE.replace(AUTH, "auth: none").replace("    secret: ${env:SEGMENT_SECRET}\n", "").replace(key, here)
    with service(tmp_path, project) as (app, client):
        calls = [call("page", userId="a"), call("identify", anonymousId="b"), call("identify", userId="a")]
        assert client.post("/hooks/segment", json=calls).json() == {"accepted": 3}
        reports = {}
        for name in ("people", "events"):
            app.activate(name)
            reports[name] = app.run(name)
    people, events = reports["people"], reports["events"]
    assert (people.status, people.records.read, people.records.delivered, people.records.unchanged) == (
        "succeeded", 2, 1, 1,
    )  # fmt: skip
    assert (events.status, events.records.read, events.records.unchanged) == ("succeeded", 1, 1)
    assert [(n.action, n.count, n.reason) for n in events.notes if n.action == "no record"] == [
        ("no record", 1, "a call of type page makes no event")
    ]
    assert [person["user_id"] for person in sandbox.state()["people"]] == ["a"]


def test_the_sign_up_date_is_never_the_time_of_the_call(rows):
    without, given = rows(
        "people",
        call("identify", userId="g", traits={"signed_up_at": "2020-01-01"}),
        call("identify", userId="h", traits={"signedUpAt": "2025-05-05T00:00:00Z"}),
    )[-2:]
    assert without["signed_up_at"] is None
    assert given["signed_up_at"] == "2025-05-05T00:00:00Z"


def test_a_company_of_a_person_is_linked(rows):
    linked, by_context = rows(
        "people",
        call("identify", userId="i", traits={"company": COMPANY}),
        call("identify", userId="j", context={"groupId": "c2"}),
    )[-2:]
    links = [json.loads(row["companies"]) for row in (linked, by_context)]
    assert links == [[{"company_id": "c1"}], [{"company_id": "c2"}]]


def test_only_remove_true_removes_a_link(opened, rows):
    removed = call("identify", userId="rm", traits={"company": {"id": "c1", "remove": True}})
    kept = call("identify", userId="kept", traits={"company": {"id": "c1", "remove": False}})
    made = rows("people", removed, kept)[-2:]
    assert [json.loads(row["companies"]) for row in made] == [
        [{"company_id": "c1", "remove": True}],
        [{"company_id": "c1"}],
    ]
    people = {each.get("user_id"): each for each in sent(opened, "people")}
    assert people["rm"]["companies"] == [{"company_id": "c1", "remove": True}]


def sent(opened, destination):
    """The payloads of a run of all posted calls."""
    found = opened[0].preview(destination, limit=None, everything=True)
    return [job["payload"] for request in found.requests for job in json.loads(request.body or "{}").get("jobs", ())]


def test_all_scalar_traits_and_properties_are_sent_from_any_place(opened, rows):
    traits = {
        "email": "all@x.example",
        "age": 0,
        "vip": False,
        "nick": "",
        "nest": {"a": 1},
        "sessionCount": 3,
        "gone": None,
    }
    people = rows("people", call("identify", userId="all", context={"traits": traits}))
    assert json.loads(people[-1]["penstock_left_out"]) == ["nest"]
    rows("events", call("track", userId="all", event="All", properties={"a": 1, "b": False, "deep": [1], "a/b~c": "x"}))
    rows(
        "companies",
        call(
            "group",
            userId="all",
            groupId="call",
            traits={"employees": 12, "monthlyRevenue": 5, "churned": False, "region": "EU"},
        ),
    )
    person = {each.get("user_id"): each for each in sent(opened, "people")}["all"]
    assert (person["email"], person["session_count"]) == ("all@x.example", 3)
    assert person["custom_attributes"] == {"age": 0, "vip": False, "nick": ""}
    event = {each["name"]: each for each in sent(opened, "events")}["All"]
    assert event["metadata"] == {"a": 1, "b": False, "a/b~c": "x"}
    company = {each["company_id"]: each for each in sent(opened, "companies")}["call"]
    assert company == {
        "company_id": "call", "size": 12, "monthly_revenue": 5, "churned": False, "custom_attributes": {"region": "EU"},
    }  # fmt: skip


def test_a_track_without_an_id_is_matched_by_email(opened, rows):
    rows("events", call("track", event="ByMail", context={"traits": {"email": "t@x.example"}}))
    event = {each["name"]: each for each in sent(opened, "events")}["ByMail"]
    assert event["email"] == "t@x.example"
    assert "user_id" not in event


def test_a_group_call_is_a_company_and_the_link_of_the_person(rows):
    group = call("group", userId="k", groupId="c3", traits={"name": "Lovelace", "plan": "gold", "seats": 0})
    company = rows("companies", group)[-1]
    assert (company["company_id"], company["name"], company["plan"]) == ("c3", "Lovelace", "gold")
    assert json.loads(company["traits"])["seats"] == 0  # JSON: false values are not lost
    person = rows("people", call("track", userId="k", event="x"))[-1]
    assert (person["user_id"], person["name"]) == ("k", None)
    assert json.loads(person["companies"]) == [{"company_id": "c3"}]


def test_a_track_call_is_an_event_with_false_and_null(opened, rows):
    properties = {"company_id": "c4", "value": 0, "category": "", "currency": False}
    made = rows("events", call("track", userId="l", event="Saved", properties=properties))[-1]
    assert (made["name"], made["created_at"], made["user_id"], made["company_id"]) == ("Saved", AT, "l", "c4")
    body = opened[0].preview("events", limit=None, everything=True).requests[-1].body
    assert body is not None
    assert '"value":0' in body
    assert '"category":""' in body
    assert '"currency":false' in body


def test_the_original_timestamp_is_used_if_there_is_no_other(rows):
    late = {"type": "track", "userId": "m", "event": "Late", "originalTimestamp": AT}
    made = rows("events", late)[-1]
    assert (made["created_at"], made["message"]) == (AT, f"m Late {AT}")


def test_the_same_message_twice_is_one_event(opened, rows):
    app, _ = opened
    event = call("track", userId="n", event="Once", messageId="same")
    rows("events", event, event)
    found = app.preview("events", limit=None, everything=True)
    sent = [job["payload"] for request in found.requests for job in json.loads(request.body or "{}").get("jobs", ())]
    once = [event["deduplication_id"] for event in sent if event["name"] == "Once"]
    assert len(once) == 2  # a preview has no memory; a run sends the first, and Custify accepts one of each id
    assert len(set(once)) == 1


def test_the_preview_is_flat_and_complete(opened, rows):
    app, _ = opened
    rows(
        "companies",
        call("group", userId="o", groupId="c9", traits={"name": "N"}),
        call("identify", userId="p", traits={"email": "p@example.com"}),
        call("track", userId="p", event="Signed", properties={"plan": "team"}),
    )
    for destination in ("companies", "people", "events"):
        found = app.preview(destination, limit=None, everything=True)
        assert found.requests
        assert found.refused == ()


def test_in_flat_a_person_has_one_company(tmp_path, sandbox):
    key = 'connector: custify, api_key: "${env:CUSTIFY_API_KEY}"'
    here = f'connector: custify, api_key: "{sandbox.api_key}", base_url: "{sandbox.url}/api", dialect: flat'
    project = EXAMPLE.replace(AUTH, "auth: none").replace("    secret: ${env:SEGMENT_SECRET}\n", "").replace(key, here)
    calls = [
        call("group", userId="a", groupId="c1", traits={"name": "One"}),
        call("identify", userId="b", traits={"company": {"id": "c1", "remove": True}, "email": "b@x.example"}),
    ]
    with service(tmp_path, project) as (app, client):
        assert client.post("/hooks/segment", json=calls).json() == {"accepted": 2}
        bodies = [json.loads(request.body or "") for request in app.preview("people").requests]
        app.activate("people")
        report = app.run("people")
    people = [person for body in bodies for person in body.get("batch", [body])]
    assert people == [{"user_id": "a", "company_id": "c1"}, {"user_id": "b", "email": "b@x.example"}]
    assert (report.status, report.records.delivered) == ("succeeded", 2)
    removal = "the flat API removes no link to a company; the native API does"
    assert [note.count for note in report.notes if note.reason == removal] == [1]
