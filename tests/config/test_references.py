"""References to secrets are resolved, and the secrets are not shown."""

from pathlib import Path

import pytest

from penstock.config.credentials import resolve_secret
from penstock.config.loader import check_project, load_project
from penstock.model.errors import InputError

PROJECT = """
credentials:
  acme:
    api_key: ${{env:KEY}}
    headers: {{X-Token: "Token ${{file:token.txt}}", X-Plain: "a $${{env:KEY}}", X-Empty: ""}}
sources:
  billing: {{type: sql, url: "{url}", table: invoices}}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "token.txt").write_text("tök3n\n", encoding="utf-8")
    url = "postgresql://u:${env:PASSWORD}@${env:HOST}/db"
    (tmp_path / "p.yaml").write_text(PROJECT.format(url=url), encoding="utf-8")
    return load_project(tmp_path / "p.yaml")


def test_references_are_resolved_alone_and_inside_longer_text(project):
    environ = {"KEY": "k", "PASSWORD": "${env:KEY}", "HOST": "db.example.com"}
    assert resolve_secret(project.credentials["acme"].api_key, environ) == "k"
    headers = project.credentials["acme"].headers
    assert {name: resolve_secret(value, environ) for name, value in headers.items()} == {
        "X-Token": "Token tök3n",
        "X-Plain": "a ${env:KEY}",
        "X-Empty": "",
    }
    url = resolve_secret(project.sources["billing"].url, environ)
    assert url == "postgresql://u:${env:KEY}@db.example.com/db"


def test_an_unset_variable_is_reported_with_its_place(project):
    with pytest.raises(InputError) as caught:
        resolve_secret(project.credentials["acme"].api_key, {})
    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.code) == ("credentials.acme.api_key", 4, "unset-variable")
    assert "KEY" in problem.message
    assert "export KEY=" in problem.hint


def test_an_empty_variable_is_refused(project):
    with pytest.raises(InputError, match="the reference is empty"):
        resolve_secret(project.credentials["acme"].api_key, {"KEY": ""})


def test_an_unreadable_file_is_reported(project, tmp_path):
    (tmp_path / "token.txt").unlink()
    with pytest.raises(InputError, match=r"token\.txt cannot be read"):
        resolve_secret(project.credentials["acme"].headers["X-Token"], {"KEY": "k"})


@pytest.mark.parametrize("base_url", ["http://localhost:8765/api", "https://127.0.0.1", "http://[::1]:1"])
def test_a_loopback_credential_can_have_a_literal_key(base_url, tmp_path):
    (tmp_path / "p.yaml").write_text(f'credentials: {{a: {{base_url: "{base_url}", api_key: sandbox-key}}}}')
    key = load_project(tmp_path / "p.yaml").credentials["a"].api_key
    assert key is not None
    assert resolve_secret(key, {}) == "sandbox-key"
    assert "sandbox-key" not in repr(key)


@pytest.mark.parametrize(
    "base_url", ["auto", "https://api.custify.com", "https://localhost.example.com", "http://10.0.0.1"]
)
def test_a_literal_key_for_another_host_is_refused_and_not_shown(base_url, tmp_path):
    (tmp_path / "p.yaml").write_text(f"credentials: {{a: {{base_url: '{base_url}', api_key: live-key}}}}")
    project, problems = check_project(tmp_path / "p.yaml")
    assert project is None
    assert "literal-secret" in {problem.code for problem in problems}
    assert "live-key" not in repr(problems)
    assert any("${env:NAME}" in problem.hint for problem in problems)


def test_a_secret_never_shows_in_the_project(tmp_path):
    text = "sources: {s: {type: sql, url: 'postgresql://u:hunter2@h/db', table: t}}"
    (tmp_path / "p.yaml").write_text(text)
    project = load_project(tmp_path / "p.yaml")
    assert "hunter2" not in repr(project)
    assert project.base == Path(tmp_path).resolve()
