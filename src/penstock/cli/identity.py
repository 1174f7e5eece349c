"""The command `identity`: which people of a dataset Custify would hold twice."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import LOOK, Given
from penstock.cli.exits import Exit
from penstock.cli.run import announce

if TYPE_CHECKING:
    from penstock.model.identity import IdentityReport


def add_to(app: App) -> None:
    app.command(identity, group=LOOK, sort_key=6)


def identity(
    dataset: Annotated[str, Parameter(name="DATASET", help="A dataset of the project.")],
    /,
    *,
    against: Annotated[
        str | None,
        Parameter(name="--against", help="Also read the people of this credential's account, and compare with them."),
    ] = None,
    command: Given,
) -> Exit:
    """Show which people of a dataset Custify would hold twice.

    Finds e-mails that belong to several ids, ids that have several e-mails, and ids in scientific notation; with
    --against also e-mails that people with other ids have in Custify. Without it, makes no request.

    Exit codes: 0 nothing was found; 1 something was; 2 wrong input, or the dataset has neither ids nor e-mails; 3 the
    credential, the host or the state failed; 130 stopped by ^C.
    """
    with command.open() as app:
        report = app.identity(dataset, against=against, announce=partial(announce, command))
    from penstock.cli.text.identity import identity_text, source_lines  # noqa: PLC0415 - rich is slow to import
    from penstock.model.identity import identity_json  # noqa: PLC0415

    if command.json:
        command.remark(*source_lines(report))
    command.show(identity_json(report), lambda: identity_text(report))
    return _exit_of(report)


def _exit_of(report: IdentityReport) -> Exit:
    return Exit.WELL if report.is_clean else Exit.NOT_ALL_WELL
