"""Rules that read several fields of a record, ids made from its key, and records that are batch jobs already."""

import json

import pytest

from penstock.model.errors import InputError
from penstock.model.record import Lookup
from support.kernel.compiled_destination import chunk_of, compiled, with_json

ID = "5f0c1b2a3d4e5f6a7b8c9d0e"


def rendered(template, records, dialect="native", key="k", json_columns=None, **settings):
    """Each record gets a key, `1`, `2` and so on, in the column `k`."""
    chunk = with_json(chunk_of([{"k": str(n)} | each for n, each in enumerate(records, 1)]), **(json_columns or {}))
    return compiled(template, dialect, chunk, key, **settings).renderer.render(chunk)


def bodies(found):
    return [json.loads(payload.text) for payload in found.payloads]


def refusals(found):
    return [(each.key, each.refusal.rule, each.refusal.field) for each in found.refused]


def columns(*names):
    """`fields` that map columns of the fields' own names."""
    return {name: name for name in names}


def notes(compiled_):
    return [(note.field, note.action) for note in compiled_.notes]


# ── a subscription's cancellation, a deal's closing ──────────────────────────

SUBSCRIPTION = {"company_id": "c", "status": "Canceled ", "canceled_at": "2026-01-31"}


def test_a_canceled_subscription_with_its_date_is_sent_as_the_date_alone():
    records = [SUBSCRIPTION, SUBSCRIPTION | {"canceled_at": None}, SUBSCRIPTION | {"status": "paused"}]
    found = rendered("upsert_subscription", records, fields=columns(*SUBSCRIPTION), attributes="none")
    canceled, undated, paused = bodies(found)
    assert canceled["canceledAt"].startswith("2026-01-31")
    assert "metadata" not in canceled
    assert undated["metadata"] == {"status": "Canceled "}
    assert paused["metadata"] == {"status": "paused"}


def test_a_status_without_a_cancellation_date_stays_a_status():
    found = rendered("upsert_subscription", [SUBSCRIPTION], fields=columns("company_id", "status"), attributes="none")
    assert bodies(found)[0]["metadata"] == {"status": "Canceled "}


def test_a_close_date_is_when_a_deal_was_won_or_lost():
    deal = {"company_id": "c", "close_date": "2026-01-31"}
    records = [deal | {"stage": stage} for stage in ("Closed won", "LOST", "open", None)]
    records.append(deal | {"stage": "won", "close_date": None})
    found = rendered("upsert_deal", records, fields=columns("company_id", "close_date", "stage"), attributes="none")
    places = [{name for name in ("wonAt", "lostAt") if name in body} for body in bodies(found)]
    assert places == [{"wonAt"}, {"lostAt"}, set(), set(), set()]
    assert found.notes["close_date", "not sent", "the stage says neither won nor lost"] == 2


def test_without_a_close_date_a_deal_has_neither():
    [body] = bodies(rendered("upsert_deal", [{"company_id": "c"}], fields=columns("company_id"), attributes="none"))
    assert "wonAt" not in body


# ── the person of a task, the entity of a note ───────────────────────────────


def test_a_tasks_person_is_custifys_id_an_email_to_look_up_or_a_user_id():
    records = [{"name": "n", "person_id": person} for person in (ID, "ada@example.com", "u-1", None)]
    found = rendered("create_task", records, fields=columns("name", "person_id"))
    own, looked_up, named, nobody = bodies(found)
    assert own["people"] == ID
    assert looked_up["people"] == "(looked up: person with email ada@example.com)"
    assert named["user_id"] == "u-1"
    assert not {"people", "user_id"} & set(nobody)
    assert [payload.lookups for payload in found.payloads] == [
        (),
        (Lookup("people", "person", "email", "ada@example.com"),),
        (),
        (),
    ]


def test_a_task_may_have_no_person():
    assert "people" not in bodies(rendered("create_task", [{"name": "n"}], fields=columns("name")))[0]


def test_a_note_is_about_its_person_or_else_its_company():
    records = [
        {"text": "t", "person_id": ID, "company_id": "c"},
        {"text": "t", "person_id": "a@b.c", "company_id": "c"},
        {"text": "t", "person_id": "u", "company_id": None},
        {"text": "t", "person_id": None, "company_id": "c"},
        {"text": "t", "person_id": None, "company_id": None},
    ]
    found = rendered("create_note", records, fields=columns("text", "person_id", "company_id"))
    assert [body["entityModel"] for body in bodies(found)] == ["Customer"] * 3 + ["Company"]
    assert bodies(found)[0]["entity"] == ID
    assert [payload.lookups for payload in found.payloads] == [
        (),
        (Lookup("entity", "person", "email", "a@b.c"),),
        (Lookup("entity", "person", "user_id", "u"),),
        (Lookup("entity", "company", "company_id", "c"),),
    ]
    assert refusals(found) == [("5", "required", "company_id")]


