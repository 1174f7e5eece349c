"""Valid project files and the specs they are read into."""

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from penstock.config import keys
from penstock.config.loader import TOP_LEVEL, check_project, load_project, project_json_schema
from penstock.config.sections import Section
from penstock.model.spec import (
    BatchSpec,
    Binding,
    CursorSpec,
    FileSource,
    FlowSpec,
    FuseSpec,
    GroupingSpec,
    IdempotencySpec,
    LedgerFiles,
    LedgerTables,
    Mode,
    OnDelete,
    RateLimit,
    ResponseSource,
    SettleSpec,
    SqlSource,
    XmlSpec,
)

VALID = Path(__file__).parents[1] / "fixtures" / "config" / "valid"
PROJECTS = sorted(path.name for path in VALID.iterdir())
FILES = sorted(VALID.rglob("*.y*ml"))


def plain(file):
    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PROJECTS)
def test_valid_projects_have_no_problem(name):
    project, problems = check_project(VALID / name)
    assert problems == ()
    assert project is not None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_schema_accepts_what_the_reader_accepts(file):
    jsonschema.Draft202012Validator(project_json_schema()).validate(plain(file))


def test_the_schema_is_valid_and_describes_every_key():
    schema = project_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    def described(node):
        if isinstance(node, dict):
            for entry in (node.get("properties") or {}).values():
                assert entry.get("description")
            for inner in node.values():
                described(inner)
        elif isinstance(node, list):
            for inner in node:
                described(inner)

    described(schema)


