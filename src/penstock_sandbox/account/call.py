"""The arguments and results of handlers: a call, a reply or an error. Imports nothing of the sandbox."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part of a multipart form; `filename` is None for a plain field."""

    content: bytes
    content_type: str
    filename: str | None = None

    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Call:
    """An authorised API request with its parsed body (None if there was none), or with its form."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    params: tuple[str, ...] = ()
    # The items of a batch that must fail because of a `partial` fault.
    failing: Callable[[int], bool] | None = None
    form: Mapping[str, FormPart] | None = None


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
