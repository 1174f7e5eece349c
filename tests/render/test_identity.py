"""Which columns identify the people of a dataset, and their ids and e-mails as they are sent."""

import pyarrow as pa
import pytest

from penstock.model.identity import IdentitySource
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import Binding, DestinationSpec
from penstock.render.identity import identity_columns, people_template, second_person
from penstock.templates.catalogue import load_catalogue

CATALOGUE = load_catalogue()


def schema(*names):
    return Schema(tuple(Column(name, "text", nullable=True) for name in names), 1)


def destination(name="it", template="upsert_person", **fields):
    given = {field: Binding(column=column) for field, column in fields.items()} or None
    return DestinationSpec(name, "people", "acme", template=template, fields=given)


def sources(destinations, columns, key=("key",)):
    return [one.source for one in identity_columns(destinations, columns, key, CATALOGUE)]


def test_the_columns_are_those_that_destinations_map():
    columns = schema("key", "nr", "mail", "email")
    found = sources(
        [
            destination("first", user_id="nr", email="mail"),
            destination("companies", "upsert_company", company_id="key"),
            destination("second", "send_batch", user_id="nr", email="mail"),
            destination("third", user_id="nr", email="email"),
        ],
        columns,
    )
    assert found == [
        IdentitySource("nr", "mail", "destination", ("first", "second")),
        IdentitySource("nr", "email", "destination", ("third",)),
    ]


@pytest.mark.parametrize(
    ("names", "key", "expected"),
    [
        (("user_id", "email"), "user_id", IdentitySource("user_id", "email", "name")),
        (("User-ID", "E-mail"), "User-ID", IdentitySource("User-ID", "E-mail", "name")),
        (("nr", "email"), "nr", IdentitySource("nr", "email", "key")),
        (("email", "name"), "email", IdentitySource(None, "email")),
        (("user_id", "name"), "name", IdentitySource("user_id", None, "name")),
    ],
)
def test_without_a_destination_of_people_the_names_decide_and_then_the_key(names, key, expected):
    companies = destination("companies", "upsert_company", company_id=names[0])
    assert sources([companies], schema(*names), (key,)) == [expected]


def test_a_dataset_without_ids_and_emails_has_no_such_columns():
    assert sources([], schema("key", "name")) == []
    assert sources([destination(user_id="key")], schema("key", "name")) == [
        IdentitySource("key", None, "destination", ("it",))
    ]


def test_a_key_of_several_columns_is_no_id():
    assert sources([], schema("a", "b", "email"), ("a", "b")) == [IdentitySource(None, "email")]


def test_what_sends_people():
    columns = schema("key")
    assert people_template(destination("b", "send_batch", company_id="key"), columns, CATALOGUE) is None
    assert people_template(destination("r", None), columns, CATALOGUE) is None
    assert people_template(destination(), columns, CATALOGUE) is CATALOGUE["upsert_person"]


def test_ids_and_emails_are_those_that_are_sent():
    (one,) = identity_columns([destination(user_id="nr", email="mail")], schema("nr", "mail"), ("nr",), CATALOGUE)
    records = pa.RecordBatch.from_pydict(
        {
            "nr": [" 1\u200b", "2", None, "4", "5"],
            "mail": ["Ada@example.com ", "nobody", "eve@example.com", "", "bob@example.com"],
        }
    )
    misfits = {4: Refusal("type", "is no text")}
    ids, emails = one.pairs(Chunk(records, 0, misfits=misfits))
    assert ids == ["1", "2", None, "4", None]
    assert emails == ["Ada@example.com", None, "eve@example.com", None, None]


def test_a_dataset_without_an_email_column_has_only_ids():
    (one,) = identity_columns([], schema("user_id"), ("user_id",), CATALOGUE)
    assert one.pairs(Chunk(pa.RecordBatch.from_pydict({"user_id": ["1"]}), 0)) == (["1"], [None])


def test_a_second_person_is_refused_with_the_way_out():
    sent, owner = {"user_id": "17", "email": "ada@example.com"}, {"id": "5f", "user_id": "16"}
    refusal = second_person(sent, owner)
    assert (refusal.rule, refusal.field, refusal.value) == ("second person", "email", "ada@example.com")
    assert refusal.reason == (
        "ada@example.com is the e-mail of the user_id 16 in Custify: sending 17 would create a second person"
    )
    assert "user_id 16" in refusal.accepted
    assert "identity: warn" in refusal.accepted
