# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""The value rules of custify-api section 1, each with good and bad raw bodies."""

import json

import pytest

LONG = "x" * 255
TOO_LONG = "x" * 256

PERSON = [
    ('"name": "%s"' % LONG, None),
    ('"name": "%s"' % TOO_LONG, '"name" length must be less than or equal to 255 characters long'),
    ('"name": ""', None),
    ('"name": 5', '"name" must be a string'),
    ('"name": null', None),
    ('"phone": "0049"', None),
    ('"phone": 49', '"phone" must be a string'),
    ('"email": ""', '"email" is not allowed to be empty'),
    ('"session_count": 0', None),
    ('"session_count": 2147483647', None),
    ('"session_count": -2147483648', None),
    ('"session_count": 2147483648', '"session_count" must be between'),
    ('"session_count": -2147483649', '"session_count" must be between'),
    ('"session_count": 1.5', '"session_count" must be an integer'),
    ('"session_count": true', '"session_count" must be an integer'),
    ('"session_count": "5"', '"session_count" must be an integer'),
    ('"unsubscribed_from_emails": false', None),
    ('"unsubscribed_from_emails": "false"', '"unsubscribed_from_emails" must be a boolean'),
    ('"unsubscribed_from_calls": 0', '"unsubscribed_from_calls" must be a boolean'),
    ('"company_id": "c1"', '"company_id" is not allowed'),
    ('"plan": "pro"', '"plan" is not allowed'),
    ('"churned_at": "2026-01-01"', '"churned_at" is not allowed'),
    ('"anything": 1', '"anything" is not allowed'),
    ('"companies": {"company_id": "c1"}', '"companies" must be an array'),
    ('"companies": ["c1"]', '"companies" contains an item that must be an object'),
    ('"companies": [{}]', 'without "company_id" or "id"'),
    ('"companies": [{"company_id": "c1", "name": "x"}]', '"name" is not allowed'),
    ('"companies": [{"company_id": "c1", "remove": "yes"}]', '"remove" must be a boolean'),
    ('"companies": [{"id": "c1"}]', '"id" must be a valid id'),
    ('"companies": [{"company_id": 366, "remove": false}]', None),
    ('"companies": []', None),
    ('"custom_attributes": []', '"custom_attributes" must be an object'),
]


@pytest.mark.parametrize(("field", "message"), PERSON)
def test_people_fields(sandbox, field, message):
    refused_or_kept(sandbox, "POST /people", '{"user_id": "u1", %s}' % field, message)


COMPANY = [
    ('"size": 50', None),
    ('"size": 50.0', '"size" must be an integer'),
    ('"monthly_revenue": 2147483648', '"monthly_revenue" must be between'),
    ('"monthly_revenue": 99.5', '"monthly_revenue" must be an integer'),
    ('"mrr": 5', '"mrr" is not allowed'),
    ('"churned": true', None),
    ('"churned": "true"', '"churned" must be a boolean'),
    ('"churned_at": "2026-01-01"', '"churned_at" is not allowed'),
    ('"website": "%s"' % TOO_LONG, '"website" length'),
    ('"industry": "SaaS", "plan": "pro", "owners_csm": "ada@example.com", "owners_account": "ada@example.com"', None),
    ('"signed_up_at": "2026-01-01T10:00:00+02:00"', None),
    ('"parent_companies": [{"company_id": "p1"}]', None),
    ('"parent_companies": "p1"', '"parent_companies" must be an array'),
]


@pytest.mark.parametrize(("field", "message"), COMPANY)
def test_company_fields(sandbox, field, message):
    refused_or_kept(sandbox, "POST /company", '{"company_id": "c1", %s}' % field, message)


@pytest.mark.parametrize(
    ("company_id", "status"),
    [('"366"', 200), ("366", 200), ("true", 400), ("3.5", 400), ('""', 400), ("null", 400), ("{}", 400)],
)
def test_a_company_id_is_text_or_a_whole_number(sandbox, company_id, status):
    assert sandbox.call("POST /company", '{"company_id": %s}' % company_id).status == status


