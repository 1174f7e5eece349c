"""The commands for the maintenance of the state: doctor, backup, restore, prune, compact."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import CARE, Given
from penstock.cli.exits import Exit, refuse

if TYPE_CHECKING:
    from penstock.service.app import ServiceApp


def add_to(app: App) -> None:
    app.command(doctor, group=CARE, sort_key=1)
    app.command(backup, group=CARE, sort_key=2)
    app.command(restore, group=CARE, sort_key=3)
    app.command(prune, group=CARE, sort_key=4)
    app.command(compact, group=CARE, sort_key=5)
    app.command(retention, group=CARE, sort_key=6)
    app["credential"].command(rotate_key, name="rotate-key")


def doctor(*, command: Given) -> Exit:
    """Say what is wrong, and what to do.

    Looks at the state, its disk and its sealing key, the project file beside the applied project, API keys, sources,
    workers, runs, held records and backups. Changes nothing and sends nothing. Exit code 1 when something is wrong.
    """
    found = _service().care_of(command.file, command.database).diagnose()
    from penstock.service.cli.text import doctor_text  # noqa: PLC0415 - rich is slow to import

    command.show(found.to_json(), lambda: doctor_text(found))
    return Exit.WELL if found.is_well else Exit.NOT_ALL_WELL


def backup(
    file: Annotated[Path, Parameter(name="FILE", help="The backup to write; it must not be there yet.")],
    /,
    *,
    with_key: Annotated[bool, Parameter(help="Put the sealing key in too: whoever has the file has the API keys.")] = (
        False
    ),
    command: Given,
) -> None:
    """Write the state to one file, while it is in use.

    The database at one moment, checked; uploads; the inputs of runs that have not come to their end. API keys are in it
    only sealed: keep the sealing key (`secret.key` beside the state, or PENSTOCK_SECRET_KEY) somewhere else.
    """
    made = _service().care_of(command.file, command.database).back_up(file, with_key=with_key)
    from penstock.service.cli.text import backup_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(made), lambda: backup_text(made))


def restore(
    file: Annotated[Path, Parameter(name="FILE", help="A file written by `penstock backup`.")],
    /,
    *,
    replace: Annotated[
        bool, Parameter(help="Replace the state that is there; it is kept in a folder beside it.")
    ] = False,
    resend_all: Annotated[
        bool, Parameter(help="Send once more all that may be sent twice, whether it has changed or not.")
    ] = False,
    command: Given,
) -> None:
    """Put a backup in place as the state.

    Nothing may use the state meanwhile. What was sent after the backup is not known to it: upserts are sent again,
    requests that must not be sent twice are held as `unknown` for a person to decide.
    """
    from penstock.service.model import RestoreRequest  # noqa: PLC0415 - a third of a second

    done = _service().care_of(command.file, command.database).restore(RestoreRequest(file, replace, resend_all))
    from penstock.service.cli.text import restore_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(done), lambda: restore_text(done))


def prune(
    *,
    dry_run: Annotated[bool, Parameter(help="Only count what would be removed.")] = False,
    forget_destination: Annotated[
        tuple[str, ...], Parameter(help="Forget what this destination has sent; the project must not have it any more.")
    ] = (),
    command: Given,
) -> None:
    """Remove what is older than the retention says.

    Records, deliveries and runs 90 days, replies 30, the audit log 365, alerts 90, unless the setting `retention` says
    otherwise. Never what is undecided: held records, what was sent, unfinished runs. The service does it once a day.
    """
    pruned = _service().care_of(command.file, command.database).prune(dry_run=dry_run, forget=forget_destination)
    from penstock.service.cli.text import prune_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(pruned), lambda: prune_text(pruned))


def compact(*, command: Given) -> None:
    """Give the disk what `penstock prune` has freed inside the state.

    A SQLite file is shortened while others use it. PostgreSQL writes every table anew, which nobody may use meanwhile:
    stop `serve`, workers and runs first.
    """
    done = _service().care_of(command.file, command.database).compact()
    from penstock.service.cli.text import compact_text  # noqa: PLC0415 - rich is slow to import

    command.show(asdict(done), lambda: compact_text(done))


def retention(
    *settings: Annotated[str, Parameter(name="NAME=DAYS", help="What to keep how long, such as runs=30; 0: for ever.")],
    command: Given,
) -> None:
    """Show how many days things are kept; or change some of it."""
    found = _service().care_of(command.file, command.database).retention(dict(map(_setting, settings)))
    days = {name: f"{days} days" if days else "for ever" for name, days in asdict(found).items()}
    command.show(asdict(found), lambda: [f"{name:<10} {text}" for name, text in days.items()])


def _setting(text: str) -> tuple[str, int]:
    name, _, days = text.partition("=")
    if not days.isascii() or not days.isdecimal():
        raise refuse("NAME=DAYS", "a number of days is wanted", "usage", "such as runs=30", text)
    return name, int(days)


def rotate_key(*, command: Given) -> None:
    """Seal all API keys and secrets with another sealing key.

    With the key file a new key is made. With PENSTOCK_SECRET_KEY write the new key in front of the old one first, a
    comma between. Whoever is signed in has to sign in again.
    """
    done = _service().care_of(command.file, command.database).rotate_key()
    text = f"{done.sealed} sealed anew by key {done.key}."
    more = ["Now take the old key out of PENSTOCK_SECRET_KEY everywhere."] if done.from_environment else []
    command.show(asdict(done), lambda: [text, *more])


def _service() -> type[ServiceApp]:
    from penstock.service.app import ServiceApp  # noqa: PLC0415 - half a second, which help must not wait for

    return ServiceApp
