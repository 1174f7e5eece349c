"""The OpenAPI document: what FastAPI derives, and what holds for every route: sign-in, errors, keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter

from penstock.model.runs import ProgressJson
from penstock.service.api.dependencies import COOKIE, CSRF_HEADER, SAFE
from penstock.service.api.middleware.idempotency import HEADER, KEY, takes_key
from penstock.service.api.shapes import COMPONENTS, Problems

ABOUT = """The REST API of Penstock, which sends records to Custify. Lists come in pages: `next` is the `cursor` of
what follows. Every refusal is `{"errors": [...]}`: what is wrong, where, and what to write instead. Sign in by a
session's cookie, whose writes also carry a header that `GET /session` tells, or by an API token."""
TAGS = {
    "about": "What answers here.",
    "overview": "The whole project at a glance, figures, search.",
    "project": "The project as a whole, its parts (`kind` is their section in the project file), and its versions.",
    "credentials": "Keys and addresses of APIs.",
    "sources": "Where records come from.",
    "datasets": "Keyed records of a source, with their columns.",
    "templates": "The endpoints of Custify as documents.",
    "destinations": "What is sent where; also with settings that are not saved.",
    "flows": "Destinations that run together, by a schedule.",
    "runs": "Executions, their requests and their records.",
    "quarantine": "Records held for a person.",
    "people": "Who may sign in, API tokens, the audit log.",
    "alerts": "What needs a person.",
    "settings": "The service's own settings.",
    "care": "What is wrong with the service.",
    "demo": "The sample company.",
}
SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Given by `POST /session`."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "With every write of a session; `GET /session` tells it as `csrf`.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "An API token, `pst_…`."},
}
REFUSALS = {
    "4XX": "What was asked is wrong, or may not be done",
    "5XX": "The world around does not play along (503), or there is a defect",
}
IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A name of this request: asked again within a day it gets the same answer and does nothing.",
    "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
}


def describe(api: FastAPI) -> None:
    """Let the API's document tell this too. To be called when all routes are there."""
    plain = api.openapi

    def described() -> dict[str, Any]:
        if api.openapi_schema is None:
            document = plain()
            guarded = set(_guarded(api))
            for path, methods in document["paths"].items():
                for method, operation in methods.items():
                    _complete(operation, method.upper(), path, guarded=(method.upper(), path) in guarded)
            document["info"]["description"] = ABOUT
            document["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]
            parts = document["components"]
            parts["securitySchemes"] = SCHEMES
            parts["schemas"] |= _shapes()
            for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which this service never gives
                parts["schemas"].pop(name, None)
            api.openapi_schema = document
        return api.openapi_schema

    api.openapi = described  # type: ignore[method-assign] # the way that FastAPI documents


def _complete(operation: dict[str, Any], method: str, path: str, *, guarded: bool) -> None:
    operation["responses"].pop("422", None)
    for status, about in REFUSALS.items():
        shape = {"schema": {"$ref": f"{COMPONENTS}/Problems"}}
        operation["responses"][status] = {"description": about, "content": {"application/json": shape}}
    if guarded:
        session: dict[str, list[str]] = {"session": []} if method in SAFE else {"session": [], "csrf": []}
        operation["security"] = [session, {"token": []}]
    if takes_key(method, path):
        operation.setdefault("parameters", []).append(IDEMPOTENCY)


def _guarded(api: FastAPI) -> Iterator[tuple[str, str]]:
    """(method, path) of the routes that need a right."""
    for route in iter_route_contexts(api.routes):
        asked = getattr(route, "dependant", None)
        if asked is not None and any(hasattr(each.call, "right") for each in asked.dependencies):
            for method in route.methods or ():
                yield method, str(route.path)


def _shapes() -> dict[str, Any]:
    """The shapes of a refusal and of the event `progress`, which no route names as its answer."""
    found: dict[str, Any] = {}
    for shape in (Problems, ProgressJson):
        document = TypeAdapter(shape).json_schema(ref_template=f"{COMPONENTS}/{{model}}", mode="serialization")
        found |= document.pop("$defs")
        found[shape.__name__] = document
    return found
