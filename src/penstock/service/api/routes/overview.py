"""Routes of the overview: what feeds what, recent results, and a search for names and keys."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.service.api.dependencies import Cursor, IfNoneMatch, Limit, Opened, Person, Right, bare_etag, needs
from penstock.service.api.shapes import Page, as_it_is

router = APIRouter(tags=["overview"])
MOST_HOURS = 24 * 92


class NodeOut(BaseModel):
    """A part of the project. `id` is its address; `state` as in its own route; what else there is depends on `kind`."""

    model_config = ConfigDict(extra="allow")
    id: str
    kind: str
    name: str
    state: dict[str, Any]


class EdgeOut(BaseModel):
    """What leads from one node to another; `kind`: reads, feeds, sends, runs, replies."""

    kind: str
    from_: str = Field(alias="from")
    to: str


class OverviewOut(BaseModel):
    nodes: list[NodeOut]
    edges: list[EdgeOut]


class BucketOut(BaseModel):
    """Records by outcome, requests, and the time that half and 95 % of the deliveries took at most, about."""

    at: str
    delivered: int
    accepted: int
    unchanged: int
    quarantined: int
    unknown: int
    waiting: int
    unsent: int
    requests: int
    p50_ms: float | None
    p95_ms: float | None


class AllowanceOut(BaseModel):
    """`limit` requests in `per_s` seconds; the share of the present window that is used; how long nobody may send."""

    credential: str
    limit: int
    per_s: float
    used_share: float
    blocked_s: float


class StatsOut(BaseModel):
    """`minutes`: how long each bucket is."""

    minutes: int
    buckets: list[BucketOut]
    budget: list[AllowanceOut]


class FoundOut(BaseModel):
    """`name` is its name or id, `title` what was found, `path` its address here and in the UI."""

    kind: str
    name: str
    title: str
    where: str
    path: str


class ReplyOut(BaseModel):
    """A reply as a record of the source `<destination>.responses`; `response` null when none came."""

    id: int
    sent_at: str
    run: str
    delivery: str
    attempt: int
    request: dict[str, Any]
    response: dict[str, Any] | None
    duration_ms: float | None
    outcome: str
    records: list[Any]
    error: str | None


@router.get("/overview", operation_id="getOverview", response_model=OverviewOut)
def overview(app: Opened, if_none_match: IfNoneMatch = None, _: Person = needs(Right.VIEW)) -> Response:
    """The parts of the project with their states, and what leads from where to where. 304 for the etag of what is."""
    made = app.overview.get()
    headers = {"ETag": f'"{made.digest}"'}
    if bare_etag(if_none_match) == made.digest:
        return Response(status_code=304, headers=headers)
    return Response(made.text, media_type="application/json", headers=headers)


@router.get("/stats", operation_id="getStats", response_model=StatsOut)
def stats(
    app: Opened,
    hours: Annotated[int, Query(ge=1, le=MOST_HOURS, description="How far back.")] = 24,
    destination: Annotated[str | None, Query(description="Only of this one.")] = None,
    _: Person = needs(Right.VIEW),
) -> Response:
    """What was sent in the last hours, part by part, and how much of each allowance is used now."""
    return as_it_is(app.sight.stats(hours, destination))


@router.get("/search", operation_id="search", response_model=Page[FoundOut])
def search(
    app: Opened,
    q: Annotated[str, Query(max_length=300, description="A part of a name, run id or key; a record's whole key.")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    _: Person = needs(Right.VIEW),
) -> Response:
    """Resources, runs, held records and sent ones."""
    return as_it_is({"items": [asdict(found) for found in app.sight.search(q, limit)], "next": None})


@router.get("/responses/{destination}", operation_id="listResponses")
def responses(
    destination: str, app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)
) -> Page[ReplyOut]:
    """The replies that are kept of a destination with `responses: true`, newest first."""
    found = app.sight.replies(destination, limit=limit, cursor=cursor)
    return Page(items=[ReplyOut(**record) for record in found.items], next=found.next)
