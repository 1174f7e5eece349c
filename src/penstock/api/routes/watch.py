"""Is it well, and what are its figures: for whoever watches over the service from outside."""

from __future__ import annotations

import hmac
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from penstock.api.access import Right, needs
from penstock.api.failing import answer
from penstock.api.opened import Opened

METRICS_PUBLIC = "PENSTOCK_METRICS_PUBLIC"
METRICS_TOKEN = "PENSTOCK_METRICS_TOKEN"  # noqa: S105 - the name of a variable
YES = frozenset({"1", "true", "yes", "on"})

outside = APIRouter(include_in_schema=False)


def _may_see_metrics(request: Request) -> None:
    """A viewer may; a scraper by its own token; everybody when the environment says so."""
    environ = request.app.state.penstock.environ
    if environ.get(METRICS_PUBLIC, "").strip().lower() in YES:
        return
    token, given = environ.get(METRICS_TOKEN, ""), request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return
    needs(Right.VIEW).dependency(request)


_may_see_metrics.right = Right.VIEW  # type: ignore[attr-defined] # for the table of routes and rights


@outside.get("/healthz")
def healthz() -> dict[str, Any]:
    """Says that the process answers."""
    return {"status": "ok"}


@outside.get("/readyz")
def readyz(app: Opened) -> JSONResponse:
    """Work may be given to this process: 503 with what is wrong when not."""
    problems = app.watch.not_ready()
    return answer(503, problems) if problems else JSONResponse({"status": "ready"})


@outside.get("/metrics", dependencies=[Depends(_may_see_metrics)])
def metrics(app: Opened, request: Request) -> Response:
    """Metrics for Prometheus."""
    body, kind = app.watch.metrics.text(request.headers.get("Accept", ""))
    return Response(body, media_type=kind)
