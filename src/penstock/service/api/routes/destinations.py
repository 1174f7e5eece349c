"""Routes for destinations: preview, plan, test, activate, pause."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.errors import PenstockError, problem_json
from penstock.model.outcome import Note
from penstock.model.record import RefusedRecord
from penstock.model.reports import PreviewedRequest, TestJson, as_json, test_json
from penstock.model.runs import PlanJson, plan_json
from penstock.service.api.dependencies import Opened, Person, Right, needs, seen_by
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.reports import PreviewOut

router = APIRouter(prefix="/destinations/{name}", tags=["destinations"])
LINES = "application/x-ndjson"
PIECE = 1 << 16  # bytes of lines that are sent together


class TestSend(BaseModel):
    """The number of the sample to send, and an edited body that replaces its own."""

    __test__ = False
    model_config = ConfigDict(extra="forbid")
    sample: int = Field(1, ge=1)
    body: str | None = None


@router.get("/preview", operation_id="previewDestination", dependencies=[Depends(limit_queries)])
def preview(
    name: str, app: Opened, limit: Annotated[int, Query(ge=1, le=100)] = 5, person: Person = needs(Right.VIEW)
) -> PreviewOut:
    """Returns the requests that the sample records produce. Sends nothing."""
    return PreviewOut(**as_json(seen_by(app, person).preview(name, limit=limit)))


@router.get(
    "/preview/export",
    operation_id="exportPreview",
    response_class=StreamingResponse,
    responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}},
)
def export(name: str, app: Opened, person: Person = needs(Right.VIEW)) -> StreamingResponse:
    """Returns the requests for the whole dataset, one JSON line each, in the form of the preview. Sends nothing.

    A record that would be quarantined is a line with `refused`. The last line has the numbers of both and the `notes`,
    or `errors` if the data cannot be read to the end.
    """
    named = {"Content-Disposition": f'attachment; filename="{quote(name)}.preview.ndjson"'}
    return StreamingResponse(_pieces(_lines(seen_by(app, person).preview_all(name))), media_type=LINES, headers=named)


def _lines(found: Iterator[PreviewedRequest | RefusedRecord | Note]) -> Iterator[dict[str, Any]]:
    requests, refused, notes = 0, 0, list[Any]()
    try:
        for one in found:
            if isinstance(one, Note):
                notes.append(as_json(one))
            elif isinstance(one, RefusedRecord):
                refused += 1
                yield {"refused": as_json(one)}
            else:
                requests += 1
                yield as_json(one)
    except PenstockError as error:  # the status of the response was sent already
        yield {"errors": [problem_json(problem) for problem in error.problems]}
    else:
        yield {"requests": requests, "refused": refused, "notes": notes}


def _pieces(lines: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    piece = bytearray()
    for line in lines:
        piece += orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


@router.get("/plan", operation_id="planDestination")
def plan(name: str, app: Opened, person: Person = needs(Right.VIEW)) -> PlanJson:
    """Returns what a run would do now. Sends nothing."""
    return plan_json(seen_by(app, person).plan(name))


@router.post("/test", operation_id="testDestination")
def send(name: str, app: Opened, sent: TestSend, _: Person = needs(Right.OPERATE)) -> TestJson:
    """Sends one request now."""
    return test_json(app.test(name, sample=sent.sample, body=sent.body))


@router.post("/activate", status_code=204, operation_id="activateDestination")
def activate(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Activates a destination: runs send its records."""
    app.activate(name, by=person.name)


@router.post("/pause", status_code=204, operation_id="pauseDestination")
def pause(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Pauses a destination: runs do not send its records."""
    app.pause(name, by=person.name)
