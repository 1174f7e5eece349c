"""`Replays`: the stored responses of requests with an Idempotency-Key. A repeated request changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from penstock.model.errors import ConflictError, InputError, Problem
from penstock.run.context import Context
from penstock.service.model import KeyedRequest, ReplayedResponse
from penstock.store.project.credentials import Sealer, response_name
from penstock.store.service_tables import answers

KEPT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The stored response of a request; `status` is None while it is in progress, `sealed` is the sealed body."""

    content_hash: str
    status: int | None
    headers: Mapping[str, str]
    sealed: bytes | None


def stored_response(conn: Connection, request: KeyedRequest, now: float) -> StoredResponse | None:
    """The stored response for this caller and key; None if there is none or it has expired."""
    row = conn.execute(select(answers).where(_is(request), answers.c.until >= now)).mappings().one_or_none()
    if row is None:
        return None
    headers: dict[str, Any] = {} if row["headers"] is None else orjson.loads(row["headers"])
    return StoredResponse(row["asked"], row["status"], headers, row["sealed"])


def begin_response(conn: Connection, request: KeyedRequest, until: float) -> None:
    """Mark a request as in progress, in place of an older one with its key. Needs an exclusive transaction."""
    forget_response(conn, request)
    row = {"who": request.who, "key": request.key, "asked": request.content_hash, "until": until}
    conn.execute(insert(answers), row)


def store_response(conn: Connection, request: KeyedRequest, response: StoredResponse) -> None:
    """Store the response of a request that is in progress."""
    row = {
        "status": response.status,
        "headers": orjson.dumps(dict(response.headers)).decode(),
        "sealed": response.sealed,
    }
    conn.execute(update(answers).where(_is(request)).values(row))


def forget_response(conn: Connection, request: KeyedRequest) -> None:
    """Delete the stored response of a request."""
    conn.execute(delete(answers).where(_is(request)))


def seal_response(sealer: Sealer, request: KeyedRequest, body: bytes) -> bytes:
    return sealer.seal(body.decode("latin-1"), response_name(request.who, request.key))


def opened_response(sealer: Sealer, request: KeyedRequest, sealed: bytes) -> bytes:
    """The opened body. InputError when it was sealed with another key."""
    return sealer.open(sealed, response_name(request.who, request.key)).encode("latin-1")


def _is(request: KeyedRequest) -> Any:
    return (answers.c.who == request.who) & (answers.c.key == request.key)


@dataclass(frozen=True, slots=True)
class Replays:
    """`ctx` returns the context with the current project."""

    ctx: Callable[[], Context]

    def begin(self, request: KeyedRequest) -> ReplayedResponse | None:
        """The stored response; or None, and then the caller executes the request and calls `store` or `forget`.

        ConflictError when the key was used for another request, or while the same request is in progress.
        """
        ctx = self.ctx()
        now = ctx.clock.now().timestamp()
        with ctx.database.begin() as conn:
            known = stored_response(conn, request, now)
            if known is None:
                begin_response(conn, request, now + KEPT_S)
                return None
        if known.content_hash != request.content_hash:
            message = "this key was used for another request"
            raise _refusal(message, "key-reused", "use a new key for every request", request)
        if known.status is None:
            message = "the same request is in progress, or its result is unknown"
            hint = "try again in a moment; if this persists, check what was changed"
            raise _refusal(message, "in-progress", hint, request)
        return ReplayedResponse(known.status, known.headers, self._body(ctx, request, known))

    def store(self, request: KeyedRequest, response: ReplayedResponse) -> None:
        """Store the response, which a request with the same key gets for a day."""
        ctx = self.ctx()
        sealed = seal_response(ctx.sealer(), request, response.body) if response.body else None
        with ctx.database.begin() as conn:
            store_response(
                conn, request, StoredResponse(request.content_hash, response.status, response.headers, sealed)
            )

    def forget(self, request: KeyedRequest) -> None:
        """Forget a refused request, which changed nothing, so that it can be sent again."""
        with self.ctx().database.begin() as conn:
            forget_response(conn, request)

    @staticmethod
    def _body(ctx: Context, request: KeyedRequest, known: StoredResponse) -> bytes:
        if known.sealed is None:
            return b""
        try:
            return opened_response(ctx.sealer(), request, known.sealed)
        except InputError:  # the sealing key was rotated since
            message = "the request was executed, but its response can no longer be returned"
            raise _refusal(message, "answer-gone", "check what was changed", request) from None


def _refusal(message: str, code: str, hint: str, request: KeyedRequest) -> ConflictError:
    return ConflictError(Problem("Idempotency-Key", message, code, hint, found=request.key))
