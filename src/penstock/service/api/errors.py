"""The error responses of the API: `{"errors": [...]}` with a status."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from penstock.model.errors import EnvironmentFailure, PenstockError, Problem, StateLocked, TooManyTries, problem_json

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
        "unknown-hook",
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


def tell_failures(api: FastAPI) -> None:
    """Return every error of the service in the form of `Problems`."""
    api.add_exception_handler(PenstockError, _refused)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, defect)


def answer(status: int, problems: Sequence[Problem]) -> JSONResponse:
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


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PenstockError)
    request.state.refusal = error.problems[0].code if error.problems else ""  # for the audit log
    reply = answer(status_of(error), error.problems)
    if isinstance(error, TooManyTries):
        reply.headers["Retry-After"] = str(error.retry_after_s)
    return reply


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(400, [_problem(found) for found in error.errors()])


def _problem(found: Any) -> Problem:
    """A problem of validation, without the value that was sent: it may be a secret."""
    place = [str(part) for part in found["loc"]]
    if found["type"] == "json_invalid":
        return Problem("body", "the body is not valid JSON", "not-json", "send one JSON document")
    path = ".".join(place[1:]) or place[0]
    code = "missing" if found["type"] == "missing" else "wrong-value"
    return Problem(path, str(found["msg"]), code)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = WORDS.get(error.status_code, "refused")
    return answer(error.status_code, [Problem(request.url.path, str(error.detail), code, "see /api/v1/openapi.json")])


def defect(_request: Request, error: Exception) -> JSONResponse:
    """The response to an unexpected error, which is logged by place and type: its text can have a secret."""
    places = "".join(f"\n  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(error.__traceback__))
    log.error("defect: %s%s", type(error).__name__, places)
    hint = "please report it with the lines of the log"
    return answer(500, [Problem("penstock", "Penstock has a defect", "defect", hint)])
