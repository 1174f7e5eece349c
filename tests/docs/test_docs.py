"""The documents are true: commands exist, examples are valid, links have a target, every template and outcome is described."""

import re
from pathlib import Path

import pytest

from penstock.cli.command import open_app
from penstock.config.loader import check_project
from penstock.main import build
from penstock.model.outcome import Outcome
from penstock.templates.catalogue import load_catalogue

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"(?<!from )penstock ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+))?")
YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)[^)]*\)")


def test_every_command_that_a_page_names_exists():
    app = build(open_app)
    known = {name for name in app if not name.startswith("-")}
    quarantine = {name for name in app["quarantine"] if not name.startswith("-")}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for code in re.findall(r"`([^`\n]+)`|^\$ (.+)$", text, re.MULTILINE):
            for command, second in COMMAND.findall(code[0] or code[1]):
                assert command in known, f"{page.name}: penstock {command}"
                if command == "quarantine" and second:
                    assert second in quarantine, f"{page.name}: penstock quarantine {second}"


def test_every_command_is_documented():
    app = build(open_app)
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in (name for name in app if not name.startswith("-")):
        assert f"penstock {name}" in pages or f"`{name}`" in pages, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_whole_project_files_in_pages_are_valid(page, tmp_path):
    found = [text for text in YAML.findall((ROOT / page).read_text(encoding="utf-8")) if "credentials:" in text]
    assert found
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text, encoding="utf-8")
        assert check_project(file)[1] == ()


def test_every_template_and_outcome_is_documented():
    api = (ROOT / "docs" / "custify-api.md").read_text(encoding="utf-8")
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in api for name in load_catalogue())
    assert all(f"| `{outcome}` |" in glossary for outcome in Outcome)


def test_examples_are_valid():
    for file in sorted((ROOT / "examples").glob("*.yaml")):
        assert check_project(file)[1] == (), file.name
