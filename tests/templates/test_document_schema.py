"""Unknown words in a templates' document are refused with their line, and no behaviour depends on a name."""

import ast
from importlib.resources import files

import pytest

from penstock import Project
from penstock.model.errors import InputError
from penstock.render.cross_field_rules import COMBINATIONS
from penstock.render.steps import BY_TYPE
from penstock.templates import document_schema
from penstock.templates.catalogue import load_catalogue, read_catalogue
from support.docs.source_trees import source_trees

TEXT = files("penstock.templates").joinpath("custify.yaml").read_text(encoding="utf-8")


def problems(old, new):
    assert old in TEXT
    with pytest.raises(InputError) as caught:
        read_catalogue(TEXT.replace(old, new, 1), "mine.yaml")
    return [(each.file, each.line, each.path, each.code, each.hint) for each in caught.value.problems]


def line_of(text, within=TEXT):
    return within[: within.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "path", "code", "hint"),
    [
        (
            "  flat_batch: true",
            "  flat_bach: true",
            "upsert_person.flat_bach",
            "unknown-key",
            "did you mean `flat_batch`?",
        ),
        (
            "user_id: {label: User id, type: key,",
            "user_id: {label: User id, lable: x, type: key,",
            "upsert_person.fields.user_id.lable",
            "unknown-key",
            "did you mean `label`?",
        ),
        (
            "user_id: {label: User id, type: key,",
            "user_id: {label: User id, type: kee,",
            "upsert_person.fields.user_id.type",
            "unknown-value",
            "did you mean `key`?",
        ),
        (
            "combine: [closing]",
            "combine: [clossing]",
            "upsert_deal.combine.0",
            "unknown-value",
            "did you mean `closing`?",
        ),
        (
            "modes: [changed, new",
            "modes: [change, new",
            "upsert_person.modes.0",
            "unknown-value",
            "did you mean `changed`?",
        ),
        (
            "retry: {native: idempotent",
            "retry: {native: twice",
            "upsert_person.retry.native",
            "unknown-value",
            "known: ",
        ),
        (
            "read_back: {native: task",
            "read_back: {native: tusk",
            "create_task.read_back.native",
            "unknown-value",
            "did you mean `task`?",
        ),
        (
            "read_back: {native: task",
            "read_back: {native: recipe",
            "create_task.read_back.native",
            "unknown-value",
            "known: task, note",
        ),
        (
            "overlaid: [custom_attributes]",
            "overlayed: [custom_attributes]",
            "upsert_person.versions.native.overlayed",
            "unknown-key",
            "did you mean `overlaid`?",
        ),
        (
            "path: {native: /people",
            'path: {native: "/people/{user_id}"',
            "upsert_person.path.native",
            "path-placeholder",
            "write a path",
        ),
        (
            "parents: {company_id: company}",
            "parents: {company_id: compny}",
            "upsert_person.parents.company_id",
            "unknown-value",
            "did you mean `company`?",
        ),
        (
            "items: {person: upsert_person",
            "items: {person: upsert_persn",
            "send_batch.items.person",
            "unknown-value",
            "did you mean `upsert_person`?",
        ),
        (
            "recognized_by: {person:",
            "recognized_by: {persn:",
            "send_batch.recognized_by.persn",
            "unknown-key",
            "did you mean `person`?",
        ),
        (
            "fields_of: [company, person]",
            "fields_of: [compny, person]",
            "send_batch.fields_of.0",
            "unknown-value",
            "did you mean `company`?",
        ),
        (
            "external: {field: external_id",
            "external: {field: externl_id",
            "upsert_subscription.external.field",
            "unknown-value",
            "did you mean `external_id`?",
        ),
    ],
)
def test_an_unknown_word_is_refused_with_its_line_and_the_nearest_known_one(old, new, path, code, hint):
    ((file, line, *found),) = problems(old, new)
    assert (file, line) == ("mine.yaml", line_of(old))
    assert found[:2] == [path, code]
    assert found[2].startswith(hint)


