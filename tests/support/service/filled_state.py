"""A project that sends people or notes to a sandbox, and the records that arrived there."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest import mock

from penstock.main import execute
from support.cli import forked_process
from support.cli.project import Project


def people(project, sandbox, number, name="Person"):
    """The data is beside the project, so that its copies read the same file."""
    rows = "".join(f"u{n},{name} {n},p{n}@x.example\n" for n in range(number))
    project.write("../people.csv", "id,name,email\n" + rows)
    project.destination(
        "../people.csv", "upsert_person", "user_id: id, name: name, email: email", base=sandbox.flat_url
    )


def notes(project, sandbox, number, more=""):
    """A project with notes, which must not be sent twice."""
    sandbox.call("POST /api/company", '{"company_id": "acme"}')
    rows = "".join(f"n{n},acme,note {n}\n" for n in range(number))
    project.write("notes.csv", "id,company_id,text\n" + rows)
    project.destination(
        "notes.csv", "create_note", "company_id: company_id, text: text", base=sandbox.flat_url, more=more
    )


def run_json(project, *arguments, code=0, stdin=None):
    """The JSON output of a command. It runs in this process, since starting one takes a second on a busy machine."""
    out, err = StringIO(), StringIO()
    typed = mock.patch.object(sys, "stdin", StringIO(stdin or ""))
    with mock.patch.dict(os.environ, project.environ), typed, redirect_stdout(out), redirect_stderr(err):
        answer = execute([*arguments, "--json", "--file", str(project.folder / "penstock.yaml")])
    assert answer == code, (answer, out.getvalue(), err.getvalue())
    return json.loads(out.getvalue())


def refused(project, *arguments, code=2):
    """The code of the only problem."""
    (error,) = run_json(project, *arguments, code=code)["errors"]
    return error


def start(project, *arguments):
    return forked_process.Process(
        ["-m", "penstock", *arguments],
        cwd=project.folder,
        env=project.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def balanced(records):
    return records["read"] == sum(number for name, number in records.items() if name != "read")


def elsewhere(project, folder):
    """The same project in another folder, without its state."""
    folder.mkdir()
    for path in project.folder.iterdir():
        if path.is_file() and path.suffix in (".yaml", ".csv"):
            (folder / path.name).write_bytes(path.read_bytes())
    return Project(folder, project.sandbox)


def count(database, query):
    connection = sqlite3.connect(database)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()
