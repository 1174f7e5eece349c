"""`make docs` builds a site whose links lead somewhere and that loads nothing from another host."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADDRESSES = ("src", "srcset", "href", "data", "poster")
IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^"')\s]+""")
IN_SCRIPTS = re.compile(r"""(?:\b(?:src|href)\s*=|\bimport\(|\bimportScripts\()\s*["'`](?:https?:)?//[^"'`]+""")


class _Loads(HTMLParser):
    """The URLs on other hosts that a browser loads with a page, without links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.classes.update(values.get("class", "").split())
        if tag != "a":
            addresses = (values.get(name, "") for name in ADDRESSES)
            self.found += [address for address in addresses if address.startswith(("http:", "https:", "//"))]
        self.found += IN_STYLES.findall(values.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_site_loads_nothing_from_another_host(site):
    found: dict[str, list[str]] = {}
    for file in (path for path in site.rglob("*") if path.suffix in {".html", ".css", ".js"}):
        text = file.read_text(encoding="utf-8")
        loads = _Loads()
        if file.suffix == ".html":
            loads.feed(text)
            assert "mermaid" not in loads.classes, "the theme loads mermaid from another host"
        found[file.name] = loads.found + (IN_SCRIPTS if file.suffix == ".js" else IN_STYLES).findall(text)
    assert {name: loaded for name, loaded in found.items() if loaded} == {}
    assert "tutorial" in (site / "search" / "search_index.json").read_text(encoding="utf-8")


def test_links_between_the_documents_and_texts_outside_their_folder_lead_to_pages_of_the_site(site):
    first, changes = site / "index.html", site / "changelog" / "index.html"
    for target in ("tutorial", "architecture", "contributing", "changelog"):
        assert f'href="{target}/"' in first.read_text(encoding="utf-8")
        assert (site / target / "index.html").is_file()
    assert 'href="../security/#reach-of-a-service"' in changes.read_text(encoding="utf-8")
