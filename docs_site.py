"""A hook of mkdocs: texts outside `docs` become pages of the site, and links to and from them lead there."""

import re
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent
PAGES = {  # page of the site: file of the repository
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "web-ui.md": "ui/README.md",
    "benchmarks/results.md": "benchmarks/RESULTS.md",
    "benchmarks/budget.md": "benchmarks/BUDGET.md",
    "benchmarks/service.md": "benchmarks/SERVICE.md",
}
PAGE_OF = {file: page for page, file in PAGES.items()}
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    for page, file in PAGES.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links between files of the repository, as links between pages of the site."""
    here = page.file.src_uri
    folder = dirname(PAGES.get(here, f"docs/{here}"))

    def link(match: re.Match[str]) -> str:
        file = normpath(f"{folder}/{match[1]}") if folder else normpath(match[1])
        target = PAGE_OF.get(file, file.removeprefix("docs/"))
        return f"]({relpath(target, dirname(here) or '.')}"

    return LINK.sub(link, markdown)
