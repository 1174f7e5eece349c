"""What the requests of a manual destination look like: method, batch, and how they may be retried.

A request to a path of a template is that template's as far as retries and replies go: the API behind it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from penstock.destinations.catalogue import Template
from penstock.model.errors import Problem
from penstock.model.record import Grouping, Replies, RetryClass, Shape
from penstock.model.spec import BatchSpec, DestinationSpec, Dialect, RequestSpec
from penstock.transform.addressing import Addressing

BATCH_SIZE = 100  # records in one request, when the project file does not say
BODYLESS = frozenset({"GET", "DELETE"})
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
CUSTIFY = ".custify.com"
FLAT_PREFIX = "/api"


class Endpoint(NamedTuple):
    """The template that describes a request's path (None: no template does), and the dialect spoken there."""

    template: Template | None
    dialect: Dialect

    @property
    def batch_limit(self) -> int | None:
        """Records in one request, when this is the batch endpoint."""
        template = self.template
        return template.batch_limit(self.dialect) if template is not None and template.items else None


def endpoint_of(
    request: RequestSpec, url: str, base_url: str, dialect: Dialect, catalogue: Mapping[str, Template]
) -> Endpoint:
    """Which of Custify's endpoints `url` is. Below `/api`, the flat dialect is spoken, wherever the base lies."""
    bare, base = url.partition("?")[0].rstrip("/"), base_url.rstrip("/")
    parts = urlsplit(bare)
    if bare.startswith(base + "/"):
        path = bare[len(base) :]
    elif (parts.hostname or "").endswith(CUSTIFY):
        path, dialect = parts.path, "native"
    else:
        return Endpoint(None, dialect)
    if path.startswith(FLAT_PREFIX + "/"):
        path, dialect = path[len(FLAT_PREFIX) :], "flat"
    found = (each for each in catalogue.values() if each.path[dialect] == path and each.method == request.method)
    return Endpoint(next(found, None), dialect)


def shape_of(
    destination: DestinationSpec, where: Addressing, endpoint: Endpoint, sent: frozenset[str], problems: list[Problem]
) -> Shape:
    """The shape of the requests. `sent` are the fields that every record carries."""
    request = destination.request
    assert request is not None
    batch = request.batch or destination.batch
    wanted = batch.mode == "on" or (request.batch is not None and batch.mode == "auto")
    grouping = _grouping(batch) if wanted else Grouping()
    size = 1 if grouping.algorithm == "single" else batch.size or BATCH_SIZE
    limit = endpoint.batch_limit
    if limit is not None and size > limit:
        message = f"{size} records are more than the {limit} that the batch endpoint takes in {endpoint.dialect}"
        path = f"destinations.{destination.name}.request.batch.size"
        problems.append(Problem(path, message, "batch-too-large", f"size: {limit} or less", str(size)))
    return Shape(
        method=request.method,
        url=where.url,
        headers=where.headers,
        content_format=request.content_format,
        carries_body=request.method not in BODYLESS if request.body is None else request.body,
        grouping=grouping,
        size=size,
        max_bytes=batch.max_bytes,
        xml=request.xml,
        replies=_replies(endpoint, grouping),
        retry=_retry(request, endpoint, sent),
    )


def _grouping(batch: BatchSpec) -> Grouping:
    spec = batch.grouping
    if spec is None or spec.algorithm == "array":
        return Grouping("array")
    if spec.algorithm == "property":
        return Grouping("property", spec.property or "", spec.other_props)
    return Grouping("code", code=spec.code or "")


def _replies(endpoint: Endpoint, grouping: Grouping) -> Replies:
    if endpoint.batch_limit is None or grouping.algorithm == "single":
        return Replies.STATUS
    return Replies.JOBS if endpoint.dialect == "native" else Replies.ITEMS


def _retry(request: RequestSpec, endpoint: Endpoint, sent: frozenset[str]) -> RetryClass:
    """As declared; else as the template of that path; else by the method."""
    if request.idempotent is not None:
        return RetryClass.IDEMPOTENT if request.idempotent else RetryClass.ONCE
    template = endpoint.template
    if template is None:
        return RetryClass.IDEMPOTENT if request.method in REPEATABLE else RetryClass.ONCE
    if template.retry_with is not None:  # idempotent by a field that templates always send, and records may lack
        field, retry = template.retry_with
        return retry if field in sent else RetryClass.ONCE
    return template.retry[endpoint.dialect]