@pytest.mark.parametrize(
    "text",
    [
        "destination: {}",
        "sources: {crm: {type: file}}",
        "sources: {crm: {type: file, path: a, query: b}}",
        "sources: {a.b: {type: file, path: a}}",
        "credentials: {acme: {dialect: nativ}}",
        "destinations: {a: {dataset: b, credential: c}}",
        "destinations: {a: {dataset: b, credential: c, template: upsert_persons}}",
        "destinations: {a: {dataset: b, credential: c, template: upsert_person, concurrency: 201}}",
        "destinations: {a: {dataset: b, credential: c, template: upsert_person, fuse: {ratio: 2}}}",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text, tmp_path):
    errors = list(jsonschema.Draft202012Validator(project_json_schema()).iter_errors(YAML(typ="safe").load(text)))
    assert errors
    (tmp_path / "p.yaml").write_text(text)
    assert check_project(tmp_path / "p.yaml")[0] is None


def test_the_fixtures_use_every_key():
    used = set()

    def collect(node):
        if isinstance(node, dict):
            used.update(node)
            for inner in node.values():
                collect(inner)

    for file in FILES:
        collect(plain(file))
    sections = [section for section in vars(keys).values() if isinstance(section, Section)]
    declared = {name for section in sections for name in section.names()}
    assert len(sections) >= 14
    assert declared - used == set()


def test_every_key_has_its_documented_default(tmp_path):
    text = "credentials: {a: {}}\nsources: {s: {type: file, path: f.csv}}\ndatasets: {d: {source: s, key: id}}\n"
    (tmp_path / "p.yaml").write_text(text + "destinations: {x: {dataset: d, credential: a, template: upsert_person}}\n")
    project = load_project(tmp_path / "p.yaml")
    credential, destination = project.credentials["a"], project.destinations["x"]
    assert (credential.connector, credential.base_url, credential.dialect) == ("custify", "auto", "auto")
    assert credential.rate_limit == RateLimit(100, 10.0, None)
    assert credential.api_key is None
    assert project.sources["s"] == FileSource("s", "f.csv", tmp_path.resolve())
    assert (destination.attributes, destination.nulls, destination.exclude) == ("all", "omit", ())
    assert (destination.mode, destination.active, destination.fields) == (None, None, None)
    assert (destination.concurrency, destination.fuse) == (10, FuseSpec(0.5, 200, 100))
    assert destination.batch == BatchSpec("auto")


def test_the_example_is_read_into_specs():
    project = load_project(VALID / "whole-example.yaml")
    people, raw = project.destinations["people"], project.destinations["raw"]
    assert project.sources["billing"].query == "select * from invoices"
    assert project.sources["billing"].cursor == CursorSpec("updated_at")
    assert project.datasets["invoices"].key == ("invoice", "year")
    assert people.fields == {
        "user_id": Binding("customerID"),
        "email": Binding("email"),
        "company_id": Binding("company"),
    }
    assert (people.mode, people.active, people.exclude) == (Mode.CHANGED, True, ("gender", "address.street"))
    assert raw.request is not None
    assert raw.request.headers == (("X-Trace", "{run.id}"),)
    assert raw.request.batch == BatchSpec("on", 500, None, GroupingSpec("property", "batch", {"origin": "custom"}))
    assert project.sources["raw.responses"] == ResponseSource("raw.responses", "raw")
    assert project.flows["nightly"] == FlowSpec("nightly", ("people", "raw"), "0 2 * * *", "Europe/Berlin")


def test_the_long_forms_are_read_into_specs():
    project = load_project(VALID / "further-keys.yaml")
    acme, local, other = (project.credentials[name] for name in ("acme", "local", "other"))
    assert acme.base_url == "https://eu.api.example.com"
    assert acme.rate_limit == RateLimit(50, 0.5, "jobs")
    assert (acme.timeout, local.timeout) == (60.0, 15.0)
    assert acme.allowed_hosts == ("hooks.example.com", "files.example.com:8443")
    assert local.rate_limit == RateLimit(1000, 10.0, "1")
    assert list(other.headers) == ["X-A", "X-B", "X-C"]
    ledger = project.ledger_to
    assert isinstance(ledger, LedgerTables)
    assert (ledger.schema, ledger.url.parts[1]) == ("evidence", ("env", "WAREHOUSE_PASSWORD"))
    billing = project.sources["billing"]
    assert isinstance(billing, SqlSource)
    assert billing.cursor == CursorSpec("updated_at", "1h")
    tabs, hive, api = (project.sources[name] for name in ("tabs", "hive", "api"))
    assert (tabs.delimiter, tabs.quote, tabs.skip_lines, tabs.skip_footer_lines) == ("\t", "none", 3, 1)
    assert (hive.delimiter, hive.null_values, hive.decimal) == ("\t", ("\\N", "NULL"), ",")
    assert api.records_path == "result.items"
    assert [project.sources[name].sheet for name in ("book", "second", "year", "api")] == ["People", 2, "2026", None]
    assert project.datasets["invoices"].key == ("number", "2024")
    people = project.destinations["people"]
    assert people.fields == {
        "user_id": Binding("id"),
        "email": Binding("mail", default=(None,)),
        "name": Binding("full_name", truncate=True),
        "plan": Binding(constant=("free",)),
        "phone": Binding("phone", if_unchanged=True),
        "unsubscribed_from_calls": Binding(constant=(False,)),
    }
    assert (people.attributes, people.exclude, people.nulls) == (("seats", "vip"), ("tags",), "send")
    assert (people.active, people.responses) == (False, True)
    assert people.batch == BatchSpec("on", 100, 1_000_000)
    assert people.fuse == FuseSpec(0.1, 50, 20)
    invoices = project.destinations["invoices"]
    assert (invoices.external_id, invoices.fuse, invoices.batch.mode) == (("number", "year"), None, "off")
    assert project.destinations["objects"].data_id == "id"
    assert project.destinations["notes"].on_changed == "ignore"
    by_hand = project.destinations["by_hand"].request
    assert by_hand is not None
    assert by_hand.headers == (("X-Run", "{run.id}"), ("X-List", "1,2"))
    assert (by_hand.xml, by_hand.body, by_hand.idempotent) == (XmlSpec("customers", "customer"), True, True)
    assert by_hand.batch == BatchSpec("on", 10, 1000, GroupingSpec("array"))
    notes, once = project.destinations["notes"], project.destinations["once"]
    assert (people.on_unknown, people.settle_after, people.confirm_timeout) == ("settle", 5.0, 600.0)
    assert notes.confirm_timeout == 21600.0
    assert (notes.on_unknown, notes.settle_after, once.on_unknown, once.settle_after) == ("hold", 0.0, "settle", 600.0)
    assert once.request is not None
    assert once.request.idempotency == IdempotencySpec("{record.id}-{record.seen}", "X-Once")
    assert once.request.settle == SettleSpec("/things?external={record.id}", "$.data[?@.state != 'gone'].id")
    log = project.destinations["log"].request
    assert log is not None
    assert log.batch == BatchSpec("on", 20)


def test_a_folder_is_one_project_with_the_file_of_each_key():
    project = load_project(VALID / "folder")
    assert list(project.flows) == ["nightly"]
    assert project.ledger_to == LedgerFiles("ledger/", project.base)
    assert project.base == (VALID / "folder").resolve()
    assert project.files["destinations.people"].endswith("what.yml")
    assert (project.lines["sources.crm"], project.lines["destinations.people.template"]) == (3, 5)
    assert project.destinations["people"].line == 5


def test_merged_values_can_be_overridden():
    project = load_project(VALID / "shared-values.yaml")
    eu, us = project.credentials["eu"], project.credentials["us"]
    assert eu.dialect == us.dialect == "native"
    assert eu.api_key is not None
    assert us.api_key is not None
    assert (eu.api_key.parts, us.api_key.parts) == ((("env", "EU_KEY"),), (("env", "US_KEY"),))


@pytest.mark.parametrize("name", ["empty.yaml", "empty-sections.yaml"])
def test_an_empty_project_is_valid(name):
    project = load_project(VALID / name)
    assert all(not getattr(project, section) for section in TOP_LEVEL)


def test_on_and_off_can_be_words_or_booleans(tmp_path):
    text = "credentials: {a: {}}\nsources: {s: {type: file, path: f.csv}}\ndatasets: {d: {source: s, key: id}}\n"
    each = "dataset: d, credential: a, template: upsert_person"
    text += f"destinations:\n  w: {{{each}, batch: on, fuse: off, active: no}}\n"
    text += f"  b: {{{each}, batch: true, fuse: false, active: false}}\n"
    (tmp_path / "p.yaml").write_text(text)
    destinations = load_project(tmp_path / "p.yaml").destinations
    for destination in destinations.values():
        assert (destination.batch.mode, destination.fuse, destination.active) == ("on", None, False)


def test_reading_a_project_imports_nothing_slow():
    heavy = ("pyarrow", "duckdb", "aiohttp", "sqlalchemy", "pydantic", "cryptography", "cronsim", "jsonpath")
    code = f"import sys, penstock.config.loader; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("no", "no"),
        ("true", True),
        ("007", 7),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("~", None),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31 10:00:00", "2026-01-31 10:00:00"),
        ('"7"', "7"),
        ("12345678901234567890", 12345678901234567890),
        ("9" * 5000, "9" * 5000),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_constants_are_read_by_yaml_1_2(written, meant, tmp_path):
    text = "credentials: {a: {}}\nsources: {s: {type: file, path: f.csv}}\ndatasets: {d: {source: s, key: id}}\n"
    each = f"dataset: d, credential: a, template: upsert_person, fields: {{user_id: id, name: {{value: {written}}}}}"
    (tmp_path / "p.yaml").write_text(text + f"destinations: {{w: {{{each}}}}}")
    fields = load_project(tmp_path / "p.yaml").destinations["w"].fields
    assert fields is not None
    assert fields["name"].constant == (meant,)
    assert type(fields["name"].constant[0]) is type(meant)


def test_boolean_words_of_yaml_1_1_stay_text(tmp_path):
    text = "%YAML 1.1\n---\ncredentials: {a: &x {timeout: 5s}, b: &x {}}\nsources: {s: {type: file, path: on}}\n"
    (tmp_path / "p.yaml").write_text(text)
    assert load_project(tmp_path / "p.yaml").sources["s"] == FileSource("s", "on", tmp_path.resolve())


def test_on_delete_is_read_as_deletion_or_as_the_values_of_a_mark():
    found = load_project(VALID / "mirrors.yaml").destinations
    assert (found["people"].on_delete, found["people"].mirror_max_share) == (OnDelete(), None)
    assert found["marked"].on_delete == OnDelete({"churned": True, "plan": None, "our_own": "gone"})
    assert found["batch"].mirror_max_share == 0.2