def test_a_number_and_its_digits_are_the_same_company_id(sandbox):
    sandbox.call("POST /company", '{"company_id": 366}')
    sandbox.call("POST /company", '{"company_id": "366", "name": "Acme"}')
    (company,) = sandbox.state()["companies"]
    assert (company["company_id"], company["name"]) == ("366", "Acme")


DATES = [
    "2026-02-28 13:45",
    "2026-02-28 13:45:59",
    "2026-02-28T13:45:59",
    "2026-02-28T13:45:59.123",
    "2026-02-28T13:45:59Z",
    "2026-02-28T13:45:59.123Z",
    "2026-02-28T13:45:59.123456Z",
    "2026-02-28T13:45:59+05:30",
    "2026-02-28T13:45:59.123-08:00",
    "2024-02-29T00:00:00Z",
]
NOT_DATES = [
    "2026-02-29",
    "2026-13-01",
    "2026-02-28T25:00:00Z",
    "28.02.2026",
    "02/28/2026",
    "2026-2-8",
    "20260228",
    "2026-02-28T13:45",
    "2026-02-28 13:45:59Z",
    "2026-02-28T13:45:59.1Z",
    "2026-02-28T13:45:59 +05:30",
    "2026-02-28T13:45:59+0530",
    "2026-W09-6",
    "2026-02-28",  # of its own fields Custify's OpenAPI 1.5.7 says date-time
    "today",
    "",
]


@pytest.mark.parametrize("date", DATES)
def test_published_date_formats_are_accepted(sandbox, date):
    assert sandbox.call("POST /people", '{"user_id": "u1", "signed_up_at": "%s"}' % date).status == 200
    assert sandbox.state()["people"][0]["signed_up_at"] == date


@pytest.mark.parametrize("value", [f'"{date}"' for date in NOT_DATES] + ["1767225600", "1767225600.5", "true", "[]"])
def test_other_date_formats_are_refused(sandbox, value):
    refused_or_kept(
        sandbox,
        "POST /people",
        '{"user_id": "u1", "signed_up_at": %s}' % value,
        '"signed_up_at" must be a date and time in ISO 8601 format',
    )


ATTRIBUTES = [
    ('"gender": "f"', None),
    ('"text": "%s"' % LONG, None),
    ('"text": "%s"' % TOO_LONG, '"custom_attributes.text" length'),
    ('"n": 0, "f": 29.85, "b": false, "empty": "", "none": null', None),
    ('"n": 2147483648', '"custom_attributes.n" must be between'),
    ('"address": {"street": "x"}', '"custom_attributes.address" must be a string, a number or a boolean'),
    ('"tags": ["a"]', '"custom_attributes.tags" must be a string, a number or a boolean'),
    ('"tags": []', '"custom_attributes.tags" must be'),
    ('"price": {"value": 12.5, "currency": "EUR"}', None),
    ('"price": {"value": "12.5", "currency": "EUR"}', '"custom_attributes.price" must be'),
    ('"price": {"value": 12.5, "currency": "EUR", "x": 1}', '"custom_attributes.price" must be'),
    ('"%s": 1' % ("n" * 190), None),
    ('"%s": 1' % ("n" * 191), "name length must be less than or equal to 190"),
    ('"a.b": 1', "name must not contain . or $"),
    ('"$a": 1', "name must not contain . or $"),
    ('"2024": 1', "name must not consist of digits only"),
    ('"2024q1": 1', None),
    ('"": 1', "name is not allowed to be empty"),
    ('"with space": 1', None),
]


@pytest.mark.parametrize(("attributes", "message"), ATTRIBUTES)
@pytest.mark.parametrize("line", ["POST /people", "POST /company"])
def test_custom_attributes(sandbox, line, attributes, message):
    key = "user_id" if line == "POST /people" else "company_id"
    refused_or_kept(sandbox, line, '{"%s": "k1", "custom_attributes": {%s}}' % (key, attributes), message)


