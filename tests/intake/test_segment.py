"""The Segment example: what each call becomes, and what is done differently from other connectors on purpose."""

import json
from pathlib import Path

import pytest

from penstock.engine.datasets import known_dataset
from serving import service

EXAMPLE = (Path(__file__).parents[2] / "examples" / "segment.yaml").read_text(encoding="utf-8")
AUTH = "auth: {type: hmac, header: X-Signature, algorithm: sha1}   # of RudderStack: {type: key, header: Authorization}"
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
    """What a dataset makes of the calls posted, newest last."""
    app, client = opened

    def made(dataset, *calls):
        assert client.post("/hooks/segment", json=list(calls)).json() == {"accepted": len(calls)}
        known = known_dataset(app._present(), dataset)
        return [row for part in known.dataset.read(known.schema) for row in part.records.to_pylist()]

    return made


def test_identify_is_a_person_by_the_id_wherever_it_stands(rows):
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
    assert made[0]["phone"] == "5551"  # Custify takes text


def test_without_id_and_address_nobody_is_made(rows):
    before = len(rows("people", call("identify", userId="f")))
    assert len(rows("people", call("identify", anonymousId="x", traits={"name": "Nobody"}))) == before


def test_the_date_of_signing_up_is_never_the_time_of_the_call(rows):
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


def test_remove_removes_the_link_and_a_link_is_never_taken_for_one(opened, rows):
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
    """The payloads that a run of everything that came would send."""
    found = opened[0].preview(destination, limit=None, everything=True)
    return [job["payload"] for request in found.requests for job in json.loads(request.body or "{}").get("jobs", ())]


def test_all_scalar_traits_and_properties_go_wherever_they_stand(opened, rows):
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
    assert people[-1]["nested"] == "nest"
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


def test_a_track_without_an_id_goes_by_the_address(opened, rows):
    rows("events", call("track", event="ByMail", context={"traits": {"email": "t@x.example"}}))
    event = {each["name"]: each for each in sent(opened, "events")}["ByMail"]
    assert event["email"] == "t@x.example"
    assert "user_id" not in event


def test_group_is_a_company_and_the_link_of_the_person(rows):
    group = call("group", userId="k", groupId="c3", traits={"name": "Lovelace", "plan": "gold", "seats": 0})
    company = rows("companies", group)[-1]
    assert (company["company_id"], company["name"], company["plan"]) == ("c3", "Lovelace", "gold")
    assert json.loads(company["traits"])["seats"] == 0  # JSON: nothing that is false is lost
    person = rows("people", call("track", userId="k", event="x"))[-1]
    assert (person["user_id"], person["name"]) == ("k", None)
    assert json.loads(person["companies"]) == [{"company_id": "c3"}]


def test_track_is_an_event_that_keeps_what_is_false_and_nothing(opened, rows):
    properties = {"company_id": "c4", "value": 0, "category": "", "currency": False}
    made = rows("events", call("track", userId="l", event="Saved", properties=properties))[-1]
    assert (made["name"], made["created_at"], made["user_id"], made["company_id"]) == ("Saved", AT, "l", "c4")
    body = opened[0].preview("events", limit=None, everything=True).requests[-1].body
    assert body is not None
    assert '"value":0' in body
    assert '"category":""' in body
    assert '"currency":false' in body


def test_the_original_time_counts_where_there_is_no_other(rows):
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
    assert len(once) == 2  # a preview remembers nothing; a run sends the first, and Custify takes one of each id
    assert len(set(once)) == 1


def test_what_is_previewed_is_flat_and_whole(opened, rows):
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
