"""The commands for the versions of the applied project: versions, roll-back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import SET_UP, Given
from penstock.cli.exits import printable, refuse
from penstock.model.reach import COMMAND_LINE

if TYPE_CHECKING:
    from penstock.model.reports import ProjectVersion


def add_to(app: App) -> None:
    app.command(versions, group=SET_UP, sort_key=6)
    app.command(roll_back, name="roll-back", group=SET_UP, sort_key=7)


def versions(
    *, limit: Annotated[int, Parameter(help="List at most this many versions (default: 20).")] = 20, command: Given
) -> None:
    """List the versions of the project in the database with their changes, newest first."""
    if limit < 1:
        raise refuse("--limit", "--limit must be at least 1", "wrong-value", "write 1 or more", str(limit))
    from penstock.app import App as Penstock  # noqa: PLC0415 - a third of a second

    found = Penstock.versions(command.file, command.database, limit)
    command.show([_document(version) for version in found], lambda: _text(found))


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
    command.show(_document(made), lambda: _text([made]))


def _document(version: ProjectVersion) -> dict[str, Any]:
    return {"version": version.version, "at": version.at, "author": version.author, "changes": list(version.changes)}


def _text(found: Sequence[ProjectVersion]) -> Iterator[str]:
    signs = {"added": "+", "removed": "-", "changed": "~"}
    for version in found:
        yield printable(f"Version {version.version}, {version.at}, by {version.author}")
        for change in version.changes:
            yield printable(f"  {signs[change['change']]} {change['path']}")
    if not found:
        yield "No project was applied to this database yet. `penstock apply` loads the project file."
