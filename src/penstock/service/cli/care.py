"""The maintenance commands: doctor, backup, restore, prune, compact, retention, erase, credential rotate-key."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import CARE, Given
from penstock.cli.exits import Exit, refuse
from penstock.service.cli.service_app import app_class, open_project

if TYPE_CHECKING:
    from penstock.cli.command import Command
    from penstock.service.model import Erased


def add_to(app: App) -> None:
    app.command(doctor, group=CARE, sort_key=1)
    app.command(backup, group=CARE, sort_key=2)
    app.command(restore, group=CARE, sort_key=3)
    app.command(prune, group=CARE, sort_key=4)
    app.command(compact, group=CARE, sort_key=5)
    app.command(retention, group=CARE, sort_key=6)
    app.command(erase, group=CARE, sort_key=7)
    app["credential"].command(rotate_key, name="rotate-key")


def doctor(*, command: Given) -> Exit:
    """Find problems and show how to fix them.

    Checks the state, its disk and its sealing key, differences between project file and applied project, API keys,
    sources, workers, runs, the quarantine and backups. Changes nothing and sends nothing. Exits with 1 if it finds a
    problem.
    """
    found = app_class().care_of(command.file, command.database).diagnose()
    from penstock.service.cli.text import doctor_text  # noqa: PLC0415 - rich is slow to import

    command.show(found.to_json(), lambda: doctor_text(found))
    return Exit.WELL if found.is_well else Exit.NOT_ALL_WELL


def backup(
    file: Annotated[Path, Parameter(name="FILE", help="The backup file to write; it must not exist yet.")],
    /,
    *,
    with_key: Annotated[
        bool, Parameter(help="Include the sealing key: anyone who can read the file can read the API keys.")
    ] = (False),
    command: Given,
) -> None:
    """Back up the state to one file, also while it is in use.

    The backup contains the database as of one moment, uploaded files, and the inputs of unfinished runs. It is checked
    after it is written. API keys in it are sealed: store the sealing key (`secret.key` beside the state, or
    PENSTOCK_SECRET_KEY) somewhere else.
    """
    made = app_class().care_of(command.file, command.database).back_up(file, with_key=with_key)
    from penstock.service.cli.text import backup_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(made), lambda: backup_text(made))


def restore(
    file: Annotated[Path, Parameter(name="FILE", help="A file written by `penstock backup`.")],
    /,
    *,
    replace: Annotated[bool, Parameter(help="Replace the existing state, and move it to a folder beside it.")] = False,
    resend_all: Annotated[bool, Parameter(help="Send all upserts again, changed or not.")] = False,
    command: Given,
) -> None:
    """Restore the state from a backup.

    No other process may use the state meanwhile. The backup does not contain what was sent after it was made: upserts
    are sent again, and records that must not be sent twice become `unknown`, in quarantine, where you decide.
    """
    from penstock.service.model import RestoreRequest  # noqa: PLC0415 - a third of a second

    done = app_class().care_of(command.file, command.database).restore(RestoreRequest(file, replace, resend_all))
    from penstock.service.cli.text import restore_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(done), lambda: restore_text(done))


def prune(
    *,
    dry_run: Annotated[bool, Parameter(help="Remove nothing; show what would be removed.")] = False,
    forget_destination: Annotated[
        tuple[str, ...],
        Parameter(help="Also forget what this destination sent; it must be deleted from the project first."),
    ] = (),
    command: Given,
) -> None:
    """Remove data that is older than its retention period.

    By default records, deliveries, runs and alerts are stored for 90 days, replies for 30 and the audit log for 365;
    `penstock retention` changes this. Never removes records in quarantine, the memory of what was sent, or unfinished
    runs. The service prunes once a day.
    """
    pruned = app_class().care_of(command.file, command.database).prune(dry_run=dry_run, forget=forget_destination)
    from penstock.service.cli.text import prune_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(pruned), lambda: prune_text(pruned))


def compact(*, command: Given) -> None:
    """Return the space that `penstock prune` freed to the disk.

    SQLite can be used meanwhile. PostgreSQL rewrites and locks every table: stop `serve`, workers and runs first.
    """
    done = app_class().care_of(command.file, command.database).compact()
    from penstock.service.cli.text import compact_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(done), lambda: compact_text(done))


def retention(
    *settings: Annotated[
        str,
        Parameter(
            name="NAME=DAYS", help="A kind of data and its retention in days, such as runs=30; 0 means for ever."
        ),
    ],
    command: Given,
) -> None:
    """Show or change how many days data is stored."""
    found = app_class().care_of(command.file, command.database).retention(dict(map(_setting, settings)))
    days = {name: f"{days} days" if days else "for ever" for name, days in asdict(found).items()}
    command.show(asdict(found), lambda: [f"{name:<10} {text}" for name, text in days.items()])


def erase(
    key: Annotated[str, Parameter(name="KEY", help="The key of the record; of several columns as a JSON list.")],
    /,
    *,
    dataset: Annotated[str | None, Parameter(help="The dataset of the record, if several have this key.")] = None,
    destination: Annotated[str | None, Parameter(help="Erase only what this destination has.")] = None,
    dry_run: Annotated[bool, Parameter(help="Erase nothing; show what would be erased.")] = False,
    yes: Annotated[bool, Parameter(help="Do not ask for confirmation.")] = False,
    command: Given,
) -> None:
    """Erase the values of one record from the state and the exported ledger.

    Removes them from the quarantine, the ledger, stored requests and replies, samples and posted records. Hashes stay,
    and counts do not change. First remove the record from its source, else the next run reads it again.
    """
    from penstock.service.model import EraseRequest  # noqa: PLC0415 - a third of a second

    with open_project(command) as app:
        found = app.erase(EraseRequest(key, dataset, destination, dry_run=True))
        if not dry_run and found.found:
            if not yes:
                _confirm(found, command)
            found = app.erase(EraseRequest(key, dataset, destination))
            app.note_erased(found, command.file, command.database)
    from penstock.service.cli.text import erased_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(found), lambda: erased_text(found))


def _confirm(found: Erased, command: Command) -> None:
    """Ask on the terminal whether to erase; without one, --yes is needed."""
    from penstock.service.cli.text import erased_text  # noqa: PLC0415 - rich is slow to import

    if not sys.stdin.isatty():
        raise refuse("--yes", "nothing was erased: it is not confirmed", "usage", "add --yes, or --dry-run to look")
    command.remark(*erased_text(found))
    command.remark("Erase this? It cannot be undone. Write yes:")
    if sys.stdin.readline().strip() != "yes":
        raise refuse("KEY", "nothing was erased", "usage", "write yes to confirm")


def _setting(text: str) -> tuple[str, int]:
    name, _, days = text.partition("=")
    if not days.isascii() or not days.isdecimal():
        raise refuse(
            "NAME=DAYS",
            "this is not NAME=DAYS with a whole number of days",
            "usage",
            "write runs=30, for example",
            text,
        )
    return name, int(days)


def rotate_key(*, command: Given) -> None:
    """Seal all API keys and secrets with a new sealing key.

    If the sealing key is in the key file, a new key is generated. If it is in PENSTOCK_SECRET_KEY, first set the
    variable to the new key, a comma, and the old key. All users must sign in again.
    """
    done = app_class().care_of(command.file, command.database).rotate_key()
    text = f"{done.sealed} secrets are sealed by the new key {done.key}."
    more = ["Now remove the old key from PENSTOCK_SECRET_KEY on every machine."] if done.from_environment else []
    command.show(asdict(done), lambda: [text, *more])
