"""Secrets are written as references, and shown as nothing."""

from penstock.model.settings_text import settings_text
from penstock.model.spec import Secret, written_form


def test_a_secret_is_written_as_its_references():
    secret = Secret((("text", "postgres://u:"), ("env", "PGPASS"), ("file", "host")))
    assert written_form(secret) == "postgres://u:${env:PGPASS}${file:host}"
    assert repr(secret) == settings_text(secret) == "Secret(…)"
