"""The OpenAPI document has everything that a typed client needs."""

import re

import pytest

from penstock.service.api.app import make_api
from penstock.service.app import ServiceApp

OPEN = {f"/api/v1{path}" for path in ("/", "/session", "/setup", "/session/oidc", "/session/oidc/callback")}
UNNAMED = {
    "signIn": "gives a cookie, which nobody keeps for another answer",
    "setUp": "the same",
    "changePassword": "the same",
    "uploadFile": "a file is too large to be remembered; sent again it is a second file, under a name of its own",
    "backUp": "a file, too",
    "previewUnsaved": "changes nothing",
    "previewUnsavedDataset": "changes nothing",
    "previewHeld": "changes nothing",
    "checkUnsaved": "changes nothing",
    "validateResource": "changes nothing",
}
UNTYPED = {"getFileSchema"}  # a JSON Schema


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    with ServiceApp.open_applied(f"sqlite:///{folder / 'state.db'}", environ={}) as app:
        return make_api(app).openapi()


@pytest.fixture(scope="module")
def operations(document):
    return [(method, path, op) for path, methods in document["paths"].items() for method, op in methods.items()]


def test_every_operation_has_a_name_that_code_can_use(document, operations):
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch("[a-z][A-Za-z]+", name)] == []
    known = {tag["name"] for tag in document["tags"]}
    assert {tag for _, _, operation in operations for tag in operation["tags"]} <= known


def test_every_response_is_in_the_openapi_document(document, operations):
    plain = []
    for method, path, operation in operations:
        assert "422" not in operation["responses"], path
        assert operation["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("/Problems")
        good = [each for status, each in operation["responses"].items() if status[0] in "23"]
        assert good
        for kind, media in (pair for each in good for pair in each.get("content", {}).items()):
            schema = media.get("schema", {})
            typed = (
                "$ref" in schema or kind != "application/json" or schema.get("additionalProperties") not in (None, True)
            )
            if not typed and operation["operationId"] not in UNTYPED and "303" not in operation["responses"]:
                plain.append((method, path))
    assert plain == []
    shapes = document["components"]["schemas"]
    assert "Problems" in shapes
    assert not {"HTTPValidationError", "ValidationError"} & shapes.keys()


def test_every_route_that_needs_sign_in_names_the_schemes(document, operations):
    assert set(document["components"]["securitySchemes"]) == {"session", "csrf", "token"}
    for method, path, operation in operations:
        if path in OPEN and method != "delete":
            assert "security" not in operation, path
        elif "security" in operation:
            session, token = operation["security"]
            assert token == {"token": []}
            assert set(session) == ({"session"} if method == "get" else {"session", "csrf"}), path


def test_every_post_takes_an_idempotency_key_or_is_a_known_exception(operations):
    posts = {operation["operationId"]: operation for method, _, operation in operations if method == "post"}
    keyed = {
        operation["operationId"]
        for _, _, operation in operations
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }
    assert keyed <= posts.keys()
    assert posts.keys() - keyed == UNNAMED.keys()
