"""One file per rule, beside the messages that a user reads. `PENSTOCK_GOLDEN=write` rewrites the messages."""

from pathlib import Path

import pytest

from penstock.config.loader import check_project, load_project
from penstock.model.errors import InputError, NotAvailableYet
from support.golden import golden

INVALID = Path(__file__).parents[1] / "fixtures" / "config" / "invalid"
# What is missing is not there; a literal secret is not shown; a parser's message holds its finding.
NOTHING_FOUND = {"missing-key", "empty-value", "no-file", "literal-secret", "yaml-syntax", "not-utf-8"}
PROJECTS = sorted(path.name for path in INVALID.iterdir() if path.suffix == ".yaml" or path.is_dir())


@pytest.mark.parametrize("name", PROJECTS)
def test_every_problem_has_its_place_what_was_found_and_what_to_write(name, monkeypatch):
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
            assert problem.found, f"{problem.message}: says nothing about what stands there"
        assert len(problem.found or "") <= 80
        if name != "empty-folder":
            lines = Path(problem.file).read_bytes().split(b"\n")
            assert problem.line is not None
            assert 1 <= problem.line <= len(lines)


def test_every_golden_text_has_its_file():
    texts = {path.stem for path in INVALID.glob("*.txt")}
    assert texts == {Path(name).stem for name in PROJECTS}


def test_loading_raises_every_problem_at_once():
    with pytest.raises(InputError) as caught:
        load_project(INVALID / "all-at-once.yaml")
    assert caught.value.problems == check_project(INVALID / "all-at-once.yaml")[1]
    assert len(caught.value.problems) >= 10
    assert not isinstance(caught.value, NotAvailableYet)


@pytest.mark.parametrize("name", ["mode-mirror", "secret-later"])
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
