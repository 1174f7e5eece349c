"""A project that is written as YAML and read again is the same project."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config.document import canonical, changes, document_of_path
from penstock.config.loader import TOP_LEVEL, load_project, load_text, read_sections
from penstock.config.tree import Marked, Report, plain

ROOT = Path(__file__).parents[3]
PROJECTS = [*sorted((ROOT / "examples").glob("*.yaml")), *sorted((ROOT / "tests/fixtures/config/valid").glob("*.yaml"))]
NASTY = [
    "",
    " ",
    "007",
    "1.10",
    "true",
    "No",
    "~",
    "null",
    "a: b",
    "- a",
    "#",
    "é",
    "🚀",
    "a\nb",
    "a\n",
    "\n",
    " a\nb\n",
]
NASTY += [
    "a\n\n",
    "\ta",
    'say "x"',
    "back\\slash",
    "${env:X}",
    "{record.x}",
    "0x10",
    "1e3",
    ".nan",
    "2026-01-31",
    "\x85",
]
texts = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | texts
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(texts.filter(lambda t: t != "<<"), v, max_size=3)
)


def tree(text: str) -> dict[str, Marked]:
    report = Report()
    found = read_sections(text, "p", report)
    assert report.problems == []
    return {name: found.get(name, Marked(name, 1, "p", {})) for name in TOP_LEVEL}


def unplaced(project):
    """The destinations without their line numbers."""
    return {name: replace(destination, line=None) for name, destination in project.destinations.items()}


@given(st.dictionaries(texts.filter(lambda t: t != "<<"), values, min_size=1, max_size=3))
def test_any_values_are_read_back_unchanged(given_values):
    """JSON is YAML, so it can be read, too; YAML needs escapes for characters that cannot be printed."""
    text = json.dumps({"destinations": given_values}, ensure_ascii=False)
    before = tree("".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text))
    again = tree(canonical(before))
    assert plain(again["destinations"]) == plain(before["destinations"]) == given_values
    assert canonical(again) == canonical(before)
    assert changes(canonical(before), canonical(again)) == ()


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_every_project_is_the_same_after_a_round_trip(path):
    text = document_of_path(path)
    project, again = load_project(path), load_text(text, path.parent, "p")
    assert (again.credentials, again.sources, again.datasets) == (
        project.credentials,
        project.sources,
        project.datasets,
    )
    assert (unplaced(again), again.flows) == (unplaced(project), project.flows)


def test_numbers_are_written_unchanged():
    text = "destinations:\n  a:\n    fields:\n      x: {value: 1.10}\n      z: 007\n"
    assert canonical(tree(text)) == "destinations:\n  a:\n    fields: {x: {value: 1.10}, z: 007}\n"