def test_a_missing_key_of_a_template_is_named():
    ((_, line, path, code, _),) = problems("  title: Upsert person\n", "")
    assert (line, path, code) == (line_of("upsert_person:"), "upsert_person", "missing-key")
    ((_, line, path, code, _),) = problems("user_id: {label: User id, type: key,", "user_id: {label: User id,")
    assert (line, path, code) == (line_of("user_id: {"), "upsert_person.fields.user_id", "missing-key")


def test_all_problems_of_a_document_are_reported_at_once():
    broken = TEXT.replace("  flat_batch: true", "  flat_bach: true").replace(
        "combine: [closing]", "combine: [clossing]"
    )
    with pytest.raises(InputError) as caught:
        read_catalogue(broken, "mine.yaml")
    assert len(caught.value.problems) == 1 + TEXT.count("  flat_batch: true")


def test_the_schema_has_exactly_the_rules_of_the_renderer():
    assert set(document_schema.TYPES) == set(BY_TYPE)
    assert set(document_schema.RULES) == {*COMBINATIONS, "custom_data_company"}


def test_no_code_names_a_template():
    """A template's behaviour is in its document, so that another template or another name needs no code."""
    writes_projects = "starter.py"  # `penstock init` writes a destination for a person to read
    names, found = set(load_catalogue()), set()
    for path, tree in source_trees().items():
        constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        if path.name != writes_projects and constants & names:
            found.add(path.name)
    assert found == set()


def test_a_template_sends_the_same_under_any_name(monkeypatch, tmp_path):
    """Of two versions of one key, `upsert_person` never sends the older one last; nor does a copy of its document."""
    person = TEXT[TEXT.index("upsert_person:") : TEXT.index("upsert_company:")]
    templates = read_catalogue(TEXT + person.replace("upsert_person:", "save_person:"), "mine.yaml")
    readers = ("run.preparation.prepare", "run.context", "config.loader", "render.compile")
    for module in readers:
        monkeypatch.setattr(f"penstock.{module}.load_catalogue", lambda: templates)
    (tmp_path / "rows.csv").write_text("id,email\nu1,old@x.example\nu1,new@x.example\nu2,two@x.example\n")
    (tmp_path / "penstock.yaml").write_text(
        """\
credentials: {acme: {connector: custify, api_key: "sandbox-key", base_url: "http://127.0.0.1:9", dialect: native}}
sources: {s: {type: file, path: rows.csv}}
datasets: {d: {source: s, key: id}}
destinations:
  upsert: {dataset: d, credential: acme, template: upsert_person, fields: {user_id: id, email: email}, mode: all}
  save: {dataset: d, credential: acme, template: save_person, fields: {user_id: id, email: email}, mode: all}
"""
    )
    with Project.load(tmp_path / "penstock.yaml") as project:
        upsert, save = (project.preview(name).requests for name in ("upsert", "save"))
    assert [request.body for request in save] == [request.body for request in upsert]
    assert all(request.body.count("u1") <= 1 for request in upsert)  # never two versions in one request


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("upsert_person: 7", "upsert_person", 1),
        ("upsert_person:\n  fields:\n    email: text\n", "upsert_person.fields.email", 3),
    ],
)
def test_a_value_that_must_be_a_mapping_is_reported(text, path, line):
    with pytest.raises(InputError) as caught:
        read_catalogue(text, "mine.yaml")
    found = {(each.path, each.line) for each in caught.value.problems if each.message == "a mapping is needed here"}
    assert found == {(path, line)}


def test_parts_of_an_unexpected_type_are_reported_without_a_defect():
    text = "a:\n  object: person\n  modes: changed\n  items: [x]\n  versions: {native: 7}\n  fields: [1]\nb: 1\n"
    with pytest.raises(InputError) as caught:
        read_catalogue(text, "mine.yaml")
    assert {each.path for each in caught.value.problems} >= {"a", "b"}
    assert all(each.line for each in caught.value.problems)


def test_a_key_from_a_yaml_merge_has_the_line_where_it_is_written():
    with pytest.raises(InputError) as caught:
        read_catalogue("a: &shared\n  titel: x\nb:\n  <<: *shared\n", "mine.yaml")
    assert {each.path: each.line for each in caught.value.problems if each.code == "unknown-key"} == {
        "a.titel": 2,
        "b.titel": 3,
    }
