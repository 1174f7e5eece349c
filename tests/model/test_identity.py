"""The identity report as JSON."""

from penstock.model.identity import (
    LISTS,
    CustifyPerson,
    EmailOfSeveralIds,
    IdentityReport,
    ScientificId,
    TakenEmail,
    identity_json,
)

COUNTS = {"email_several_ids": 2, "id_several_emails": 0, "scientific_ids": 1}


def test_the_document_has_the_lists_and_the_requests_and_nothing_else():
    report = IdentityReport("people", (), scientific_ids=(ScientificId("1E+5", 3),), counts={"scientific_ids": 1})
    document = identity_json(report)
    assert set(document) == {*LISTS, "requests"}
    assert document["scientific_ids"] == [{"id": "1E+5", "records": 3}]
    assert (document["taken_in_custify"], document["requests"]) == (None, 0)


def test_what_the_lists_leave_out_is_counted():
    one = EmailOfSeveralIds("ada@example.com", ("1", "2"), 2, 4)
    report = IdentityReport("people", (), (one,), scientific_ids=(ScientificId("1E+5", 3),), counts=COUNTS)
    assert identity_json(report)["left_out"] == {"email_several_ids": 1}
    assert not report.is_clean
    assert IdentityReport("people", (), counts={"scientific_ids": 0}).is_clean


def test_people_in_custify_are_named():
    taken = TakenEmail("ada@example.com", "1", True, (CustifyPerson("5f", "2"), CustifyPerson("60", None)), 2)
    report = IdentityReport("people", (), taken_in_custify=(taken,), requests=3, counts={"taken_in_custify": 1})
    document = identity_json(report)
    assert document["requests"] == 3
    assert document["taken_in_custify"] == [
        {
            "email": "ada@example.com",
            "id": "1",
            "creates": True,
            "people": [{"id": "5f", "user_id": "2"}, {"id": "60", "user_id": None}],
            "count": 2,
        }
    ]
