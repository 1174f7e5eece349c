"""What counts as a difference between what was sent and what Custify returns."""

import pytest

from penstock.run.reconcile.comparison import differences

OWN = "a" * 24
COMPANIES = {OWN: "c1"}


def fields(sent, found, apart=frozenset()):
    return {d.field: (d.ours, d.theirs) for d in differences(sent, found, COMPANIES.get, apart)}


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"signed_up_at": "2026-01-31"}, {"signed_up_at": "2026-01-31T00:00:00.000Z"}),
        ({"size": 7, "churned": True}, {"size": "7", "churned": "TRUE"}),
        ({"custom_attributes": {"seats": "12", "zip": 5.0}}, {"custom_attributes": {"seats": 12, "zip": 5, "more": 1}}),
        ({"name": None, "custom_attributes": {"x": None}}, {}),
        ({"email": "Ann@Example.com"}, {"email": "ann@example.com"}),
        ({"externalId": "7"}, {"externalIds": {"custify": "7"}}),
        ({"id": OWN, "_id": OWN, "entityModel": "Company"}, {}),
        ({"assignedTo": "a@example.com"}, {"assignedTo": OWN, "assignedToEmail": "a@example.com"}),
        ({"owners_csm": "a@example.com"}, {"owners_csm": OWN, "owners_csm_email": "a@example.com"}),
        ({"description": "a < b"}, {"description": "<p>a &lt; b</p>"}),
        ({"company_id": "c1"}, {"company": OWN}),
        ({"user_id": "u1"}, {"people": OWN}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
        (
            {"checklist": [{"name": "x", "completed": False}]},
            {"checklist": [{"name": "x", "completed": False, "id": 1}]},
        ),
        ({"companies": [{"company_id": "c1"}]}, {"companies": ["b" * 24, OWN]}),
        ({"companies": [{"id": OWN}]}, {"companies": [{"company_id": "c1", "id": OWN}]}),
        ({"companies": [{"company_id": "c1", "remove": True}]}, {"companies": []}),
        ({"parent_companies": [{"company_id": "c1"}]}, {}),
        ({"$unset": ["plan", "custom_attributes.x", "metadata.y"]}, {"custom_attributes": {}}),
    ],
)
def test_the_same_in_another_form_is_no_difference(sent, found):
    assert fields(sent, found) == {}


@pytest.mark.parametrize(
    ("sent", "found", "expected"),
    [
        ({"plan": "pro"}, {"plan": "free"}, {"plan": ("pro", "free")}),
        ({"plan": "pro"}, {}, {"plan": ("pro", None)}),
        ({"size": 0}, {}, {"size": (0, None)}),
        ({"churned": False}, {"churned": None}, {"churned": (False, None)}),
        ({"name": None}, {"name": "x"}, {"name": (None, "x")}),
        ({"description": "a"}, {"description": "<p>b</p>"}, {"description": ("a", "<p>b</p>")}),
        ({"custom_attributes": {"x": 1}}, {"custom_attributes": {"x": 2}}, {"custom_attributes.x": (1, 2)}),
        ({"metadata": {"x": 1}}, {"metadata": None}, {"metadata.x": (1, None)}),
        ({"company_id": "c1"}, {"company": "b" * 24}, {"company_id": ("c1", None)}),
        ({"tags": ["a"]}, {"tags": ["a", "b"]}, {"tags": (["a"], ["a", "b"])}),
        ({"tags": ["a", "a"]}, {"tags": ["a", "b"]}, {"tags": (["a", "a"], ["a", "b"])}),
        (
            {"assignedTo": "a@x.de"},
            {"assignedTo": OWN, "assignedToEmail": "b@x.de"},
            {"assignedTo": ("a@x.de", "b@x.de")},
        ),
        ({"companies": [{"company_id": "c2"}]}, {"companies": [OWN]}, {"companies": (["c2"], ["c1"])}),
        ({"companies": [{"company_id": "c2"}]}, {}, {"companies": (["c2"], [])}),
        ({"companies": [{"company_id": "c1", "remove": True}]}, {"companies": [OWN]}, {"companies": ([], ["c1"])}),
        ({"companies": [{"company_id": "c1"}]}, {"companies": ["b" * 24]}, {"companies": (["c1"], ["b" * 24])}),
        (
            {"$unset": ["plan", "custom_attributes.x"]},
            {"plan": "pro", "custom_attributes": {"x": 0}},
            {"plan": (None, "pro"), "custom_attributes.x": (None, 0)},
        ),
    ],
)
def test_a_value_that_custify_has_otherwise_is_a_difference_with_both(sent, found, expected):
    assert fields(sent, found) == expected


def test_fields_that_are_left_to_custify_are_not_compared():
    sent, found = {"plan": "pro", "custom_attributes": {"x": 1, "y": 1}}, {"custom_attributes": {}}
    assert fields(sent, found, frozenset({"plan", "custom_attributes.x"})) == {"custom_attributes.y": (1, None)}
