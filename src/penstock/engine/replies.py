"""Requests and replies as documents: for the quarantine, and as records of a response source. No secret is in them.

The credential's headers are added by the client when it sends, so a `Request` never holds them.
"""

from __future__ import annotations

from typing import Any

from penstock.model.delivery import Delivery, Lost, Reply
from penstock.model.record import Request
from penstock.model.reports import as_json

KEPT_BODY = 20_000  # characters of a body that are kept for a person to look at


def request_document(request: Request) -> dict[str, Any]:
    body = None if request.body is None else request.body[: KEPT_BODY * 4].decode("utf-8", errors="replace")[:KEPT_BODY]
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), "body": body}


def reply_document(answer: Reply | Lost | None) -> dict[str, Any] | None:
    """A reply as `{status, headers, body}`, a loss as `{error}`."""
    if answer is None:
        return None
    if isinstance(answer, Lost):
        return {"error": answer.reason}
    return {"status": answer.status, "headers": dict(answer.headers), "body": answer.text[:KEPT_BODY]}


def response_record(delivery: Delivery, *, run: str, number: int) -> dict[str, Any]:
    """One reply as a record of the destination's response source."""
    lost = isinstance(delivery.answer, Lost)
    return {
        "sent_at": delivery.sent_at,
        "run": run,
        "delivery": f"{run}-{number}",
        "attempt": delivery.attempts,
        "request": request_document(delivery.request),
        "response": None if lost else reply_document(delivery.answer),
        "duration_ms": delivery.duration_ms,
        "outcome": delivery.outcome.value,
        "records": [as_json(settled.payload.key) for settled in delivery.settled],
        "error": delivery.reason if delivery.outcome.value not in ("delivered", "accepted") else None,
    }
