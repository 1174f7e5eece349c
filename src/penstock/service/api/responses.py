"""The responses of the API: the one form of every error, JSON without validation, and previews.

Other response models are beside the routes that return them, or are classes that end in `Json`, beside the reports that
they represent: in `model/runs.py`, `model/reports.py` and `service/documents.py`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from penstock.model.errors import (
    EnvironmentFailure,
    PenstockError,
    Problem,
    ProblemJson,
    StateLocked,
    TooManyTries,
    problem_json,
)
from penstock.model.outcome import NoteJson
from penstock.model.record import RefusedJson
from penstock.model.reports import RequestJson
from penstock.service.api.body_problems import body_problem

COMPONENTS = "#/components/schemas"  # of the OpenAPI document
CONFLICTS = frozenset(
    {
        "active",
        "answer-gone",
        "ended",
        "held",
        "in-progress",
        "in-use",
        "key-reused",
        "last-admin",
        "name-taken",
        "not-empty",
        "not-resumable",
    }
)
STATUSES = {
    "changed-meanwhile": 412,
    "cross-site": 403,
    "link-over": 403,
    "not-allowed": 403,
    "not-signed-in": 401,
    "too-large": 413,
    "wrong-sign-in": 401,
}
NOT_THERE = frozenset(
    {
        "no-such-template",
        "unknown-cause",
        "unknown-credential",
        "unknown-dataset",
        "unknown-delivery",
        "unknown-destination",
        "unknown-destination-or-flow",
        "unknown-flow",
        "unknown-id",
        "unknown-person",
        "unknown-discard",
        "unknown-run",
        "unknown-section",
        "unknown-setting",
        "unknown-source",
        "unknown-token",
        "unknown-version",
    }
)  # resources in a path or a query; other unknown names are invalid input
WORDS = {404: "unknown-route", 405: "wrong-method"}
log = logging.getLogger("penstock.api")


class Problems(BaseModel):
    """The form of every error response."""

    errors: list[ProblemJson]


class PreviewOut(BaseModel):
    """The requests that the sample records produce; `refused` are the records that would be quarantined."""

    requests: list[RequestJson]
    notes: list[NoteJson]
    refused: list[RefusedJson]
    base_url: str
    base_url_reason: str


class UnsavedPreview(PreviewOut):
    """A preview of unsaved settings; if they are invalid, it has `errors` and no requests."""

    errors: list[ProblemJson]


def add_error_handlers(api: FastAPI) -> None:
    """Return every error of the service in the form of `Problems`."""
    api.add_exception_handler(PenstockError, _refused)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, defect)


def error_response(status: int, problems: Sequence[Problem]) -> JSONResponse:
    """The response with these problems, in the form of `Problems`."""
    return JSONResponse({"errors": [problem_json(problem) for problem in problems]}, status)


def status_of(error: PenstockError) -> int:
    """The status for an error: 503 if a database, a file or a service failed, else by the first problem's code."""
    code = error.problems[0].code if error.problems else ""
    if isinstance(error, StateLocked) or code in CONFLICTS:
        return 409
    if isinstance(error, EnvironmentFailure):
        return 503
    if code in STATUSES:
        return STATUSES[code]
    if isinstance(error, TooManyTries):
        return 429
    return 404 if code in NOT_THERE else 400


def defect(_request: Request, error: Exception) -> JSONResponse:
    """The response to an unexpected error, which is logged by place and type: its text can have a secret."""
    places = "".join(f"\n  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(error.__traceback__))
    log.error("defect: %s%s", type(error).__name__, places)
    hint = "please report it with the lines of the log"
    return error_response(500, [Problem("penstock", "Penstock has a defect", "defect", hint)])


def whole_problems(found: Iterable[Problem]) -> list[ProblemJson]:
    """The problems, each with the members `file` and `choices` even if they are empty."""
    return [{"file": None, "choices": [], **problem_json(problem)} for problem in found]


def as_it_is(document: Any) -> Response:
    """A response of a route that returns `document` without validation: to validate 500 rows takes longer than to make
    them. The tests validate these routes with strict models.
    """
    return Response(orjson.dumps(document), media_type="application/json")


def plain(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a document that may have values of any type, such as the settings of a resource."""
    return Response(to_json(document, inf_nan_mode="null"), status, headers, "application/json")


def attachment(name: str) -> dict[str, str]:
    """The header with which a browser stores the response as a file of this name."""
    return {"Content-Disposition": f'attachment; filename="{quote(name)}"'}


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PenstockError)
    request.state.refusal = error.problems[0].code if error.problems else ""  # for the audit log
    reply = error_response(status_of(error), error.problems)
    if isinstance(error, TooManyTries):
        reply.headers["Retry-After"] = str(error.retry_after_s)
    return reply


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [body_problem(found) for found in error.errors()]
    request.state.refusal = problems[0].code if problems else ""
    return error_response(400, problems)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = WORDS.get(error.status_code, "refused")
    return error_response(
        error.status_code, [Problem(request.url.path, str(error.detail), code, "see /api/v1/openapi.json")]
    )