def test_at_most_250_custom_attributes(sandbox):
    def body(numbers):
        return json.dumps({"company_id": "c1", "custom_attributes": {f"a{n}": n for n in numbers}})

    assert sandbox.call("POST /company", body(range(250))).status == 200
    assert sandbox.call("POST /company", body(range(100, 250))).status == 200
    got = sandbox.call("POST /company", body([250]))
    assert (got.status, "250 fields" in got.json()["message"]) == (400, True)
    assert sandbox.call("POST /people", '{"user_id": "u1", "custom_attributes": {"own": 1}}').status == 200


EVENT = [
    ('"name": "%s"' % ("x" * 100), None),
    ('"name": "%s"' % ("x" * 101), '"name" length must be less than or equal to 100 characters long'),
    ('"email": "%s"' % ("x" * 101), '"email" length must be less than or equal to 100'),
    ('"deduplication_id": "%s"' % ("x" * 101), '"deduplication_id" length'),
    ('"metadata": {"a": "%s"}' % ("x" * 100), None),
    ('"metadata": {"a": "%s"}' % ("x" * 101), '"metadata.a" length must be less than or equal to 100'),
    ('"metadata": {"a": 0, "b": false, "c": "", "d": null, "e": 1.5}', None),
    ('"metadata": {"a": 2147483648}', '"metadata.a" must be between'),
    ('"metadata": {"a": {"b": 1}}', '"metadata.a" must be a string, a number or a boolean'),
    ('"metadata": []', '"metadata" must be an object'),
    ('"metadata": %s' % json.dumps({f"k{n}": n for n in range(50)}), None),
    (
        '"metadata": %s' % json.dumps({f"k{n}": n for n in range(51)}),
        '"metadata" must have less than or equal to 50 keys',
    ),
    (
        '"metadata": %s' % json.dumps({"k" * 300 + str(n): "v" * 100 for n in range(25)}),
        '"metadata" length must be less than or equal to 10000',
    ),
    ('"feature": "x"', '"feature" is not allowed'),
    ('"created_at": 1767225600', '"created_at" must be a date and time'),
]


@pytest.mark.parametrize(("field", "message"), EVENT)
def test_event_fields(sandbox, field, message):
    sandbox.call("POST /people", '{"user_id": "u1"}')
    name = "" if '"name"' in field else '"name": "login", '
    created = "" if '"created_at"' in field else '"created_at": "2026-01-01T00:00:00Z", '
    refused_or_kept(sandbox, "POST /event", '{%s%s"user_id": "u1", %s}' % (name, created, field), message)


def test_lenient_stores_valid_values_and_warns(sandbox):
    sandbox.settings(strict=False)
    body = '{"user_id": "u1", "plan": "pro", "session_count": 1.5, "signed_up_at": "soon", "custom_attributes": {"a.b": 1, "c": 2}}'
    assert sandbox.call("POST /people", body).status == 200
    (person,) = sandbox.state()["people"]
    assert (person["signed_up_at"], person["custom_attributes"]) == ("soon", {"c": 2})
    assert not {"plan", "session_count"} & set(person)
    assert set(sandbox.state()["warnings"]) == {
        '"plan" is not allowed',
        '"session_count" must be an integer',
        '"signed_up_at" must be a date and time in ISO 8601 format',
        '"custom_attributes.a.b" name must not contain . or $',
    }


def test_lenient_still_needs_a_match_key(sandbox):
    sandbox.settings(strict=False)
    assert sandbox.call("POST /people", '{"name": "x"}').status == 400
    assert sandbox.call("POST /people", '{"user_id": {}}').status == 400


TYPES = [
    ('"x": "2026-01-01"', "Date"),
    ('"seen_at": "whenever"', "Date"),
    ('"x": "7"', "Number"),
    ('"x": "5.4"', "Number"),
    ('"x": 7', "Number"),
    ('"x": "TRUE"', "Boolean"),
    ('"x": "false"', "Boolean"),
    ('"x": false', "Boolean"),
    ('"x": "pro"', "String"),
    ('"x": ""', "String"),
    ('"x": {"value": 1, "currency": "EUR"}', "Currency"),
]


