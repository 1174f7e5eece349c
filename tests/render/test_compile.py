"""All configuration errors of a template destination are reported at once, each with its place and what to write."""

import pytest

from penstock.model.errors import InputError
from penstock.model.record import Replies, RetryClass
from penstock.model.spec import BatchSpec, Binding
from support.kernel.compiled_destination import chunk_of, compiled, with_json

RECORD = {"id": "1", "user_id": "u", "email": "a@b.c", "company_id": "c", "note": "x"}


def problems(template, dialect, record=RECORD, key="id", **settings):
    with pytest.raises(InputError) as caught:
        compiled(template, dialect, chunk_of([record]), key, **settings)
    for problem in caught.value.problems:
        assert problem.hint, problem
    return [(problem.path, problem.code) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("template", "dialect", "settings", "expected"),
    [
        ("upsert_person", "flat", {"fields": {"user_id": "uid"}}, ("fields.user_id", "unknown-column")),
        ("upsert_person", "flat", {"fields": {"user_id": "id", "e_mail": "email"}}, ("fields.e_mail", "unknown-field")),
        ("upsert_person", "native", {"fields": {}}, ("fields", "missing-field")),
        ("upsert_person", "flat", {"identity": "refuse"}, ("identity", "no-reads")),
        ("upsert_company", "native", {"identity": "refuse"}, ("identity", "no-people")),
        ("insert_event", "native", {"fields": {"user_id": "id", "name": "note"}}, ("fields.created_at", "missing-field")),
        ("upsert_person", "flat", {"exclude": ("email",)}, ("exclude", "excluded-field")),
        ("upsert_person", "flat", {"exclude": ("emial",)}, ("exclude", "unknown-column")),
        ("upsert_person", "flat", {"attributes": ("nte",)}, ("attributes", "unknown-column")),
        ("upsert_person", "flat", {"fields": {"user_id": "id", "email": "note"}}, ("attributes", "attribute-clash")),
        ("upsert_company", "native", {"fields": {"company_id": "id", "mrr": "note", "monthly_revenue": "note"}}, ("fields.monthly_revenue", "field-twice")),
        ("upsert_person", "native", {"fields": {"user_id": "id", "company_id": "company_id", "companies": "note"}}, ("fields.companies", "field-twice")),
        ("upsert_invoice", "native", {"fields": {"company_id": "company_id", "external_id": "id"}, "external_id": "id"}, ("external_id", "field-twice")),
        ("upsert_invoice", "native", {"external_id": "nope"}, ("external_id", "unknown-column")),
        ("upsert_person", "native", {"batch": BatchSpec("auto", 101)}, ("batch.size", "batch-too-large")),
        ("upsert_person", "flat", {"batch": BatchSpec("auto", 501)}, ("batch.size", "batch-too-large")),
        ("upsert_invoice", "native", {"batch": BatchSpec("on")}, ("batch", "no-batch")),
        ("insert_event", "flat", {"fields": {"user_id": "id", "name": "note", "created_at": {"value": "2026-01-01"}}, "batch": BatchSpec("on")}, ("batch", "no-batch")),
        ("send_batch", "flat", {"object": "event", "fields": {"user_id": "id", "name": "note", "created_at": {"value": "2026-01-01"}}}, ("object", "not-in-flat")),
        ("upsert_company", "native", {"fields": {"company_id": "id", "size": {"value": 0.5}}}, ("fields.size", "integer")),
        ("upsert_company", "native", {"fields": {"company_id": "id", "name": {"value": "x" * 256}}}, ("fields.name", "length")),
        ("upsert_deal", "native", {"fields": {"company_id": "id", "close_date": "note", "wonAt": "note"}}, ("fields.wonAt", "field-twice")),
        ("upsert_subscription", "native", {"fields": {"company_id": "company_id", "status": "note"}, "attributes": ("note",)}, None),
    ],
)  # fmt: skip
def test_problems_name_their_place(template, dialect, settings, expected):
    if expected is None:
        compiled(template, dialect, chunk_of([RECORD]), "id", **settings)
    else:
        where, code = expected
        assert (f"destinations.d.{where}", code) in problems(template, dialect, **settings)


@pytest.mark.parametrize("name", ["a.b", "$x", "42"])
def test_forbidden_names_of_the_native_dialect(name):
    record = RECORD | {name: 1}
    assert problems("upsert_person", "native", record) == [("destinations.d.attributes", "attribute-name")]
    compiled("upsert_person", "native", chunk_of([record]), "id", exclude=(name,))
    compiled("upsert_person", "flat", chunk_of([record]), "id")


