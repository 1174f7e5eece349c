"""The commands for the project in the database: apply, export, versions, roll-back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import SET_UP, Given, write
from penstock.cli.exits import not_written, printable, refuse
from penstock.model.errors import NO_ROOM
from penstock.model.reach import COMMAND_LINE

if TYPE_CHECKING:
    from penstock.model.reports import ApplyResult, ProjectVersion

SIGNS = {"added": "+", "removed": "-", "changed": "~"}  # of a change


def add_to(app: App) -> None:
    app.command(apply, group=SET_UP, sort_key=4)
    app.command(export, group=SET_UP, sort_key=5)
    app.command(versions, group=SET_UP, sort_key=6)
    app.command(roll_back, name="roll-back", group=SET_UP, sort_key=7)


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
    for path, change, before, after in applied.changes:
        values = f"{before} → {after}" if change == "changed" else (after or before or "")
        yield printable(f"{SIGNS[change]} {path}: {values}")
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


def versions(
    *, limit: Annotated[int, Parameter(help="List at most this many versions (default: 20).")] = 20, command: Given
) -> None:
    """List the versions of the project in the database with their changes, newest first."""
    if limit < 1:
        raise refuse("--limit", "--limit must be at least 1", "wrong-value", "write 1 or more", str(limit))
    from penstock.app import App as Penstock  # noqa: PLC0415 - a third of a second

    found = Penstock.versions(command.file, command.database, limit)
    command.show([_version_document(version) for version in found], lambda: _versions_text(found))


def roll_back(
    number: Annotated[int, Parameter(name="VERSION", help="The version to restore.")],
    /,
    *,
    only: Annotated[str | None, Parameter(help="Restore only this resource, such as destinations.people.")] = None,
    command: Given,
) -> None:
    """Restore an old version of the project in the database, as a new version.

    Afterwards the project file differs from the database. Commands report this until `penstock apply` loads the file,
    or you replace the file with the output of `penstock export`.
    """
    with command.applied() as app:
        made = app.edits.roll_back(number, author=COMMAND_LINE, only=only)
    command.show(_version_document(made), lambda: _versions_text([made]))


def _version_document(version: ProjectVersion) -> dict[str, Any]:
    return {"version": version.version, "at": version.at, "author": version.author, "changes": list(version.changes)}


def _versions_text(found: Sequence[ProjectVersion]) -> Iterator[str]:
    for version in found:
        yield printable(f"Version {version.version}, {version.at}, by {version.author}")
        for change in version.changes:
            yield printable(f"  {SIGNS[change['change']]} {change['path']}")
    if not found:
        yield "No project was applied to this database yet. `penstock apply` loads the project file."
