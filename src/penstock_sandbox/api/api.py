"""Handles an API request from its bytes to its reply, without a socket: key, limit, fault, body, handler."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, Reply, error_body
from penstock_sandbox.api import form as forms
from penstock_sandbox.api import routes
from penstock_sandbox.api.faults import ActiveFaults, Fault
from penstock_sandbox.api.rate_limit import RateLimit
from penstock_sandbox.native import batches

_READING = frozenset(("GET", "HEAD"))
BATCH = "/batch"
_NO_FAULT = Fault()
_TOO_MANY = error_body(429, "Too many requests, please try again later")


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A received request. `target` is the path of the request line with the query."""

    method: str
    target: str
    authorization: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to send, the fault that alters it, and whether the request's change was made."""

    reply: Reply
    fault: Fault
    committed: bool


class Api:
    """The API of an account, with its rate limit and faults."""

    def __init__(self, account: Account, api_key: str, read_only_key: str | None) -> None:
        self.account = account
        self.limit = RateLimit()
        self.faults = ActiveFaults()
        self.unauthorised = 0
        self._full = f"Bearer {api_key}"
        self._read_only = None if read_only_key is None else f"Bearer {read_only_key}"

    def answer(self, request: ApiRequest) -> Answer:
        """The reply to a request. Never raises `ApiError`: refusals are replies."""
        batches.catch_up(self.account)
        path, _, query = request.target.partition("?")
        path = unquote(path) if "%" in path else path
        try:
            self._authorise(request)
            counted = self.account.settings.batch_cost == "jobs" and path.endswith(BATCH)
            body = _parsed(request) if counted else None
        except ApiError as refusal:
            return Answer(_refusal(refusal), _NO_FAULT, committed=False)
        ticket = self.limit.take(self.account.settings.rate, self.account.now(), _cost(path, body))
        headers = ticket.headers
        if not ticket.admitted:
            return Answer(Reply(429, _TOO_MANY, headers), _NO_FAULT, committed=False)
        fault = self.faults.meet(request.method, path, request.body)
        if fault is not None and not fault.commits():
            return Answer(Reply(200, {}, headers), fault, committed=False)
        reply = self._handled(request, path, query, fault)
        committed = reply.status < 400 and request.method not in _READING
        return Answer(Reply(reply.status, reply.body, {**headers, **reply.headers}), fault or _NO_FAULT, committed)

    def _authorise(self, request: ApiRequest) -> None:
        if request.authorization == self._full:
            return
        if self._read_only is not None and request.authorization == self._read_only:
            if request.method in _READING:
                return
            raise ApiError(403, "This API key is read-only")
        self.unauthorised += 1
        raise ApiError(401, "Invalid API key")

    def _handled(self, request: ApiRequest, path: str, query: str, fault: Fault | None) -> Reply:
        try:
            handler, params = routes.find(request.method, path)
            body = form = None
            if request.body and request.method not in _READING:
                if handler in routes.UPLOADS and forms.is_form(request.content_type):
                    form = forms.form_of(request.content_type, request.body)
                else:
                    self._check_content_type(request.content_type)
                    body = _parsed(request)
            call = Call(
                method=request.method,
                path=path,
                query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
                body=body,
                params=params,
                failing=None if fault is None else fault.failing(),
                form=form,
            )
            return handler(self.account, call)
        except ApiError as refusal:
            return _refusal(refusal)

    def _check_content_type(self, content_type: str) -> None:
        if content_type.partition(";")[0].strip().lower() != "application/json":
            self.account.object_to("Content-Type must be application/json")


def _parsed(request: ApiRequest) -> Any:
    if not request.body:
        return None
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from error


def _cost(path: str, body: Any) -> int:
    """The cost of a request: the number of jobs if `body` is that of a batch, else 1."""
    if not path.endswith(BATCH) or not isinstance(body, dict):
        return 1
    items = body.get("jobs", body.get("batch"))
    return max(1, len(items)) if isinstance(items, list) else 1


def _refusal(refusal: ApiError) -> Reply:
    return Reply(refusal.status, error_body(refusal.status, refusal.message))
