"""The compilation of a file destination: its records are those of a manual request, without a request.

The mapped fields come first, in the order in which they are written, then the remaining columns in the dataset's order.
"""

from __future__ import annotations

from penstock.model.errors import InputError, Problem
from penstock.model.record import Schema, Shape
from penstock.model.spec import DestinationSpec
from penstock.render.compile import Compiled, version_of
from penstock.render.manual import inputs_of
from penstock.render.renderer import Renderer

RECORDS = 4096  # written at once
WRITE, APPEND = "WRITE", "APPEND"  # in place of an HTTP method


def compile_file(destination: DestinationSpec, dataset_key: tuple[str, ...], schema: Schema, folder: str) -> Compiled:
    """Compile a file destination. InputError with every problem."""
    problems: list[Problem] = []
    inputs, notes = inputs_of(destination, schema, problems)
    if problems:
        raise InputError(*problems)
    used = {each.step.column for each in inputs} | set(dataset_key)
    columns = tuple(name for name in schema.names() if name in used)
    shape = Shape(APPEND if destination.append else WRITE, f"{folder}/{destination.path}", size=RECORDS)
    return Compiled(
        renderer=Renderer(dataset_key, tuple(inputs)),
        shape=shape,
        notes=tuple(notes),
        columns=columns,
        template=None,
        dialect=None,
        version=version_of(destination, schema, columns, f"file {folder} {dataset_key!r}"),
        needed=frozenset(dataset_key),
    )
