"""The sandbox accepts or refuses any body, without an unexpected error."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.settings import Settings
from penstock_sandbox.api import routes
from penstock_sandbox.api.api import Api, ApiRequest

NAMES = [
    *(
        "id",
        "user_id",
        "email",
        "name",
        "company_id",
        "companies",
        "custom_attributes",
        "$unset",
        "created_at",
        "metadata",
    ),
    *("signed_up_at", "parent_companies", "priority", "status", "dueDate", "assignedTo", "checklist", "externalId"),
    *(
        "text",
        "entity",
        "entityModel",
        "tags",
        "value",
        "data_type",
        "data_id",
        "data",
        "jobs",
        "batch",
        "type",
        "payload",
    ),
    *("person_id", "due_date", "amount", "replies", "ids", "tag", "category", "synchronous", "returnJobId", "remove"),
]
SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.sampled_from(
    ["", "u1", "c1", "2026-01-01", "open", "high", "Company", "people", "company", "event", "api", "add"]
)
KNOWN: dict[str, Any] = {}
IDS = st.sampled_from(["company", "person", "task", "note", "absent"]).map(
    lambda name: KNOWN.get(name, "6b054f0991941777f3ffffff")
)
LEAVES = SCALARS | WORDS | IDS | st.text(max_size=3)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8) | VALUES
LINES = [
    f"{method} {path}"
    for table, base in ((routes.NATIVE, ""), (routes.FLAT_ROUTES, "/api"))
    for method, path in ((line.split(" ")[0], base + line.split(" ")[1]) for line in table)
]


def peopled(strict: bool) -> Api:
    api = Api(Account(Settings(strict=strict, rate=None, job_delay=0.0)), "k", None)

    def make(path: str, body: dict[str, Any]) -> str:
        return api.answer(
            ApiRequest("POST", path, "Bearer k", "application/json", json.dumps(body).encode())
        ).reply.body["id"]

    KNOWN["company"] = make("/company", {"company_id": "c1"})
    KNOWN["person"] = make("/people", {"user_id": "u1", "companies": [{"company_id": "c1"}]})
    KNOWN["task"] = make("/task", {"name": "t", "priority": "low", "status": "open"})
    KNOWN["note"] = make("/note", {"text": "n", "entity": KNOWN["company"], "entityModel": "Company"})
    make("/financial/deal", {"externalId": "u1"})
    make("/ticket", {"externalId": "u1"})
    return api


@pytest.mark.parametrize("strict", [True, False])
@settings(max_examples=4 * settings.default.max_examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_route_replies_to_any_body(strict, data):
    api = peopled(strict)
    for _ in range(3):
        line = data.draw(st.sampled_from(LINES))
        method, path = line.split(" ")
        for part in path.split("/"):
            if part.startswith("{"):
                path = path.replace(part, data.draw(IDS | st.sampled_from(["u1", "Note", "Task", "bad"])), 1)
        query = data.draw(
            st.sampled_from(
                ["", "?company_id=c1", "?user_id=u1", "?externalId=u1", "?email=u1", "?searchTerm=a&tags=b"]
            )
        )
        body = json.dumps(data.draw(BODIES)).encode()
        answer = api.answer(ApiRequest(method, path + query, "Bearer k", "application/json", body))
        assert answer.reply.status in {200, 202, 400, 404, 405, 503}, (line, body, answer)
        if answer.reply.status == 400:
            assert set(answer.reply.body) == {"error", "message", "statusCode"}
