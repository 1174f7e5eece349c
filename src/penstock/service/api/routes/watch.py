"""Routes for monitoring: health, metrics and alerts."""

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from penstock.clock import iso
from penstock.model.reports import Page, single_page
from penstock.service.api.dependencies import IfMatch, Opened, Person, Right, app_of, needs, require_etag, set_etag
from penstock.service.api.responses import error_response
from penstock.service.documents import AlertSettings
from penstock.service.model import Alert, AlertState

METRICS_PUBLIC = "PENSTOCK_METRICS_PUBLIC"
METRICS_TOKEN = "PENSTOCK_METRICS_TOKEN"  # noqa: S105 - the name of a variable
YES = frozenset({"1", "true", "yes", "on"})

outside = APIRouter(include_in_schema=False)
router = APIRouter(tags=["alerts"])


class AlertOut(BaseModel):
    """An alert; `told_at` is when the last message about it was sent."""

    id: str
    kind: str
    subject: str
    state: AlertState
    reason: str
    since: str | None
    over_at: str | None
    told_at: str | None


class TriedOut(BaseModel):
    """The result of a test message; `reason` is why it was not sent."""

    channel: str
    ok: bool
    reason: str | None


def _may_see_metrics(request: Request) -> None:
    """Allows viewers, a scraper with the metrics token, and everybody if PENSTOCK_METRICS_PUBLIC is set."""
    environ = app_of(request).environ
    if environ.get(METRICS_PUBLIC, "").strip().lower() in YES:
        return
    token, given = environ.get(METRICS_TOKEN, ""), request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return
    needs(Right.VIEW).dependency(request)


_may_see_metrics.right = Right.VIEW  # type: ignore[attr-defined] # for the table of routes and rights


@outside.get("/healthz")
def healthz() -> dict[str, Any]:
    """Returns 200 while the process responds."""
    return {"status": "ok"}


@outside.get("/readyz")
def readyz(app: Opened) -> JSONResponse:
    """Returns 200 when the process is ready for requests, 503 with the problems otherwise."""
    problems = app.watch.not_ready()
    return error_response(503, problems) if problems else JSONResponse({"status": "ready"})


@outside.get("/metrics", dependencies=[Depends(_may_see_metrics)])
def metrics(app: Opened, request: Request) -> Response:
    """Returns the metrics in the format of Prometheus."""
    body, kind = app.watch.metrics.text(request.headers.get("Accept", ""))
    return Response(body, media_type=kind)


@router.get("/alerts", operation_id="listAlerts", response_model=Page[AlertOut])
def alerts(app: Opened, _: Person = needs(Right.VIEW)) -> Page[dict[str, Any]]:
    """Returns the alerts that are raised, and those that are over."""
    return single_page([_alert(alert) for alert in app.watch.alerts()])


@router.get("/settings/alerts", operation_id="getAlertSettings", response_model=AlertSettings)
def alert_settings(app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """Returns the channels and rules of alerts. The URLs of channels are never returned."""
    return _settings(app.watch.alert_settings(), response)


@router.put("/settings/alerts", operation_id="putAlertSettings", response_model=AlertSettings)
def put_alert_settings(
    document: Annotated[dict[str, Any], Body()],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.ADMIN),
) -> dict[str, Any]:
    """Replaces the channels and rules of alerts. A channel without `url` keeps its stored URL."""

    def guard(before: AlertSettings) -> None:
        require_etag(if_match, before.model_dump(mode="json"), "the alert settings")

    return _settings(app.watch.set_alerts(document, by=person.name, guard=guard), response)


@router.post("/settings/alerts/test", operation_id="tryAlerts", response_model=Page[TriedOut])
def try_alerts(
    app: Opened, channel: Annotated[str | None, Query()] = None, _: Person = needs(Right.ADMIN)
) -> Page[dict[str, Any]]:
    """Sends a test message to every channel, or to one."""
    tried = app.watch.try_channels(channel)
    return single_page([{"channel": name, "ok": why is None, "reason": why} for name, why in tried.items()])


def _alert(alert: Alert) -> dict[str, Any]:
    moments = {"since": alert.since, "over_at": alert.over_at, "told_at": alert.reported_at}
    plain = {name: getattr(alert, name) for name in ("id", "kind", "subject", "state", "reason")}
    return {**plain, **{name: None if at is None else iso(at) for name, at in moments.items()}}


def _settings(settings: AlertSettings, response: Response) -> dict[str, Any]:
    set_etag(response, settings.model_dump(mode="json"))
    return settings.model_dump()
