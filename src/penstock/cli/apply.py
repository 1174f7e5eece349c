"""The commands apply and export: from the project file to the database and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import SET_UP, Given, write
from penstock.cli.exits import not_written, printable, refuse
from penstock.model.errors import NO_ROOM

if TYPE_CHECKING:
    from penstock.model.reports import ApplyResult


def add_to(app: App) -> None:
    app.command(apply, group=SET_UP, sort_key=4)
    app.command(export, group=SET_UP, sort_key=5)


def apply(*, dry_run: Annotated[bool, Parameter(help="Only show what would change.")] = False, command: Given) -> None:
    """Load the project file into the database.

    Afterwards commands use the project in the database. A command whose project file differs from it prints the
    differences and exits with 2, until you run `apply` again.
    """
    from penstock.app import App as Penstock  # noqa: PLC0415 - a third of a second

    applied = Penstock.apply(command.file, command.database, dry_run=dry_run)
    document = {"version": applied.version, "changes": [change._asdict() for change in applied.changes]}
    command.show(document, lambda: _applied_text(applied, dry_run=dry_run))


def _applied_text(applied: ApplyResult, *, dry_run: bool) -> Iterator[str]:
    signs = {"added": "+", "removed": "-", "changed": "~"}
    for path, change, before, after in applied.changes:
        values = f"{before} → {after}" if change == "changed" else (after or before or "")
        yield printable(f"{signs[change]} {path}: {values}")
    if not applied.changes:
        yield f"Nothing changed: version {applied.version} is the same."
    elif dry_run:
        yield "Nothing was written. Run it without --dry-run to apply this."
    else:
        yield f"Applied as version {applied.version}."


def export(
    *,
    output: Annotated[Path | None, Parameter(help="Write to this file, which must not exist yet.")] = None,
    command: Given,
) -> None:
    """Print the project in the database as a project file.

    If nothing was applied yet, prints the project file in its canonical form. References to secrets stay references.
    """
    from penstock.app import App as Penstock  # noqa: PLC0415 - a third of a second

    text = Penstock.export(command.file, command.database)
    if output is not None:
        _write_new(output, text)
        command.show({"file": str(output)}, lambda: [f"Written to {output}."])
    elif command.json:
        command.show({"project": text}, list)
    else:
        write(sys.stdout, text)


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise refuse("--output", f"{path} already exists", "file-exists", "name another file", str(path)) from None
    except OSError as error:
        if error.errno in NO_ROOM:
            path.unlink(missing_ok=True)  # this call created it, and it is incomplete
        message, hint = "the file cannot be written", "name another place"
        raise not_written("--output", message, hint, error, str(path)) from error