@pytest.mark.parametrize(("attribute", "pinned"), TYPES)
@pytest.mark.parametrize(
    ("line", "key", "reading"), [("POST /people", "user_id", "customer"), ("POST /company", "company_id", "company")]
)
def test_the_first_value_sets_the_type(sandbox, line, key, reading, attribute, pinned):
    sandbox.call(line, '{"%s": "k1", "custom_attributes": {%s}}' % (key, attribute))
    listed = sandbox.call(f"GET /{reading}/attributes").json()
    (own,) = [field for field in listed if field["name"].startswith("custom_attributes.")]
    assert own["fieldType"] == pinned
    assert {"name", "niceName", "fieldType"} == set(own)


def test_a_later_value_of_another_type_is_kept_with_a_warning(sandbox):
    for value in ('"7"', "null", "8", '"nine"'):
        body = '{"user_id": "u1", "custom_attributes": {"x": %s}}' % value
        assert sandbox.call("POST /people", body).status == 200
    assert sandbox.state()["attributes"]["customer"] == {"x": "Number"}
    assert sandbox.state()["people"][0]["custom_attributes"] == {"x": "nine"}
    assert list(sandbox.state()["warnings"].values()) == [1]


def test_null_clears(sandbox):
    sandbox.call("POST /people", '{"user_id": "u1", "name": "Ann", "custom_attributes": {"x": 1, "y": 2}}')
    sandbox.call("POST /people", '{"user_id": "u1", "name": null, "custom_attributes": {"x": null}}')
    (person,) = sandbox.state()["people"]
    assert person["custom_attributes"] == {"y": 2}
    assert "name" not in person


UNSET = [
    ('"$unset": ["name", "phone", "custom_attributes.x"]', None),
    ('"$unset": ["signed_up_at", "session_count", "unsubscribed_from_emails", "unsubscribed_from_calls"]', None),
    ('"$unset": []', None),
    ('"$unset": ["email"]', '"$unset" contains a field that can not be unset: email'),
    ('"$unset": ["user_id"]', '"$unset" contains a field that can not be unset: user_id'),
    ('"$unset": "name"', '"$unset" must be an array of strings'),
    ('"$unset": [1]', '"$unset" must be an array of strings'),
    ('"name": "Bob", "$unset": ["name"]', '"name" can not be set and unset in the same request'),
    (
        '"custom_attributes": {"x": 2}, "$unset": ["custom_attributes.x"]',
        '"custom_attributes.x" can not be set and unset',
    ),
]


@pytest.mark.parametrize(("field", "message"), UNSET)
def test_unset(sandbox, field, message):
    sandbox.call("POST /people", '{"user_id": "u1", "name": "Ann", "phone": "1", "custom_attributes": {"x": 1}}')
    got = sandbox.call("POST /people", '{"user_id": "u1", %s}' % field)
    (person,) = sandbox.state()["people"]
    if message is None:
        assert got.status == 200
        assert ("name" in person) == ('"name"' not in field)
    else:
        assert (got.status, message in got.json()["message"]) == (400, True)
        assert person["name"] == "Ann"


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("name", 200),
        ("plan", 200),
        ("monthly_revenue", 200),
        ("owners_csm", 200),
        ("churned", 400),
        ("company_id", 400),
    ],
)
def test_unset_of_a_company(sandbox, field, status):
    assert sandbox.call("POST /company", '{"company_id": "c1", "$unset": ["%s"]}' % field).status == status


def refused_or_kept(sandbox, line, body, message):
    """The body is taken, or refused with 400, this message and no change."""
    before = sandbox.stats()["objects"]
    got = sandbox.call(line, body)
    if message is None:
        assert got.status in (200, 202), got.body
        assert sandbox.stats()["objects"] != before
    else:
        assert got.status == 400, got.body
        assert got.json()["statusCode"] == 400
        assert message in got.json()["message"]
        assert sandbox.stats()["objects"] == before