def test_all_problems_are_reported_at_once():
    found = problems("upsert_company", "native", fields={"name": "nope", "size": {"value": "x"}}, exclude=("nor",))
    assert {code for _, code in found} == {"unknown-column", "type", "missing-field"}
    assert len(found) == 4


def test_batches_are_the_endpoints_own():
    chunk = chunk_of([RECORD])
    shapes = {
        (dialect, mode): compiled("upsert_person", dialect, chunk, "id", BatchSpec(mode)).shape
        for dialect in ("native", "flat")
        for mode in ("auto", "on", "off")
    }
    assert {case: (shape.size, shape.replies, shape.url) for case, shape in shapes.items()} == {
        ("native", "auto"): (100, Replies.JOBS, "https://api.custify.com/batch"),
        ("native", "on"): (100, Replies.JOBS, "https://api.custify.com/batch"),
        ("native", "off"): (1, Replies.STATUS, "https://api.custify.com/people"),
        ("flat", "auto"): (1, Replies.STATUS, "https://app.custify.com/api/people"),
        ("flat", "on"): (500, Replies.ITEMS, "https://app.custify.com/api/batch"),
        ("flat", "off"): (1, Replies.STATUS, "https://app.custify.com/api/people"),
    }
    sized = compiled("upsert_person", "native", chunk, "id", BatchSpec("auto", 7, 1000)).shape
    assert (sized.size, sized.max_bytes) == (7, 1000)


def test_path_changes_the_path_of_a_template():
    chunk = chunk_of([RECORD])
    assert (
        compiled("upsert_person", "flat", chunk, "id", path="contacts").shape.url
        == "https://app.custify.com/api/contacts"
    )
    assert (
        compiled("upsert_person", "native", chunk, "id", path="/customer").shape.url
        == "https://api.custify.com/customer"
    )


def test_a_path_of_ones_own_is_not_batched_unless_batching_is_turned_on():
    chunk = chunk_of([RECORD])
    alone = compiled("upsert_person", "native", chunk, "id", path="/customer")
    assert (alone.shape.size, [note.reason for note in alone.notes if note.field == "batch"]) == (
        1,
        ["records go one by one to the destination's own path, unless batching is turned on"],
    )
    assert compiled("upsert_person", "native", chunk, "id", BatchSpec("on"), path="/customer").shape.size == 100


def test_send_batch_takes_companies_when_only_a_company_id_is_mapped():
    chunk = chunk_of([RECORD])
    prefix = {
        name: compiled("send_batch", "native", chunk, "id", fields=fields).shape.grouping.prefix
        for name, fields in {
            "company": {"company_id": "id"},
            "person": {"company_id": "company_id", "email": "email"},
        }.items()
    }
    assert prefix == {"company": b'{"type":"company","payload":', "person": b'{"type":"people","payload":'}


def test_the_columns_in_use_are_those_of_key_fields_attributes_and_derived_ids():
    chunk = chunk_of([RECORD | {"unused": 1, "other": 2}])
    work = compiled(
        "upsert_invoice",
        "native",
        chunk,
        "id",
        fields={"company_id": "company_id"},
        external_id="other",
        attributes="none",
    )
    assert work.columns == ("id", "company_id", "other")


def test_the_version_follows_the_settings_and_the_types():
    chunk = chunk_of([RECORD])
    versions = {
        compiled("upsert_person", "native", chunk, "id").version,
        compiled("upsert_person", "flat", chunk, "id").version,
        compiled("upsert_person", "native", chunk, "id", nulls="send").version,
        compiled("upsert_person", "native", chunk, "id", exclude=("note",)).version,
        compiled("upsert_person", "native", chunk_of([RECORD | {"note": 1}]), "id").version,
    }
    assert len(versions) == 5
    assert compiled("upsert_person", "native", chunk, "id", active=True, concurrency=3, line=9).version in versions


def test_custifys_own_id_is_never_mapped_by_its_name_alone():
    work = compiled("upsert_company", "native", chunk_of([RECORD]), "id")
    payload = work.renderer.render(chunk_of([RECORD])).payloads[0]
    assert b'"custom_attributes":{"email":"a@b.c","id":"1"' in payload.text


