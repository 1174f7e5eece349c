"""Routes for the overview: the project's graph, statistics, and a search for names and keys."""

from dataclasses import asdict
from typing import Annotated, cast

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from typing_extensions import TypedDict

from penstock.model.delivery import ReplyRecordJson
from penstock.model.outcome import OutcomesJson
from penstock.model.reports import Page, single_page
from penstock.service.api.dependencies import (
    Cursor,
    IfNoneMatch,
    Limit,
    Opened,
    Person,
    Right,
    bare_etag,
    etag_header,
    needs,
)
from penstock.service.api.responses import as_it_is
from penstock.service.documents import FoundKind, OverviewJson

router = APIRouter(tags=["overview"])
MOST_HOURS = 24 * 92


class BucketJson(OutcomesJson):
    """Records by outcome, requests, and the approximate median and 95th percentile of the durations of deliveries."""

    at: str
    requests: int
    p50_ms: float | None
    p95_ms: float | None


class AllowanceOut(BaseModel):
    """A rate limit: `limit` requests per `per_s` seconds; the used share of the current window; seconds until the next
    request is allowed.
    """

    credential: str
    limit: int
    per_s: float
    used_share: float
    blocked_s: float


class StatsOut(BaseModel):
    """Statistics; `minutes` is the length of each bucket."""

    minutes: int
    buckets: list[BucketJson]
    budget: list[AllowanceOut]


class FoundOut(BaseModel):
    """A match: `name` is a name or an id, `path` the address in the API and in the web UI."""

    kind: FoundKind
    name: str
    title: str
    where: str
    path: str


class NumberedJson(TypedDict):
    """`id` increases with every reply."""

    id: int


class ReplyJson(NumberedJson, ReplyRecordJson):
    """A stored reply with its id."""


@router.get("/overview", operation_id="getOverview", response_model=OverviewJson)
def overview(app: Opened, if_none_match: IfNoneMatch = None, _: Person = needs(Right.VIEW)) -> Response:
    """Returns the resources of the project with their states, and the edges between them. Returns 304 if
    `If-None-Match` has the current ETag.
    """
    made = app.overview.get()
    headers = etag_header(made.digest)
    if bare_etag(if_none_match) == made.digest:
        return Response(status_code=304, headers=headers)
    return Response(made.text, media_type="application/json", headers=headers)


@router.get("/stats", operation_id="getStats", response_model=StatsOut)
def stats(
    app: Opened,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS, description="The number of hours to return.")] = 24,
    destination: Annotated[str | None, Query(description="Limits the result to this destination.")] = None,
    _: Person = needs(Right.VIEW),
) -> Response:
    """Returns what was sent in the last hours, in buckets, and the current use of each rate limit."""
    return as_it_is(app.project_overview.stats(hours, destination))


@router.get("/search", operation_id="search", response_model=Page[FoundOut])
def search(
    app: Opened,
    q: Annotated[str, Query(max_length=300, description="A part of a name, run id or key; for records the whole key.")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    _: Person = needs(Right.VIEW),
) -> Response:
    """Searches resources, runs, records in quarantine and sent records."""
    return as_it_is(single_page([asdict(found) for found in app.project_overview.search(q, limit)]))


@router.get("/responses/{destination}", operation_id="listResponses")
def responses(
    destination: str, app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)
) -> Page[ReplyJson]:
    """Returns the stored replies of a destination with `responses: true`, newest first."""
    return cast(Page[ReplyJson], app.project_overview.replies(destination, limit=limit, cursor=cursor))
