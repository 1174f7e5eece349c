"""The OpenAPI document: what FastAPI derives from the routes, completed with sign-in, errors and idempotency keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter

from penstock.model.runs import ProgressJson
from penstock.service.api.dependencies import COOKIE, CSRF_HEADER, SAFE
from penstock.service.api.middleware.idempotency import HEADER, KEY, takes_key
from penstock.service.api.responses import COMPONENTS, Problems

ABOUT = """The REST API of Penstock, which sends records to Custify. Lists are paginated: pass `next` as `cursor` to get
the next page. Every error has the form `{"errors": [...]}`; each entry names what is wrong, where, and what to write
instead. Authenticate with an API token or with a session cookie. Writes with a session cookie also need the header
`X-Penstock-CSRF`, whose value `GET /session` returns."""
TAGS = {
    "about": "The name and version of the service.",
    "overview": "The project's graph, statistics, search.",
    "project": "The whole project, its resources (`kind` is their section in the project file), and its versions.",
    "credentials": "API keys and base URLs.",
    "sources": "Where records come from: files, databases, webhooks, replies.",
    "datasets": "Records of a source with a key and detected columns.",
    "templates": "Descriptions of Custify's endpoints.",
    "destinations": "A dataset, a credential and a request: preview, plan, test and activate, saved or unsaved.",
    "flows": "Destinations that run together, on a schedule.",
    "runs": "Runs with their requests and records.",
    "quarantine": "Records that wait for a person's decision.",
    "people": "Users, sessions, API tokens and the audit log.",
    "alerts": "Alerts and their settings.",
    "settings": "The retention settings.",
    "care": "Diagnosis, pruning, backup and key rotation.",
    "demo": "The sample company.",
}
SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by `POST /session`."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "Required for every write with a session cookie; the value is `csrf` from `GET /session`.",
    },
    "token": {"type": "http", "scheme": "bearer", "description": "An API token, `pst_…`."},
}
REFUSALS = {
    "4XX": "The request is invalid or not allowed",
    "5XX": "A database, a file or another service is unavailable (503), or Penstock has a defect (500)",
}
IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A unique key for this request. A request with the same key within a day is not executed again; "
    "the stored response is returned.",
    "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
}


def describe(api: FastAPI) -> None:
    """Complete the OpenAPI document of `api`. Call it after all routes are added."""
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
            for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own; this service never returns them
                parts["schemas"].pop(name, None)
            api.openapi_schema = document
        return api.openapi_schema

    api.openapi = described  # type: ignore[method-assign] # FastAPI documents this way


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
        dependant = getattr(route, "dependant", None)
        if dependant is not None and any(hasattr(each.call, "right") for each in dependant.dependencies):
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