def test_the_entity_of_a_note_that_is_given_is_a_company_unless_its_kind_is():
    records = [{"text": "t", "entity": ID, "entityModel": kind} for kind in (None, "Customer")]
    found = rendered("create_note", records, fields=columns("text", "entity", "entityModel"))
    assert [body["entityModel"] for body in bodies(found)] == ["Company", "Customer"]
    assert found.notes["entityModel", "defaulted", "Company where it is blank"] == 1


# ── the one company of a flat person ─────────────────────────────────────────


def test_the_links_of_a_person_are_the_company_id_of_flat():
    links = [
        '[{"company_id": "c1"}]',
        '["c1", "c1"]',
        '[{"company_id": "c1", "remove": true}]',
        '["c1", "c2"]',
        '[{"id": "5f0c1b2a3d4e5f6a7b8c9d0e"}]',
        None,
        '[{"company_id": "c1"}, {"company_id": "c0", "remove": true}]',
    ]
    chunk = with_json(chunk_of([{"id": f"p{number}"} for number in range(len(links))]), links=links)
    work = compiled("upsert_person", "flat", chunk, "id", fields={"user_id": "id", "companies": "links"})
    rendered = work.renderer.render(chunk)
    assert [json.loads(payload.text) for payload in rendered.payloads] == [
        {"user_id": "p0", "company_id": "c1"},
        {"user_id": "p1", "company_id": "c1"},
        {"user_id": "p2"},
        {"user_id": "p5"},
        {"user_id": "p6", "company_id": "c1"},
    ]
    assert [(each.key, each.refusal.rule, each.refusal.field) for each in rendered.refused] == [
        ("p3", "flat link", "companies"),
        ("p4", "flat link", "companies"),
    ]
    removal = "the flat API removes no link to a company; the native API does"
    assert rendered.notes["companies", "not sent", removal] == 2
    assert work.former is not None  # what release 0.1.0 sent as `companies` is not sent again
    former = work.former.renderer.render(chunk).payloads[0]
    assert json.loads(former.text) == {"user_id": "p0", "companies": [{"company_id": "c1"}]}


@pytest.mark.parametrize(("own", "taken"), [("c1", True), ("c2", False), (None, True)])
def test_links_and_company_id_of_flat_name_the_same_company(own, taken):
    chunk = with_json(chunk_of([{"id": "p", "company": own}, {"id": "q", "company": "x"}]), links=['["c1"]', None])
    fields = {"user_id": "id", "company_id": "company", "companies": "links"}
    rendered = compiled("upsert_person", "flat", chunk, "id", fields=fields).renderer.render(chunk)
    payloads = {payload.key: json.loads(payload.text) for payload in rendered.payloads}
    assert payloads.get("p") == ({"user_id": "p", "company_id": "c1"} if taken else None)
    assert payloads["q"] == {"user_id": "q", "company_id": "x"}
    assert len(rendered.refused) == (not taken)


# ── external ids ─────────────────────────────────────────────────────────────

INVOICE = {"company_id": "c"}


def external_ids(records, **settings):
    found = rendered("upsert_invoice", records, attributes="none", **settings)
    return [body.get("externalId") for body in bodies(found)], found


def test_an_external_id_is_made_from_the_key():
    ids, _ = external_ids([INVOICE, INVOICE], fields=columns("company_id"))
    assert ids == ["1", "2"]
    chunk = chunk_of([{"k": "1", "company_id": "c"}])
    work = compiled("upsert_invoice", "native", chunk, "k", fields=columns("company_id"), attributes="none")
    assert notes(work) == [("external_id", "derived"), ("attributes", "left out")]


def test_an_external_id_is_made_from_the_columns_that_the_destination_names():
    records = [INVOICE | {"a": "x", "b": 7}, INVOICE | {"a": None, "b": 7}, INVOICE | {"a": " ", "b": 7}]
    ids, found = external_ids(records, fields=columns("company_id"), external_id=("a", "b"))
    assert len(ids) == 1
    assert "x" in ids[0]
    assert "7" in ids[0]
    assert [each[1:] for each in refusals(found)] == [("required", "external_id")] * 2
    assert external_ids(records[:1], fields=columns("company_id"), external_id="a")[0] == ["x"]


def test_an_external_id_of_a_column_that_is_not_there_is_refused():
    with pytest.raises(InputError) as caught:
        external_ids([INVOICE], fields=columns("company_id"), external_id=("k", "kk"))
    [problem] = caught.value.problems
    assert (problem.path, problem.code, problem.found) == ("destinations.d.external_id", "unknown-column", "kk")


