"""A run is resumed on another machine with the same records of its frozen input."""

import json
import shutil
import sqlite3

import pytest

from support.deadline import until
from support.service.applied_project import Applied, ended
from support.service.http_service import apply_project

PEOPLE = 300


@pytest.fixture
def url(postgres):
    return postgres


def people(path, mark):
    with sqlite3.connect(path) as database:
        database.execute("create table if not exists people (id text primary key, name text)")
        database.executemany("insert or replace into people values (?, ?)", [(f"u{n}", mark) for n in range(PEOPLE)])


def test_a_run_is_resumed_on_a_machine_without_its_frozen_file(project: Applied, app, sandbox, tmp_path, monkeypatch):
    people(tmp_path / "people.db", "before")
    text = (tmp_path / "penstock.yaml").read_text()
    source = "{type: sql, url: 'sqlite:///people.db', table: people}"
    text = text.replace("{type: file, path: people.csv}", source).replace(", email: email", "")
    (tmp_path / "penstock.yaml").write_text(text.replace("    active: true", "    active: true\n    mode: all"))
    apply_project(tmp_path, project.url)
    sandbox.settings(latency=50)
    run = app.work.enqueue("it", trigger="person:ada", asked_by="ada")["run"]
    first = app.worker()
    first.start()
    until(lambda: app.work.run(run)["records"]["delivered"] > 20)
    first.stop()  # and its machine is lost, with its folder
    sandbox.settings(latency=0)
    shutil.rmtree(tmp_path / ".penstock" / "frozen")
    people(tmp_path / "people.db", "after")
    second = app.worker()
    second.start()
    try:
        whole = ended(app, run)
    finally:
        second.stop()
    assert (whole["status"], whole["records"]["delivered"]) == ("succeeded", PEOPLE)
    sent = [request for request in sandbox.requests() if request["method"] == "POST"]
    assert len(sent) == PEOPLE, "each once"
    assert '"after"' not in json.dumps(sandbox.state()["people"])
    assert not list((tmp_path / ".penstock" / "frozen").glob("*"))
