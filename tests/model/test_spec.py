"""Secrets are written as references, and shown as nothing; which mirrors share a credential."""

from pathlib import Path

from penstock.model.settings_text import settings_text
from penstock.model.spec import DestinationSpec, Mode, ProjectSpec, Secret, written_form


def test_a_secret_is_written_as_its_references():
    secret = Secret((("text", "postgres://u:"), ("env", "PGPASS"), ("file", "host")))
    assert written_form(secret) == "postgres://u:${env:PGPASS}${file:host}"
    assert repr(secret) == settings_text(secret) == "Secret(…)"


def test_other_mirrors_of_a_credential_are_found():
    mode = {"a": Mode.MIRROR, "b": Mode.MIRROR, "c": Mode.CHANGED, "d": Mode.MIRROR}
    specs = {name: DestinationSpec(name, "rows", "it" if name < "d" else "other", mode=mode[name]) for name in mode}
    project = ProjectSpec(Path(), {}, {}, {}, specs, {})
    assert [project.mirrors_beside(specs[name]) for name in "abcd"] == [("b",), ("a",), ("a", "b"), ()]
