"""What is wrong in a request names the place, what was found, and what to write instead, and shows no text."""

from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from penstock.service.api.body_problems import body_problem


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    limit: int = Field(1, ge=1, le=9)
    share: float = 0.5
    fix: bool = False
    name: str = Field("a", min_length=1, max_length=3, pattern="^[a-z]*$")
    mode: Literal["all", "new"] = "all"
    keys: list[str] = []
    fields: dict[str, int] = {}
    inner: "Body | None" = None


NAMED = TypeAdapter(dict[str, Body])


@pytest.mark.parametrize(
    ("given", "path", "found", "hint"),
    [
        ({"limit": 0}, "limit", "0", "write 1 or more"),
        ({"limit": 10}, "limit", "10", "write 9 or less"),
        ({"limit": 10**30}, "limit", "a large number", "write 9 or less"),
        ({"limit": "hush"}, "limit", "a text", "write a whole number"),
        ({"limit": 1.5}, "limit", "1.5", "write a whole number"),
        ({"share": []}, "share", "a list", "write a number"),
        ({"fix": 1}, "fix", "1", "write true or false"),
        ({"fix": ""}, "fix", "an empty text", "write true or false"),
        ({"name": True}, "name", "true", "write a text"),
        ({"name": 4711}, "name", "a number", "write a text"),
        ({"name": ""}, "name", "an empty text", "write 1 or more characters"),
        ({"name": "hush"}, "name", "a text", "write 3 or fewer characters"),
        ({"name": "A"}, "name", "a text", "write a text that matches ^[a-z]*$"),
        ({"mode": "hush"}, "mode", "a text", "write one of 'all' or 'new'"),
        ({"keys": {}}, "keys", "an object", "write a list: […]"),
        ({"fields": None}, "fields", "null", "write an object: {…}"),
        ({"inner": 5}, "inner", "5", "write an object: {…}"),
        ({"limt": "hush"}, "limt", "a text", "remove it"),
    ],
)
def test_a_value_that_is_not_valid(given, path, found, hint):
    with pytest.raises(ValidationError) as failure:
        NAMED.validate_python({"body": given})
    [error] = failure.value.errors()
    problem = body_problem(error)
    assert (problem.path, problem.code, problem.found, problem.hint) == (path, "wrong-value", found, hint)
    assert "hush" not in str(problem)


def test_what_is_missing_or_is_no_json():
    missing = body_problem({"type": "missing", "loc": ("body", "target"), "msg": "Field required", "input": {}})
    assert (missing.path, missing.code, missing.message, missing.hint) == (
        "target",
        "missing",
        "it is missing",
        "add it",
    )
    broken = body_problem({"type": "json_invalid", "loc": ("body", 3), "msg": "…", "input": {}})
    assert (broken.path, broken.code, broken.hint) == ("body", "not-json", "send one JSON document")


def test_an_error_of_another_kind_names_the_description_of_the_api():
    found = body_problem({"type": "url_parsing", "loc": ("body",), "msg": "no URL", "input": "x"})
    assert (found.path, found.hint) == ("body", "see /api/v1/openapi.json")