def test_an_external_id_that_is_mapped_is_made_from_the_key_where_it_is_null():
    records = [
        INVOICE | {"external_id": "e"},
        INVOICE | {"external_id": None},
        {"company_id": None, "external_id": None},
    ]
    ids, found = external_ids(records, fields=columns("company_id", "external_id"))
    assert ids == ["e", "2"]
    assert [number for note, number in found.notes.items() if note[:2] == ("external_id", "derived")] == [2]
    paid = [INVOICE | {"external_id": None, "paidAt": at} for at in ("2026-01-31", "soon")]
    ids, found = external_ids(paid, fields=columns("company_id", "external_id", "paidAt"))
    assert (ids, [each[1:] for each in refusals(found)]) == (["1"], [("date", "paidAt")])
    assert [number for note, number in found.notes.items() if note[:2] == ("external_id", "derived")] == [1]
    misfit = external_ids([INVOICE | {"external_id": None, "k": None}], fields=columns("company_id", "external_id"))[1]
    assert [each[:2] for each in refusals(misfit)] == [(None, "key")]


def test_an_external_id_is_mapped_or_set_and_not_both():
    with pytest.raises(InputError) as caught:
        external_ids([INVOICE | {"external_id": "e"}], fields=columns("company_id", "external_id"), external_id="k")
    assert [(each.path, each.code) for each in caught.value.problems] == [("destinations.d.external_id", "field-twice")]


def test_the_flat_api_has_no_external_id():
    chunk = chunk_of([{"k": "1", "company_id": "c"}])
    set_, unset = (
        compiled("upsert_invoice", "flat", chunk, "k", fields=columns("company_id"), external_id=setting)
        for setting in ("k", None)
    )
    assert notes(set_) == [("external_id", "ignored")]
    assert notes(unset) == []
    assert b"xternal" not in set_.renderer.render(chunk).payloads[0].text


def test_an_id_that_is_longer_than_the_api_takes_is_its_hash():
    event = {"user_id": "u", "name": "n", "created_at": "2026-01-01"}
    records = [event | {"k": "x" * 100}, event | {"k": "x" * 101}]
    short, long = bodies(rendered("insert_event", records, fields=columns(*event), attributes="none"))
    assert short["deduplication_id"] == "x" * 100
    assert len(long["deduplication_id"]) == 32


def test_a_null_deduplication_id_is_made_from_the_key():
    record = {"user_id": "u", "name": "n", "created_at": "2026-01-01"}
    chunk = chunk_of([{"id": "1", **record, "deduplication_id": "d"}, {"id": "2", **record, "deduplication_id": None}])
    rendered = compiled("insert_event", "native", chunk, "id").renderer.render(chunk)
    assert [json.loads(payload.text)["deduplication_id"] for payload in rendered.payloads] == ["d", "2"]
    assert [count for (name, *_), count in rendered.notes.items() if name == "deduplication_id"] == [1]


# ── records that are batch jobs already ──────────────────────────────────────


def test_jobs_pass_through_and_events_get_their_deduplication_id():
    payloads = [
        '{"user_id": "u"}',
        '{"name": "x", "n": 12345678901234567890123}',
        "[]",
        '{"name": "y", "deduplication_id": "d"}',
    ]
    chunk = with_json(
        chunk_of([{"id": str(n), "type": kind} for n, kind in enumerate(["people", "event", "event", "event"])]),
        payload=payloads,
    )
    work = compiled("send_batch", "native", chunk, "id")
    rendered = work.renderer.render(chunk)
    assert [payload.text for payload in rendered.payloads] == [
        b'{"type":"people","payload":{"user_id":"u"}}',
        b'{"type":"event","payload":{"name":"x","n":12345678901234567890123,"deduplication_id":"1"}}',
        b'{"type":"event","payload":{"name":"y","deduplication_id":"d"}}',
    ]
    assert work.shape.grouping.prefix == b""
    assert [refused.key for refused in rendered.refused] == ["2"]


def test_a_job_of_an_unknown_type_is_refused():
    found = rendered("send_batch", [{"type": "x"}], json_columns={"payload": ["{}"]})
    assert refusals(found) == [("1", "choice", "type")]


def test_other_columns_of_a_job_are_not_sent():
    chunk = with_json(chunk_of([{"k": "1", "type": "people", "more": "x"}]), payload=["{}"])
    work = compiled("send_batch", "native", chunk, "k")
    assert notes(work) == [("payload", "passed through"), ("more", "not sent")]


def test_records_with_fields_are_no_jobs():
    chunk = with_json(chunk_of([{"k": "1", "type": "people"}]), payload=["{}"])
    work = compiled("send_batch", "native", chunk, "k", fields={"user_id": "k"}, attributes="none")
    assert json.loads(work.renderer.render(chunk).payloads[0].text) == {"user_id": "1"}
