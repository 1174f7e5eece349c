"""Which column is sent as which field, which columns remain as attributes, and what is reported about the others."""

from dataclasses import replace

import pytest

from penstock.model.errors import InputError
from penstock.model.record import Column, Schema
from penstock.model.spec import Binding, DestinationSpec, IdempotencySpec, RequestSpec, SettleSpec
from penstock.render.bindings import columns_by_name, columns_named, plain_name, would_be_sent
from penstock.render.compile import compile_template
from penstock.templates.catalogue import load_catalogue


def made(columns, template="upsert_person", dialect="native", *, later=(), grows=False, key=("id",), **settings):
    """A destination compiled for text columns of these names."""
    schema = Schema(tuple(Column(name, "text", nullable=True, later=name in later) for name in columns), 1, grows=grows)
    spec = replace(DestinationSpec("d", "data", "acme", template=template), **settings)
    return compile_template(spec, key, schema, load_catalogue()[template], dialect, "https://api.example.com")


def problem(columns, **settings):
    """The only problem: where below the destination, its code, what was found, and the hint."""
    with pytest.raises(InputError) as caught:
        made(columns, **settings)
    [found] = caught.value.problems
    return found.path.removeprefix("destinations.d."), found.code, found.found, found.hint


def notes(compiled):
    return [(note.field, note.action) for note in compiled.notes]


def fields(compiled):
    """Field → column, of what is mapped."""
    return {each.step.field: each.step.column for each in compiled.renderer.inputs if not each.extra}


def attributes(compiled):
    return [each.step.column for each in compiled.renderer.inputs if each.extra]


USER = {"user_id": Binding("id")}


def test_columns_named_like_a_field_are_mapped_to_it():
    assert fields(made(["id", "user_id", "email"])) == {"user_id": "user_id", "email": "email"}


def test_of_the_two_names_of_a_field_that_of_the_requirement_is_taken():
    compiled = made(["company_id", "monthly_revenue", "mrr"], "upsert_company", key=("company_id",))
    assert fields(compiled)["mrr"] == "mrr"
    assert attributes(compiled) == ["monthly_revenue"]


def test_a_column_that_is_nearly_a_field_is_mapped_with_a_note():
    compiled = made(["id", "User-ID", "Name "])
    assert fields(compiled) == {"user_id": "User-ID", "name": "Name "}
    assert notes(compiled) == [("user_id", "mapped"), ("name", "mapped")]


def test_of_two_columns_that_are_nearly_one_field_none_is_mapped():
    compiled = made(["id", "user_id", "E-Mail", "e mail"])
    assert fields(compiled) == {"user_id": "user_id"}
    assert attributes(compiled) == ["E-Mail", "e mail", "id"]


def test_names_are_alike_without_case_white_space_and_joints():
    assert plain_name("\ufeffUser_ID ") == plain_name("user-id") == "userid"


def test_an_unknown_field_and_an_unknown_column_name_the_nearest():
    columns = ["id", "email"]
    where, code, found, hint = problem(columns, fields=USER | {"e_mail": Binding("email")})
    assert (where, code, found) == ("fields.e_mail", "unknown-field", "e_mail")
    assert "email" in hint
    where, code, found, hint = problem(columns, fields=USER | {"email": Binding("emial")})
    assert (where, code, found) == ("fields.email", "unknown-column", "emial")
    assert "email" in hint


def test_a_field_is_mapped_once_by_either_of_its_names():
    given = {"company_id": Binding("id"), "mrr": Binding("a"), "monthly_revenue": Binding("b")}
    found = problem(["id", "a", "b"], template="upsert_company", fields=given)
    assert found[:3] == ("fields.monthly_revenue", "field-twice", "monthly_revenue")


def test_where_records_bring_columns_the_first_of_two_names_is_mapped():
    columns = ["company_id", "mrr", "start_date", "startedAt"]
    settings = {"template": "upsert_subscription", "key": ("company_id",), "grows": True}
    assert fields(made(columns, **settings))["start_date"] == "start_date"
    assert fields(made(["company_id", "startedAt"], **settings))["start_date"] == "startedAt"


def test_a_column_is_mapped_or_excluded():
    assert problem(["id", "email"], fields=USER, exclude=("id",))[:3] == ("exclude", "excluded-field", "id")


def test_a_part_of_a_mapped_column_may_be_excluded():
    compiled = made(
        ["id", "data"], fields=USER | {"custom_attributes": Binding("data")}, exclude=("data.a.b", "data.c")
    )
    [step] = [each.step for each in compiled.renderer.inputs if each.step.column == "data"]
    assert step.cuts == (("a", "b"), ("c",))


