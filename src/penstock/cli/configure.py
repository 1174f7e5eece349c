"""Commands that set a project up: init, validate, schema, credential set, check, activate, pause; and what comes later."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.session import session
from penstock.model.errors import InputError, NotAvailableYet, Problem
from penstock.model.problems import problem_json

if TYPE_CHECKING:
    from cyclopts import App

STARTER = """\
# A Penstock project: where records come from, and what they become in Custify.
# `penstock schema` prints the JSON Schema of this file for your editor.
credentials:
  custify:
    connector: custify
    api_key: ${env:CUSTIFY_API_KEY}      # or leave it out and run: penstock credential set custify
sources:
  contacts: {type: file, path: contacts.csv}
datasets:
  contacts:
    source: contacts
    key: id                              # the column that identifies a record across runs
destinations:
  people:
    dataset: contacts
    credential: custify
    template: upsert_person
    fields: {user_id: id, email: email, name: name}
    attributes: all                      # the other columns become custom attributes
    active: false                        # a draft sends nothing
"""
NEXT = """\
Next:
  penstock validate           is the file right?
  penstock preview people     what would be sent?
  penstock check custify      does the key work?
  penstock test people        send one record
  penstock plan people        how much, how long?
then write `active: true` and: penstock run people"""


def register(app: App) -> None:
    from cyclopts import App as Group  # noqa: PLC0415 - the type alone is not needed before

    credential = Group(name="credential", help="API keys kept sealed in the state database.")
    credential.command(credential_set, name="set")
    for command in (init, validate, schema, check, activate, pause):
        app.command(command)
    app.command(credential)
    for name in ("apply", "export", "serve", "worker"):
        app.command(_later(name), name=name)


def init(*, force: bool = False) -> int:
    """Write a commented starter project file.

    Parameters
    ----------
    force
        Replace a file that is there.

    """
    path = session().file or Path("penstock.yaml")
    if path.exists() and not force:
        raise InputError(Problem(str(path), "the file is there already", "file-exists", "--force replaces it"))
    path.write_text(STARTER, encoding="utf-8")
    session().answer({"file": str(path)}, f"wrote {path}\n\n{NEXT}")
    return 0


def validate() -> int:
    """Check the project file; reads no data, asks no API."""
    from penstock.engine.app import App as Penstock  # noqa: PLC0415

    problems = Penstock.validate(session().file)
    if session().json:
        session().answer({"errors": [problem_json(problem) for problem in problems]}, "")
    else:
        for problem in problems:
            sys.stdout.write(f"{problem}\n")
        session().say("the project file is fine" if not problems else f"{len(problems)} to mend")
    return 2 if problems else 0


def schema(dataset: str | None = None, /, *, refresh: bool = False) -> int:
    """The JSON Schema of the project file; or the detected columns of DATASET.

    Parameters
    ----------
    dataset
        A dataset of the project.
    refresh
        Read the dataset again and decide its types anew.

    """
    from penstock.cli.text import dataset_text  # noqa: PLC0415
    from penstock.engine.app import App as Penstock  # noqa: PLC0415
    from penstock.model.reports import as_json  # noqa: PLC0415

    if dataset is None:
        document = Penstock.file_schema()
        import json  # noqa: PLC0415

        session().answer(document, json.dumps(document, indent=2))
        return 0
    with session().app() as app:
        report = app.dataset(dataset, refresh=refresh)
    document = {
        "dataset": report.dataset,
        "key": list(report.key),
        "records": report.schema.records,
        "columns": as_json(report.schema.columns),
        "extra_columns": list(report.extra_columns),
    }
    session().answer(document, dataset_text(report))
    return 0


def credential_set(name: str, /) -> int:
    """Seal an API key in the state database: typed at a hidden prompt, or given on stdin.

    Parameters
    ----------
    name
        A credential of the project.

    """
    if sys.stdin.isatty():
        from getpass import getpass  # noqa: PLC0415

        secret = getpass(f"API key of {name}: ")
    else:
        secret = sys.stdin.readline()
    secret = secret.strip()
    if not secret:
        raise InputError(Problem(f"credentials.{name}", "no key was given", "no-key", "type it, or pipe it to stdin"))
    with session().app() as app:
        app.set_credential(name, secret)
    session().answer({"credential": name, "sealed": True}, f"the key of {name} is sealed")
    return 0


def check(credential: str, /, *, refresh: bool = False) -> int:
    """Ask the API whether a credential works, and which base and dialect answer.

    Parameters
    ----------
    credential
        A credential of the project.
    refresh
        Choose the base anew, also when one is stored.

    """
    from penstock.cli.text import check_text  # noqa: PLC0415
    from penstock.model.reports import as_json  # noqa: PLC0415

    with session().app() as app:
        report = app.check(credential, refresh=refresh)
    session().answer(as_json(report), check_text(report))
    return 0 if report.ok else 3


def activate(destination: str, /) -> int:
    """Let runs send a destination.

    Parameters
    ----------
    destination
        A destination of the project.

    """
    with session().app() as app:
        app.activate(destination)
    session().answer({"destination": destination, "state": "active"}, f"{destination} is active: runs send it")
    return 0


def pause(destination: str, /) -> int:
    """Stop runs from sending a destination, until it is activated again.

    Parameters
    ----------
    destination
        A destination of the project.

    """
    with session().app() as app:
        app.pause(destination)
    session().answer({"destination": destination, "state": "paused"}, f"{destination} is paused: nothing is sent")
    return 0


def _later(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a command made for cyclopts
    def command(*words: str) -> int:
        del words
        raise NotAvailableYet(Problem(name, f"penstock {name} is not available yet", "not-available-yet"))

    command.__doc__ = "Not available yet."
    return command
