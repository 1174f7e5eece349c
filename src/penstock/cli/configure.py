"""The commands that set a project up: init, validate, schema, credential set, activate, pause."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import LOOK, SEND, SET_UP, Destination, Given, Refresh, as_document, write
from penstock.cli.exits import Exit, not_written, print_problems, printable, refuse
from penstock.model.errors import InputError

if TYPE_CHECKING:
    from penstock.app import App as PenstockApp
    from penstock.cli.command import Command
    from penstock.model.identity import IdentityReport

PROJECT_FILE = Path("penstock.yaml")


def add_to(app: App) -> None:
    credential = App(
        name="credential", help="Store an API key, sealed, in the state database.", group=SET_UP, sort_key=3
    )
    credential.command(set_, name="set")
    app.command(init, group=SET_UP, sort_key=1)
    app.command(validate, group=SET_UP, sort_key=2)
    app.command(schema, group=LOOK, sort_key=2)
    app.command(credential)
    app.command(activate, group=SEND, sort_key=1)
    app.command(pause, group=SEND, sort_key=3)


def init(
    *,
    force: Annotated[bool, Parameter(help="Replace the project file if it exists.")] = False,
    segment: Annotated[
        bool, Parameter(help="Write a project that receives calls from Segment or RudderStack.")
    ] = False,
    command: Given,
) -> None:
    """Write a commented project file to start from.

    If this folder has a data file, the project reads the first one.
    """
    from penstock.cli.starter import segment_starter, starter  # noqa: PLC0415 - only this command needs it

    path = command.file or PROJECT_FILE
    if path.is_dir():
        path /= PROJECT_FILE
    if path.exists() and not force:
        raise refuse(str(path), "the project file already exists", "file-exists", "penstock init --force replaces it")
    made = segment_starter() if segment else starter(path.parent)
    draft = path.with_name(f".{path.name}.new")  # the old file stays until the new one is whole
    try:
        draft.write_text(made.text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        hint = "name another place with --file"
        raise not_written(str(path), "the project file cannot be written", hint, error) from error
    command.show({"file": str(path), "data": made.data, "next": list(made.next)}, lambda: made.lines(path))


def validate(*, command: Given) -> Exit:
    """Check the project file and show every problem.

    Each problem has its place and what to write instead. The check reads the first records of files. It opens no
    connection to databases and calls no API.
    """
    from penstock.app import App as Penstock  # noqa: PLC0415 - a third of a second

    checked = Penstock.checked_file(command.file, command.database)
    problems = checked.problems
    for note in checked.notes:
        command.remark(f"note: {printable(note)}")
    if problems or command.json:
        print_problems(problems, json=command.json)
    else:
        command.say([f"{command.file or PROJECT_FILE}: no problems found"])
    return Exit.INPUT if problems else Exit.WELL


def schema(
    dataset: Annotated[str | None, Parameter(name="DATASET", help="A dataset of the project.")] = None,
    /,
    *,
    refresh: Refresh = False,
    command: Given,
) -> None:
    """Show the detected columns of a dataset.

    Without a dataset, prints the JSON Schema of the project file for your editor.
    """
    if dataset is None:
        if refresh:
            raise refuse(
                "--refresh", "--refresh needs a dataset", "missing-argument", "penstock schema DATASET --refresh"
            )
        from penstock.app import App as Penstock  # noqa: PLC0415 - a third of a second

        write(sys.stdout, as_document(Penstock.file_schema()))
        return
    with command.open() as app:
        report = app.dataset(dataset, refresh=refresh)
    from penstock.cli.text.words import dataset_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    document = {
        "dataset": report.dataset,
        "key": as_json(report.key),
        "records": report.schema.records,
        "columns": [_column_json(column) for column in as_json(report.schema.columns)],
        "extra_columns": as_json(report.extra_columns),
        "gone_columns": as_json(report.gone_columns),
    }
    command.show(document, lambda: dataset_text(report))


def _column_json(column: dict[str, Any]) -> dict[str, Any]:
    """A column as JSON, without those of `decimal`, `open` and `later` that are not set."""
    return {name: value for name, value in column.items() if name not in ("decimal", "open", "later") or value}


def set_(
    name: Annotated[str, Parameter(name="NAME", help="A credential of the project.")], /, *, command: Given
) -> None:
    """Seal the API key of a credential.

    You type the key, which is not shown, or pipe it to stdin. It is never a command-line argument.
    """
    with command.open() as app:
        secret = _typed(name) if sys.stdin.isatty() else sys.stdin.read()
        secret = secret.strip()
        if not secret:
            raise refuse(f"credentials.{name}", "no key was given", "no-key", "type it, or pipe it to this command")
        app.set_credential(name, secret)
    command.show({"credential": name, "sealed": True}, lambda: [f"The key of {name} is sealed in the state database."])


def _typed(name: str) -> str:
    from getpass import getpass  # noqa: PLC0415 - only at a terminal

    try:
        return getpass(f"API key of {name} (not shown): ")
    except EOFError:
        return ""


def activate(destination: Destination, /, *, command: Given) -> None:
    """Let runs send to a destination.

    For a destination of people, also shows what `penstock identity` finds in its dataset, without a request.
    """
    with command.open() as app:
        app.activate(destination)
        found = _people(app, destination, command)
    from penstock.cli.text.identity import found_lines  # noqa: PLC0415 - rich is slow to import

    document: dict[str, Any] = {"destination": destination, "state": "active"}
    if found is not None:
        document["identity"] = dict(found.counts)
    text = f"{destination} is active: `penstock run {destination}` sends to it."
    command.show(document, lambda: [text, *(() if found is None else found_lines(found))])


def _people(app: PenstockApp, destination: str, command: Command) -> IdentityReport | None:
    """The identity report; None if no people are sent, or if the data cannot be read, which a run reports again."""
    try:
        return app.people_of(destination)[1]
    except InputError as error:
        command.remark(f"The identity report could not be made: {printable(str(error))}")
        return None


def pause(destination: Destination, /, *, command: Given) -> None:
    """Stop runs from sending to a destination.

    It stays paused until it is activated again, also if the project file says `active: true`.
    """
    with command.open() as app:
        app.pause(destination)
    text = f"{destination} is paused. Nothing is sent until you run `penstock activate {destination}`."
    command.show({"destination": destination, "state": "paused"}, lambda: [text])
