"""Where the file of a run is, and whether a run can continue what an earlier process of it has written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from penstock.config.file_destinations import ANOTHER_FOLDER
from penstock.config.output_files import reading_source
from penstock.delivery.files.output_file import OutputFile
from penstock.model.errors import InputError
from penstock.model.spec import DestinationSpec
from penstock.render.file_names import escapes, name_at
from penstock.run.connection.connection import credential_spec
from penstock.run.connection.folder import file_in
from penstock.run.context import Context
from penstock.run.preparation.prepare import Prepared
from penstock.store.runs.runs import RunRow
from penstock.store.runs.written_files import written_file


def file_of(ctx: Context, prepared: Prepared, run: RunRow) -> Path:
    """The finished file of a run. InputError if the project may not write it."""
    return file_at(ctx, prepared, run.id, datetime.fromisoformat(run.started_at))


def file_at(ctx: Context, prepared: Prepared, run: str, began: datetime) -> Path:
    """The finished file of a run with this id that began then. InputError if the project may not write it."""
    spec = prepared.spec
    name, path = name_at(spec.path or "", run=run, began=began), f"destinations.{spec.name}.path"
    if escapes(name):
        message, hint = "the file would be outside the folder of its credential", "write a name below the folder"
        raise InputError(ctx.problem(path, message, "outside-folder", hint=hint, found=name))
    with ctx.placing():
        file = file_in(ctx, prepared.credential, name)
    source = reading_source(ctx.project, file)
    if source is not None:
        message = f"{spec.name} would replace a file that the source {source} reads"
        raise InputError(ctx.problem(path, message, "source-file", hint=ANOTHER_FOLDER, found=name))
    if spec.append and file.is_symlink():
        message, hint = "the file is a link, and records are added to a file only", "remove the link, or write its path"
        raise InputError(ctx.problem(path, message, "linked-file", hint=hint, found=name))
    return file


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
