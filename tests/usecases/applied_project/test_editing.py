"""Edits of the applied project are checked, guarded by etags and stored as versions without secrets."""

import sqlite3

import pytest

from penstock.app import App
from penstock.clock import SystemClock
from penstock.model.errors import ConflictError, InputError
from penstock.service.app import ServiceApp
from penstock.usecases.applied_project.applied_project import AppliedProject

FILE = {"type": "file", "path": "people.csv"}
PEOPLE = {"dataset": "people", "credential": "acme", "template": "upsert_person", "active": True}


@pytest.fixture
def app(tmp_path):
    (tmp_path / "people.csv").write_text("user_id,email\nu1,a@x.example\n")
    with ServiceApp.open_applied(f"sqlite:///{tmp_path / 'state.db'}", environ={}) as app:
        yield app


@pytest.fixture
def filled(app):
    app.edits.put("sources", "crm", FILE, author="ann")
    app.edits.put("datasets", "people", {"source": "crm", "key": "user_id"}, author="ann")
    app.edits.put("credentials", "acme", {"connector": "custify", "api_key": "very-secret"}, author="ann")
    app.edits.put("destinations", "people", PEOPLE, author="ann", create=True)
    return app


def codes(caught):
    return [problem.code for problem in caught.value.problems]


def test_an_empty_database_starts_with_an_empty_project(app, tmp_path):
    assert app.edits.listed("sources") == {}
    assert app.edits.versions() == []
    with pytest.raises(InputError) as caught:
        App.open_applied(f"sqlite:///{tmp_path / 'state.db'}", environ={})
    assert codes(caught) == ["not-applied"]


def test_every_edit_makes_a_version_unless_nothing_changes(filled):
    assert [version.version for version in filled.edits.versions()] == [4, 3, 2, 1]
    assert [version.version for version in filled.edits.versions(limit=1, before=4)] == [3]
    again = filled.edits.put("destinations", "people", PEOPLE, author="bob")
    assert (again.version, again.value) == (4, PEOPLE)


def test_an_edit_that_breaks_another_resource_is_refused(filled):
    with pytest.raises(InputError) as caught:
        filled.edits.put("datasets", "people", {"source": "nowhere", "key": 7, "sqll": ""}, author="ann")
    assert {problem.path for problem in caught.value.problems} >= {"datasets.people.source", "datasets.people.sqll"}
    assert filled.edits.versions(limit=1)[0].version == 4


def test_an_edit_of_a_resource_changed_meanwhile_is_refused(filled):
    seen = filled.edits.one("destinations", "people").etag
    patched = filled.edits.patch("destinations", "people", {"nulls": "send"}, author="ann", if_match=seen)
    assert patched.value == {**PEOPLE, "nulls": "send"}
    with pytest.raises(ConflictError) as caught:
        filled.edits.patch("destinations", "people", {"nulls": None}, author="bob", if_match=seen)
    assert codes(caught) == ["changed-meanwhile"]
    assert filled.edits.patch("destinations", "people", {"nulls": None}, author="bob").value == PEOPLE
    with pytest.raises(ConflictError):
        filled.edits.put("destinations", "people", PEOPLE, author="bob", create=True)


def test_a_used_resource_or_an_active_destination_is_not_deleted(filled):
    with pytest.raises(InputError) as caught:
        filled.edits.delete("sources", "crm", author="ann")
    assert codes(caught) == ["in-use"]
    assert caught.value.problems[0].found == "datasets.people"
    with pytest.raises(InputError) as caught:
        filled.edits.delete("destinations", "people", author="ann")
    assert codes(caught) == ["active"]
    filled.pause("people")
    filled.edits.delete("destinations", "people", author="ann")
    assert filled.edits.listed("destinations") == {}


def test_a_copy_is_a_draft_until_it_is_activated(filled):
    assert filled.edits.copy("destinations", "people", "more", author="ann").value == {**PEOPLE, "active": False}
    filled.activate("more")
    assert "active" not in filled.edits.one("destinations", "more").value


def test_an_old_version_can_be_restored_whole_or_in_part(filled):
    filled.edits.patch("destinations", "people", {"mode": "all"}, author="ann")
    filled.edits.patch("sources", "crm", {"delimiter": ";"}, author="ann")
    filled.edits.roll_back(4, author="bob", only="destinations.people")
    assert filled.edits.one("destinations", "people").value == PEOPLE
    assert filled.edits.one("sources", "crm").value == {**FILE, "delimiter": ";"}
    assert filled.edits.roll_back(4, author="bob").version == 8
    assert filled.edits.one("sources", "crm").value == FILE


def test_a_literal_key_is_sealed_and_never_stored(filled, tmp_path):
    assert filled.edits.one("credentials", "acme").value == {"connector": "custify"}
    dump = "\n".join(sqlite3.connect(tmp_path / "state.db").iterdump())
    assert "very-secret" not in dump
    assert filled.preview("people").requests


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://mine.example/api"},
        {"allowed_hosts": ["mine.example"]},
        {"base_url": "https://a.custify.com:444"},
    ],
)
def test_a_sealed_key_goes_to_no_other_host_unless_it_is_given_again(filled, change):
    with pytest.raises(InputError) as caught:
        filled.edits.patch("credentials", "acme", change, author="eve", if_match=None)
    assert codes(caught) == ["key-needed"]
    assert "very-secret" not in repr(caught.value.problems)
    assert filled.edits.one("credentials", "acme").value == {"connector": "custify"}
    given = {**change, "api_key": "known to who moves it"}
    assert filled.edits.patch("credentials", "acme", given, author="eve", if_match=None).value == {
        "connector": "custify",
        **change,
    }
    filled.edits.patch("credentials", "acme", dict.fromkeys(change), author="eve", if_match=None)  # fewer are fine


def test_a_key_in_an_applied_file_is_sealed_and_the_file_still_agrees(tmp_path):
    text = "credentials: {local: {base_url: 'http://127.0.0.1:9/api', api_key: very-secret}}\n"
    (tmp_path / "penstock.yaml").write_text(text)
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with AppliedProject.open(tmp_path / "penstock.yaml", url, {}, SystemClock()) as truth:
        assert truth.apply().version == 1
        assert "very-secret" not in truth.export()
    assert "very-secret" not in "\n".join(sqlite3.connect(tmp_path / "state.db").iterdump())
    ServiceApp.open(tmp_path / "penstock.yaml", url, environ={}).close()