@pytest.mark.parametrize(
    ("template", "record", "mapped", "left"),
    [
        ("create_task", {"id": "1", "name": "n", "person_id": "p", "user_id": "u"}, "person_id", "user_id"),
        (
            "create_task",
            {"id": "1", "name": "n", "due_date": "2026-01-01", "dueDate": "2026-01-02"},
            "due_date",
            "dueDate",
        ),
        ("upsert_company", {"company_id": "c", "mrr": "1", "monthly_revenue": "2"}, "mrr", "monthly_revenue"),
    ],
)
def test_two_columns_for_one_field_are_not_an_error_of_the_automatic_mapping(template, record, mapped, left):
    made = compiled(template, "native", chunk_of([record]), next(iter(record)), fields=None)
    names = {each.step.field for each in made.renderer.inputs}
    assert mapped in names
    assert any(note.field == left for note in made.notes) or left in names


@pytest.mark.parametrize(
    ("template", "dialect", "words"), [("upsert_person", "flat", "native API"), ("upsert_company", "native", "people")]
)
def test_links_are_replaced_of_people_in_native_only(template, dialect, words):
    with pytest.raises(InputError) as caught:
        compiled(template, dialect, chunk_of([RECORD]), "id", company_link="replace")
    [problem] = caught.value.problems
    assert problem.code == "company-link"
    assert words in problem.message
    assert compiled("upsert_person", "native", chunk_of([RECORD]), "id", company_link="replace")


def test_finished_jobs_are_sent_unchanged():
    record = {"id": "1", "type": "people", "payload": '{"user_id": "u"}'}
    chunk = with_json(chunk_of([{"id": "1", "type": "people"}]), payload=[record["payload"]])
    work = compiled("send_batch", "native", chunk, "id")
    assert (work.shape.grouping.property, work.shape.grouping.prefix) == ("jobs", b"")
    [payload] = work.renderer.render(chunk).payloads
    assert payload.text == b'{"type":"people","payload":{"user_id":"u"}}'


def test_a_company_of_custom_data_is_in_the_address_or_beside_the_data_of_a_job():
    record = {"id": "1", "company_id": "acme", "data_type": "t"}
    chunk = chunk_of([record])
    alone = compiled("upsert_custom_object", "native", chunk, "id", BatchSpec("off"))
    together = compiled("upsert_custom_object", "native", chunk, "id")
    assert b"acme" not in alone.renderer.render(chunk).payloads[0].text.partition(b'"data"')[2]
    assert alone.renderer.render(chunk).payloads[0].url is not None
    assert together.renderer.render(chunk).payloads[0].url is None


def test_an_event_may_be_repeated_in_native_and_in_flat_with_a_deduplication_id():
    record = {"id": "1", "user_id": "u", "name": "n", "created_at": "2026-01-01"}
    fields = {"user_id": "user_id", "name": "name", "created_at": "created_at"}
    once = compiled("insert_event", "flat", chunk_of([record]), "id", fields=fields)
    again = compiled("insert_event", "flat", chunk_of([record]), "id", fields=fields | {"deduplication_id": "id"})
    assert (once.shape.retry, again.shape.retry) == (RetryClass.ONCE, RetryClass.IDEMPOTENT)
    native = compiled("insert_event", "native", chunk_of([record]), "id", fields=fields)
    assert native.shape.retry is RetryClass.IDEMPOTENT


def test_release_0_1_0_wrote_links_of_flat_people_in_another_form():
    plain = compiled("upsert_person", "flat", chunk_of([RECORD]), "id")
    linked = compiled(
        "upsert_person", "flat", chunk_of([RECORD]), "id", fields={"user_id": "user_id", "companies": "note"}
    )
    assert (plain.former.always, linked.former.always) == (False, True)


def test_records_that_create_second_people_are_refused_with_a_note():
    made = compiled("upsert_person", "native", chunk_of([RECORD]), "id", identity="refuse")
    assert "read first" in {note.action for note in made.notes}


def test_a_field_is_sent_only_where_custify_is_unchanged_if_its_lists_show_the_field():
    def unchanged(name, template="upsert_company", dialect="native"):
        fields = {"company_id": "company_id", "plan": "note", name: Binding("note", if_unchanged=True)}
        return template, dialect, {"fields": fields}

    template, dialect, settings = unchanged("mrr")
    made = compiled(template, dialect, chunk_of([RECORD]), "id", **settings)
    assert made.unchanged == (("mrr", "monthly_revenue"),)
    for of, code in ((unchanged("company_id"), "if-unchanged"), (unchanged("plan", dialect="flat"), "no-reads")):
        template, dialect, settings = of
        assert [code for _, code in problems(template, dialect, **settings)] == [code]
