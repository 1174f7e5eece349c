"""Wrong project files: each rule has a file with its messages beside it. `PENSTOCK_GOLDEN=write` rewrites the messages."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.config import loader
from penstock.config.loader import TOP_LEVEL, check_project, load_project, read_files
from penstock.config.tree import Report
from penstock.model.errors import InputError, NotAvailableYet
from support.golden import golden

INVALID = Path(__file__).parents[1] / "fixtures" / "config" / "invalid"
# What is missing is not there; a literal secret is not shown; a parser's message holds its finding.
NOTHING_FOUND = {"missing-key", "empty-value", "no-file", "literal-secret", "yaml-syntax", "not-utf-8"}
PROJECTS = sorted(path.name for path in INVALID.iterdir() if path.suffix == ".yaml" or path.is_dir())


@pytest.mark.parametrize("name", PROJECTS)
def test_every_problem_has_a_place_what_was_found_and_a_hint(name, monkeypatch):
    monkeypatch.chdir(INVALID)
    project, problems = check_project(Path(name))
    text = "".join(f"{problem}\n" for problem in problems)
    assert project is None
    assert text == golden(INVALID / f"{Path(name).stem}.txt", text)
    assert "do_not_show" not in repr(problems)
    for problem in problems:
        assert problem.hint, f"{problem.message}: says nothing about what to write instead"
        assert problem.file is not None
        if problem.code not in NOTHING_FOUND:
            assert problem.found, f"{problem.message}: does not name what was found"
        assert len(problem.found or "") <= 80
        if name != "empty-folder":
            lines = Path(problem.file).read_bytes().split(b"\n")
            assert problem.line is not None
            assert 1 <= problem.line <= len(lines)


def test_every_golden_text_has_a_project_file():
    texts = {path.stem for path in INVALID.glob("*.txt")}
    assert texts == {Path(name).stem for name in PROJECTS}


def test_loading_raises_every_problem_at_once():
    with pytest.raises(InputError) as caught:
        load_project(INVALID / "all-at-once.yaml")
    assert caught.value.problems == check_project(INVALID / "all-at-once.yaml")[1]
    assert len(caught.value.problems) >= 10
    assert not isinstance(caught.value, NotAvailableYet)


@pytest.mark.parametrize("name", ["secret-later"])
def test_keys_of_a_later_version_raise_their_own_error(name):
    with pytest.raises(NotAvailableYet) as caught:
        load_project(INVALID / f"{name}.yaml")
    assert {problem.code for problem in caught.value.problems} == {"not-available-yet"}


def test_a_missing_file_is_reported_with_penstock_init(tmp_path):
    with pytest.raises(InputError) as caught:
        load_project(tmp_path / "penstock.yaml")
    (problem,) = caught.value.problems
    assert str(tmp_path / "penstock.yaml") in problem.message
    assert "penstock init" in problem.hint
    assert problem.code == "no-file"


VALID = Path(__file__).parents[1] / "fixtures" / "config" / "valid"
NASTY = (
    None,
    [],
    {},
    "",
    "x",
    "${env:",
    "{record.}",
    -1,
    0,
    1.5,
    float("nan"),
    True,
    10**30,
    "\r\n\0",
    "a.b",
    "ü" * 300,
)


# `make quick` takes a fourth of the places, of each value others.
STEP = 4 if os.environ.get("PENSTOCK_EXAMPLES") == "quick" else 1


def changed(node, path, value, raw):
    """The tree with one value replaced; what the path does not lead through is taken as it is."""
    if node.path == path:
        return replace(node, value=value, raw=raw)
    if not path.startswith(f"{node.path}."):
        return node
    if isinstance(node.value, dict):
        return replace(node, value={name: changed(item, path, value, raw) for name, item in node.value.items()})
    return replace(node, value=[changed(item, path, value, raw) for item in node.items()])


@pytest.mark.parametrize("nasty", NASTY, ids=lambda value: ascii(value)[:12])
@pytest.mark.parametrize("name", ["further-keys.yaml", "whole-example.yaml"])
def test_any_value_at_any_path_is_accepted_or_reported_with_its_place(name, nasty, monkeypatch):
    tree = read_files(VALID / name, Report())
    paths = [item.path for section in TOP_LEVEL for item in tree[section].walk() if item.path.count(".")]
    assert len(paths) > 40
    paths = paths[NASTY.index(nasty) % STEP :: STEP]
    refused = 0
    for path in paths:
        raw = "" if nasty is None or isinstance(nasty, dict | list) else str(nasty)
        mutated = {section: changed(node, path, nasty, raw) for section, node in tree.items()}
        monkeypatch.setattr(loader, "read_files", lambda _path, _report, mutated=mutated: mutated)
        project, problems = loader.check_project(VALID / name)
        assert (project is None) == bool(problems)
        refused += bool(problems)
        for problem in problems:
            assert problem.path
            assert problem.line
            assert problem.hint
            assert problem.message
    assert refused > len(paths) / 4
