"""What the requests of a template look like: single, or batches for the API's batch endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from penstock.destinations.catalogue import Template, load_catalogue
from penstock.model.record import Grouping, Replies, RetryClass, Shape
from penstock.transform.workbench import Workbench

BATCH = "send_batch"
ASYNCHRONOUS: Mapping[str, object] = MappingProxyType({"synchronous": False, "returnJobId": True})


def batches(bench: Workbench, template: Template) -> bool:
    """Whether the records go to the batch endpoint: `auto` is on in native, where it takes the object."""
    batch, path = bench.destination.batch, bench.destination.path
    if template.items:
        return True
    if batch.mode == "off":
        return False
    wanted = batch.mode == "on" or batch.size is not None or batch.max_bytes is not None
    if template.batch_limit(bench.dialect) is None:
        if wanted:
            message = f"the batch endpoint takes no {template.object} in {bench.dialect}"
            bench.problem("batch", message, "no-batch", "batch: off")
        return False
    if not wanted and path is not None and bench.native:
        bench.note("batch", "left out", "records go one by one to the destination's own path; `batch: on` overrules it")
        return False
    return wanted or bench.native


def shape_of(bench: Workbench, template: Template, base_url: str, *, batching: bool, wrapped: bool) -> Shape:
    """The shape of the requests; `wrapped`: the records are native batch jobs already."""
    if not batching:
        path = bench.destination.path or template.path[bench.dialect]
        return Shape(template.method, _joined(base_url, path), retry=_retry(bench))
    endpoint = load_catalogue()[BATCH]
    return Shape(
        endpoint.method,
        _joined(base_url, bench.destination.path or endpoint.path[bench.dialect]),
        grouping=_grouping(bench, wrapped=wrapped),
        size=_size(bench, endpoint.batch_limit(bench.dialect) or 1),
        max_bytes=bench.destination.batch.max_bytes,
        replies=Replies.JOBS if bench.native else Replies.ITEMS,
        retry=_retry(bench),
    )


def _size(bench: Workbench, limit: int) -> int:
    size = bench.destination.batch.size or limit
    if size > limit:
        message = f"{size} records are more than the {limit} that the batch endpoint takes in {bench.dialect}"
        bench.problem("batch.size", message, "batch-too-large", f"size: {limit} or less", str(size))
    return size


def _grouping(bench: Workbench, *, wrapped: bool) -> Grouping:
    if not bench.native:
        return Grouping("property", "batch")
    if wrapped:
        return Grouping("property", "jobs", ASYNCHRONOUS)
    prefix = b'{"type":"%b","payload":' % str(bench.template.job).encode()
    return Grouping("property", "jobs", ASYNCHRONOUS, prefix=prefix, suffix=b"}")


def _retry(bench: Workbench) -> RetryClass:
    exception = bench.template.retry_with
    if exception is not None and bench.mapped(exception[0]) is not None:
        return exception[1]
    return bench.template.retry[bench.dialect]


def _joined(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"
