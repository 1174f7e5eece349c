"""YAML → API → YAML: a project that is applied as a file and created again by resource is the same."""

import json
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from penstock.config.document import document_of_path
from penstock.service.app import ServiceApp
from support.cli.shell import Shell
from support.service.http_service import served

ROOT = Path(__file__).parents[3]
VALID = ROOT / "tests" / "fixtures" / "config" / "valid"
PROJECTS = [*sorted((ROOT / "examples").glob("*.yaml")), *sorted(VALID.glob("*.yaml")), VALID / "folder"]
KINDS = ("credentials", "sources", "datasets", "destinations", "flows")
API = "/api/v1"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('yaml') / 'state.db'}"
    with ServiceApp.open_applied(url, environ={}) as app, served(app, without_sign_in=True) as made:
        yield made


def meant(text: str) -> dict:
    """The content of a YAML text by another parser, without literal keys, which are sealed instead of stored."""
    document = YAML(typ="safe", pure=True).load(text) or {}
    for credential in document.get("credentials", {}).values() if document.get("credentials") else ():
        if "${" not in (credential.get("api_key") or "${"):
            del credential["api_key"]
    return {section: entries for section, entries in document.items() if entries}


def named(document: dict) -> dict:
    """The sections of named resources, without what the API shows only as a part of the whole project."""
    return {kind: document[kind] for kind in KINDS if kind in document}


def same(one: object, other: object) -> bool:
    """As JSON, in which 1, 1.0 and true are three values."""
    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(other, sort_keys=True, default=repr)


def replace(client: httpx.Client, text: str) -> dict:
    reply = client.put(f"{API}/project", json={"yaml": text})
    assert reply.status_code == 200, reply.text
    return reply.json()


def exported(client: httpx.Client) -> str:
    reply = client.get(f"{API}/project/export")
    assert reply.headers["content-type"].startswith("text/yaml")
    return reply.text


def resources(client: httpx.Client) -> dict[str, dict]:
    """Everything that the API shows as values, by kind and name."""
    listed = {kind: client.get(f"{API}/{kind}").json()["items"] for kind in KINDS}
    return {kind: {each["name"]: each["value"] for each in items} for kind, items in listed.items() if items}


def written_one_by_one(client: httpx.Client, values: dict[str, dict]) -> None:
    """Create resources in an empty project, each after those that it refers to."""
    replace(client, "")
    left = [(kind, name, value) for kind in KINDS for name, value in values.get(kind, {}).items()]
    while left:
        before, still = len(left), []
        for kind, name, value in left:
            reply = client.post(f"{API}/{kind}", json={"name": name, "value": value})
            if reply.status_code != 201:
                still.append((kind, name, value))
        left = still
        assert len(left) < before, f"none of these can be written: {left}, {reply.text}"


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_a_project_is_exported_as_it_was_applied_whole_and_by_resource(client, path):
    text = document_of_path(path) if path.is_dir() else path.read_text()
    version = replace(client, text)["version"]
    out = exported(client)
    assert same(meant(out), meant(text))
    assert replace(client, out) == {"version": version, "changes": []}

    values = resources(client)
    assert same(values, named(meant(text)))
    for kind, entries in values.items():
        for name, value in entries.items():
            shown = client.get(f"{API}/{kind}/{name}")
            again = client.put(f"{API}/{kind}/{name}", json=value, headers={"If-Match": shown.headers["etag"]})
            assert (again.status_code, again.json()["value"]) == (200, shown.json()["value"])
    assert client.get(f"{API}/project").json()["version"] == version

    written_one_by_one(client, values)
    assert same(meant(exported(client)), named(meant(text)))


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_the_commands_write_and_read_the_same_document(path, tmp_path, monkeypatch, capsys):
    shell = Shell(tmp_path, monkeypatch, capsys)
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'state.db'}"
    applied = shell.json(f"apply -f {path} --database {url}")
    out = shell.json(f"export --database {url}")["project"]
    assert same(meant(out), meant(document_of_path(path)))
    with ServiceApp.open_applied(url, environ={}) as app, served(app, without_sign_in=True) as client:
        assert exported(client) == out
        assert client.get(f"{API}/project").json()["version"] == applied["version"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "007",
        "1.10",
        "yes",
        "null",
        "~",
        " a\n b\n",
        "a: b",
        "# no",
        "1e3",
        "2026-01-01",
        "\x00",
        "\x85\u2028",
        "🚀",
        "'",
    ]
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
constants = st.none() | st.booleans() | numbers | texts
values = st.recursive(constants, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
destinations = st.fixed_dictionaries(
    {
        "dataset": st.just("people"),
        "credential": st.just("acme"),
        "request": st.fixed_dictionaries(
            {
                "method": st.sampled_from(["POST", "PUT", "PATCH"]),
                "url": st.just("batch"),
                "batch": st.fixed_dictionaries(
                    {
                        "size": st.integers(1, 500),
                        "grouping": st.fixed_dictionaries(
                            {"algorithm": st.just("property"), "property": st.just("batch")},
                            optional={
                                "other_props": st.dictionaries(texts.filter(lambda t: t != "batch"), values, max_size=3)
                            },
                        ),
                    }
                ),
            }
        ),
    },
    optional={
        "exclude": st.lists(texts.filter(bool), max_size=3, unique=True),
        "active": st.booleans(),
        "concurrency": st.integers(1, 50),
    },
) | st.fixed_dictionaries(
    {
        "dataset": st.just("people"),
        "credential": st.just("acme"),
        "template": st.just("upsert_person"),
        "fields": st.dictionaries(
            st.sampled_from(["user_id", "name", "phone", "plan"]),
            texts.filter(bool) | st.builds(lambda value: {"value": value}, constants),
            min_size=1,
        ),
    }
)
BASE = {
    "credentials": {"acme": {"connector": "custify", "api_key": "${env:KEY}"}},
    "sources": {"file": {"type": "file", "path": "people.csv"}},
    "datasets": {"people": {"source": "file", "key": "id"}},
}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    wanted=st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,10}", fullmatch=True), destinations, min_size=1, max_size=2
    ),
    sql=texts.map(lambda text: "select * from source -- " + text),
)
def test_every_resource_that_the_api_accepts_is_in_the_yaml(client, wanted, sql):
    """Unusual values. What the API refuses, it refuses before anything is written."""
    replace(client, "")
    base = {**BASE, "datasets": {"people": {**BASE["datasets"]["people"], "sql": sql}}}
    written_one_by_one(client, {kind: entries for kind, entries in base.items() if kind != "datasets"})
    taken = {kind: dict(entries) for kind, entries in base.items() if kind != "datasets"}
    for kind, entries in (("datasets", base["datasets"]), ("destinations", wanted)):
        for name, value in entries.items():
            reply = client.put(f"{API}/{kind}/{name}", json=value)
            assert reply.status_code in (200, 400), reply.text
            if reply.status_code == 200:
                taken.setdefault(kind, {})[name] = value
    assert same(resources(client), taken)
    out = exported(client)
    assert same(meant(out), taken)
    version = client.get(f"{API}/project").json()["version"]
    assert replace(client, out) == {"version": version, "changes": []}
