"""The frozen inputs of ended runs, in which a later run may go on: `erase` discards those that hold the record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from penstock.render.values.columns import key_cells
from penstock.run.context import Context
from penstock.run.diff.records import record_json
from penstock.sources.chunks import read_frozen
from penstock.sources.typing.exact_json import read_record
from penstock.store.runs import frozen_inputs
from penstock.store.runs.erasure import Erasure
from penstock.store.tables import runs

ANOTHER_MACHINE = "; a copy in the folder of another machine is not changed"


def discard_inputs(ctx: Context, erasure: Erasure, dataset: str | None) -> None:
    """Discard the frozen inputs with the record, and note its values. The files are left to `remove_files`.

    `dataset` None: the destinations were removed, and their inputs are discarded if the ledger has the record.
    """
    query = select(runs.c.id, runs.c.frozen).where(runs.c.target.in_(erasure.destinations), runs.c.frozen.is_not(None))
    for run, path in erasure.conn.execute(query.order_by(runs.c.id)).all():
        with _stored(ctx, run, Path(path)) as file:
            if file is not None and _holds(ctx, erasure, dataset, file):
                frozen_inputs.forget_frozen_input(erasure.conn, run)
                erasure.inputs.add(path)
    erasure.found["inputs"] += len(erasure.inputs)


def remove_files(ctx: Context, erasure: Erasure) -> list[str]:
    """Remove the files of the inputs that were discarded; returns what to say about them."""
    for path in erasure.inputs:
        Path(path).unlink(missing_ok=True)
    if not erasure.inputs:
        return []
    where = " and ".join(erasure.destinations)
    note = f"the input of the last run of {where} is deleted: the next run with --limit begins at the first record"
    return [note + ANOTHER_MACHINE if ctx.database.is_shared else note]


@contextmanager
def _stored(ctx: Context, run: str, path: Path) -> Iterator[Path | None]:
    """The frozen input of a run, from this machine's folder or from the database."""
    if path.exists():
        yield path
        return
    copy = ctx.folder / "frozen" / f"erase-{os.getpid()}.arrow"
    try:
        yield copy if frozen_inputs.fetch_frozen_input(ctx.database, run, copy) else None
    finally:
        copy.unlink(missing_ok=True)


def _holds(ctx: Context, erasure: Erasure, dataset: str | None, file: Path) -> bool:
    if dataset is None:
        return erasure.found["ledger"] > 0
    columns, found = ctx.dataset(dataset).key, False
    for chunk in read_frozen(file):
        for row, key in enumerate(key_cells(chunk, columns)):
            if key == erasure.key:
                found = True
                erasure.note_values(read_record(record_json(chunk, row)))
    return found
