"""The command `identity`: which people of a dataset Custify would hold twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import LOOK, Given
from penstock.cli.exits import Exit

if TYPE_CHECKING:
    from penstock.model.identity import IdentityReport


def add_to(app: App) -> None:
    app.command(identity, group=LOOK, sort_key=6)


def identity(
    dataset: Annotated[str, Parameter(name="DATASET", help="A dataset of the project.")], /, *, command: Given
) -> Exit:
    """Show which people of a dataset Custify would hold twice.

    Finds e-mails that belong to several ids, ids that have several e-mails, and ids in scientific notation. Reads the
    dataset and sends no request.

    Exit codes: 0 nothing was found; 1 something was; 2 wrong input, or the dataset has neither ids nor e-mails; 3 the
    state failed.
    """
    with command.open() as app:
        report = app.identity(dataset)
    from penstock.cli.text.identity import identity_text, source_lines  # noqa: PLC0415 - rich is slow to import
    from penstock.model.identity import identity_json  # noqa: PLC0415

    if command.json:
        command.remark(*source_lines(report))
    command.show(identity_json(report), lambda: identity_text(report))
    return _exit_of(report)


def _exit_of(report: IdentityReport) -> Exit:
    return Exit.WELL if report.is_clean else Exit.NOT_ALL_WELL
