"""What goes into every handler and comes out of it: a call, a reply or an error. Imports nothing of the sandbox."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One API request, already authorised, its body parsed (None when there was none)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    params: tuple[str, ...] = ()
    # Which items of a batch must fail, when a `partial` fault is on.
    doomed: Callable[[int], bool] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """The API refuses this request, with a status and a message for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def error_body(status: int, message: str) -> JsonObject:
    """`{"error", "message", "statusCode"}`, as Custify's own MCP server declares error replies."""
    return {"error": HTTPStatus(status).phrase, "message": message, "statusCode": status}