def test_of_a_column_that_is_excluded_no_part_is_sent():
    compiled = made(["id", "data", "plan"], fields=USER, exclude=("data.a", "data", "data.b"))
    assert attributes(compiled) == ["plan"]
    assert notes(compiled) == [(path, "left out") for path in ("data.a", "data", "data.b")]


def test_an_exclusion_of_no_column_is_refused():
    found = problem(["id", "email"], fields=USER, exclude=("emial",))
    assert found[:3] == ("exclude", "unknown-column", "emial")
    assert "email" in found[3]


def test_the_index_of_a_pandas_table_is_left_out_unless_it_is_named():
    columns = ["id", "__index_level_0__", "Unnamed: 0", "Unnamed: 0.1", "plan"]
    compiled = made(columns, fields=USER)
    assert attributes(compiled) == ["plan"]
    assert notes(compiled) == [(name, "left out") for name in columns[1:4]]
    assert attributes(made(columns, "upsert_person", "flat", fields=USER, attributes=("Unnamed: 0",))) == ["Unnamed: 0"]


@pytest.mark.parametrize(("choice", "sent"), [("note", ["old"]), ("send", ["new", "old"])])
def test_a_column_that_came_later_is_sent_when_the_destination_says_so(choice, sent):
    compiled = made(["id", "old", "new"], later=["new"], fields=USER, new_columns=choice)
    assert attributes(compiled) == sent
    assert [note.field for note in compiled.notes] == ([] if choice == "send" else ["new"])


def test_a_column_that_came_later_may_be_refused():
    found = problem(["id", "old", "new"], later=["new"], fields=USER, new_columns="refuse")
    assert found[:3] == ("new_columns", "new-column", "new")
    assert "penstock schema data --refresh" in found[3]


def test_chosen_attributes_are_sent_and_the_others_are_noted():
    compiled = made(["id", "a", "b"], fields=USER, attributes=("b",))
    assert attributes(compiled) == ["b"]
    [note] = compiled.notes
    assert (note.field, note.reason) == ("attributes", "not among the attributes: a")
    assert attributes(made(["id", "a"], fields=USER, attributes="none")) == []
    assert notes(made(["id", "a"], fields=USER, attributes=("a",))) == []
    assert problem(["id", "a"], fields=USER, attributes=("x",))[:3] == ("attributes", "unknown-column", "x")


def test_the_columns_in_use_are_in_the_order_of_the_dataset():
    settings = {"fields": {"company_id": Binding("c")}, "external_id": "x", "attributes": "none"}
    assert made(["x", "unused", "id", "c"], "upsert_invoice", **settings).columns == ("x", "id", "c")


def test_a_problem_is_at_the_path_of_its_setting():
    company = {"company_id": Binding("id")}
    found = problem(["id", "number"], template="upsert_invoice", fields=company, external_id="numbr")
    assert found == ("external_id", "unknown-column", "numbr", "did you mean number?")


def test_the_columns_that_settings_name_are_known_before_the_records_come():
    spec = DestinationSpec(
        "d",
        "data",
        "acme",
        fields={"user_id": Binding("a"), "name": Binding(constant=("x",))},
        attributes=("b", "c.d"),
        exclude=("c.d", "e.f"),
        external_id="g",
        data_id=("h", "a"),
    )
    assert columns_named(spec, ["c.d"]) == ("a", "b", "c.d", "e", "g", "h")


def test_macros_of_a_request_name_columns():
    request = RequestSpec(
        "POST", "https://x.example.com/{record.a}", headers=(("X-B", "{record.b}"), ("X-C", "{wrong"))
    )
    spec = DestinationSpec("d", "data", "acme", request=request, attributes="none")
    assert columns_named(spec, []) == ("a", "b")
    settled = SettleSpec("/x/{record.e}", "$.id")
    request = replace(request, idempotency=IdempotencySpec("{record.d}"), settle=settled)
    assert columns_named(replace(spec, request=request), []) == ("a", "b", "d", "e")


def test_columns_that_map_themselves_are_those_of_a_template_without_fields():
    spec = DestinationSpec("d", "data", "acme", template="upsert_person")
    assert {"user_id", "email"} <= set(columns_by_name(spec))
    assert "id" not in columns_by_name(spec)
    assert columns_by_name(replace(spec, fields=USER)) == ()
    assert columns_by_name(replace(spec, template=None)) == ()


def test_a_new_column_would_be_sent_as_an_attribute_or_as_the_field_of_its_name():
    spec = DestinationSpec("d", "data", "acme", template="upsert_person")
    assert would_be_sent(spec, ["plan", "x"]) == ("plan", "x")
    assert would_be_sent(replace(spec, attributes="none"), ["E_Mail", "x"]) == ("E_Mail",)
