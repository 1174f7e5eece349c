"""Records, schemas and manual destinations for tests."""

import pyarrow as pa

from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import BatchSpec, DestinationSpec, GroupingSpec, RequestSpec
from penstock.render.batches import Batcher, requests_for
from penstock.render.manual import compile_manual
from penstock.templates.catalogue import load_catalogue

FLAT, NATIVE = "https://app.custify.com/api", "https://api.custify.com"
JSON_MARK = {b"penstock": b"json"}


def chunk_of(columns, *, as_json=(), absent=None):
    """Columns as name → list of values (or an Arrow array); those in `as_json` have JSON text."""
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    fields = [
        pa.field(name, array.type, metadata=JSON_MARK if name in as_json else None) for name, array in arrays.items()
    ]
    return Chunk(pa.RecordBatch.from_arrays(list(arrays.values()), schema=pa.schema(fields)), 0, absent or {})


def schema_of(chunk):
    nullable = {name: chunk.records.column(name).null_count > 0 for name in chunk.records.schema.names}
    return Schema(tuple(Column(name, "text", empty) for name, empty in nullable.items()), chunk.records.num_rows)


def batch_of(algorithm="array", *, size=None, max_bytes=None, **grouping):
    return BatchSpec("on", size, max_bytes, GroupingSpec(algorithm, **grouping))


def compiled(chunk, *, base=FLAT, dialect="flat", catalogue=None, key=("id",), method="POST", url="/x", **settings):
    """Compile a manual request; settings of the request and of the destination side by side."""
    own = {name: settings.pop(name) for name in list(settings) if name in RequestSpec.__dataclass_fields__}
    request = RequestSpec(method, url, **own)
    destination = DestinationSpec("raw", "d", "c", request=request, **settings)
    return compile_manual(
        destination, key, schema_of(chunk), base, dialect, load_catalogue() if catalogue is None else catalogue
    )


def sent(chunk, **settings):
    """The requests that this chunk makes, and the refusals."""
    ready = compiled(chunk, **settings)
    rendered = ready.renderer.render(chunk)
    batcher = Batcher(ready.shape, repeats=True)
    batches = [*batcher.add(rendered.payloads), *batcher.flush()]
    return [request for batch in batches for request in requests_for(ready.shape, batch.payloads)], [
        *rendered.refused,
        *batcher.oversized,
    ]
