"""Where the file of a run is, and whether a run can continue what an earlier process of it has written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from penstock.delivery.files.output_file import OutputFile
from penstock.model.errors import InputError
from penstock.model.spec import DestinationSpec
from penstock.render.file_names import name_at
from penstock.run.connection.connection import credential_spec
from penstock.run.connection.folder import file_in
from penstock.run.context import Context
from penstock.run.preparation.prepare import Prepared
from penstock.store.runs.runs import RunRow
from penstock.store.written_files import written_file


def file_of(ctx: Context, prepared: Prepared, run: RunRow) -> Path:
    """The finished file of a run. InputError if the project may not write it."""
    name = name_at(prepared.spec.path or "", run=run.id, began=datetime.fromisoformat(run.started_at))
    with ctx.placing():
        return file_in(ctx, prepared.credential, name)


def can_continue(ctx: Context, prepared: Prepared, run: RunRow) -> bool:
    """Whether what an unfinished run has written is still there, and belongs to the present settings."""
    with ctx.database.read() as conn:
        row = written_file(conn, prepared.spec.name)
    if run.settings != prepared.compiled.version:
        return False
    if row is None or row.run != run.id:
        return run.counts.delivered == 0
    final = file_of(ctx, prepared, run)
    return row.path == str(final) and (row.complete or OutputFile(final, run.id, row.append).holds(row.bytes))


def has_written(ctx: Context, prepared: Prepared, run: RunRow) -> bool:
    """Whether the records of an ended run are in its file, or in an unfinished one that is still there."""
    with ctx.database.read() as conn:
        row = written_file(conn, prepared.spec.name)
    if row is None or row.run != run.id:
        return run.status != "interrupted" or run.counts.delivered == 0
    return row.complete or OutputFile(Path(row.path), row.run, row.append).holds(row.bytes)


def require_parts(ctx: Context, spec: DestinationSpec) -> None:
    """InputError when a destination writes its file whole, so that some records alone would replace the others."""
    hint = f"correct them in the source, then `penstock run {spec.name}`"
    _refuse_whole(ctx, spec, "records in quarantine are not written alone", hint)


def require_parts_for_limit(ctx: Context, spec: DestinationSpec) -> None:
    """InputError when a destination writes its file whole, so that a run with a limit would leave a part of it."""
    hint = f"`penstock run {spec.name}` without --limit; `penstock preview {spec.name}` shows the first records"
    _refuse_whole(ctx, spec, "--limit would leave only the first records in it", hint)


def _refuse_whole(ctx: Context, spec: DestinationSpec, why: str, hint: str) -> None:
    if credential_spec(ctx, spec.credential).connector == "file" and not spec.append:
        message = f"the file is written whole by each run: {why}"
        raise InputError(ctx.problem(f"destinations.{spec.name}", message, "written-whole", hint=hint))
