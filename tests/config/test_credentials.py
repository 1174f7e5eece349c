"""Credentials: references to secrets, and the hosts that may receive a key."""

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


def test_the_repr_of_a_project_contains_no_secret(tmp_path):
    text = "sources: {s: {type: sql, url: 'postgresql://u:hunter2@h/db', table: t}}"
    (tmp_path / "p.yaml").write_text(text)
    project = load_project(tmp_path / "p.yaml")
    assert "hunter2" not in repr(project)
    assert project.base == Path(tmp_path).resolve()


ONE_URL = """
credentials: {{a: {{{credential}}}}}
sources: {{s: {{type: file, path: f.csv}}}}
datasets: {{d: {{source: s, key: id}}}}
destinations: {{raw: {{dataset: d, credential: a, request: {{method: POST, url: "{url}"}}}}}}
"""
CUSTIFY = "connector: custify"
REGIONAL = 'connector: custify, base_url: "https://eu.example.com/api", allowed_hosts: [hooks.example.com, "x.example.com:8443"]'
HTTP = 'connector: http, base_url: "https://api.example.com/v1"'
LOCAL = 'connector: custify, base_url: "http://127.0.0.1:8765/api", api_key: k'


def problems_of(credential, url, tmp_path):
    (tmp_path / "p.yaml").write_text(ONE_URL.format(credential=credential, url=url))
    return {problem.code for problem in check_project(tmp_path / "p.yaml")[1]}


@pytest.mark.parametrize(
    ("credential", "url"),
    [
        (CUSTIFY, "/people"),
        (CUSTIFY, "people?x={record.a}&y={run.id}"),
        (CUSTIFY, "https://app.custify.com/api/people/{record.id}"),
        (CUSTIFY, "https://API.CUSTIFY.COM/people"),
        (REGIONAL, "https://eu.example.com/other"),
        (REGIONAL, "https://hooks.example.com/in"),
        (REGIONAL, "https://x.example.com:8443/in"),
        (HTTP, "https://api.example.com/v2"),
        (LOCAL, "http://127.0.0.1:8765/people"),
    ],
)
def test_own_and_allowed_hosts_are_accepted(credential, url, tmp_path):
    assert problems_of(credential, url, tmp_path) == set()


@pytest.mark.parametrize(
    ("credential", "url"),
    [
        (CUSTIFY, "https://custify.com.example.net/people"),
        (CUSTIFY, "https://evilcustify.com/people"),
        (CUSTIFY, "https://eu.example.com/people"),
        (REGIONAL, "https://x.example.com/in"),
        (REGIONAL, "https://sub.hooks.example.com/in"),
        (HTTP, "https://api.custify.com/people"),
        (LOCAL, "http://127.0.0.1:8766/people"),
        (LOCAL, "http://localhost:8765/people"),
    ],
)
def test_other_hosts_are_refused(credential, url, tmp_path):
    assert problems_of(credential, url, tmp_path) == {"foreign-host"}


@pytest.mark.parametrize(
    "url",
    [
        "https://app.custify.com@evil.example/people",
        "https://app.custify.com\\\\@evil.example/people",
        "https://app.custify.com{record.x}/people",
        "https://app.custify.com:{record.port}/people",
        "//app.custify.com/people",
        "HTTPS:people",
        "javascript:alert(1)",
        "/people/../admin",
        "/peo ple",
        "/people#top",
    ],
)
def test_ambiguous_urls_are_refused(url, tmp_path):
    assert problems_of(CUSTIFY, url, tmp_path) == {"bad-url"}
