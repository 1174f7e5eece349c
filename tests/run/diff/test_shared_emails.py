"""The e-mails that a run sends with several user_ids are counted, however the payload is written."""

import orjson
import pytest

from penstock.model.record import Payload
from penstock.run.diff.shared_emails import SharedEmails


def counted(*texts):
    """How many of these records have an e-mail that is sent with several user_ids."""
    emails = SharedEmails(of_people=True)
    emails.add([Payload(number, str(number), text, number) for number, text in enumerate(texts)])
    emails.close()
    return sum(note.count for note in emails.notes())


def person(own, email, **more):
    return orjson.dumps({"user_id": own, "email": email, **more})


@pytest.mark.parametrize(
    "same",
    [
        person("u2", "ada@x.example"),
        person("u2", "Ada@X.example", name="Ada"),
        b'{"email":"ada@x.example","user_id":"u2"}',
        b'{"name":"Ada","user_id":"u2","email":"ada@x.example"}',
        b'{"user_id":"u2","email":"\\u0061da@x.example"}',
        person('u"2', "ada@x.example"),
        person("u\\2", "ada@x.example"),
    ],
)
def test_two_user_ids_of_one_e_mail_are_two_records(same):
    assert counted(person("u1", "ada@x.example"), person("u3", "bob@x.example"), same) == 2


@pytest.mark.parametrize(
    "other",
    [
        person("u1", "ADA@x.example", name="the same person"),
        b'{"user_id":"\\u00751","email":"ada@x.example"}',
        person("u2", "ada@x.example.org"),
        person("u2", None),
        person(2, "ada@x.example"),
        b'{"user_id":"u2"}',
        b'{"user_id":"u2","custom_attributes":{"email":"ada@x.example"}}',
        b'{"user_id":"u2","name":"\\",\\"email\\":\\"ada@x.example"}',
    ],
)
def test_what_is_no_second_user_id_of_an_e_mail_is_not_counted(other):
    assert counted(person("u1", "ada@x.example"), other) == 0


def test_e_mails_in_other_scripts_are_compared_in_lower_case():
    assert counted(person("u1", "ÉVA@x.example"), person("u2", "éva@x.example")) == 2
