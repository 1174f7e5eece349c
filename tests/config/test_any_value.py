"""Any value at any place gives a list of problems, never a crash."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.config import loader
from penstock.config.loader import SECTIONS, read_files
from penstock.config.tree import Report

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
def test_any_value_anywhere_is_accepted_or_reported_with_its_place(name, nasty, monkeypatch):
    tree = read_files(VALID / name, Report())
    paths = [item.path for section in SECTIONS for item in tree[section].walk() if item.path.count(".")]
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
