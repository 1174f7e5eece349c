"""Checks `ui/src` without node: folder sizes, file names of pages, layers, import circles, texts in components."""

import re
from collections.abc import Iterator
from pathlib import Path

MOST_ENTRIES = 15
PAGE_FILES = {
    "List.tsx",
    "Page.tsx",
    "Form.tsx",
    "routes.tsx",
    "queries.ts",
    "search.ts",
    "value.ts",
    "value.test.ts",
    "style.module.css",
}
# A folder imports from itself and from the folders after it; `app` and `pages` import from each other.
LAYERS = ("app", "pages", "resources", "parts", "api", "theme")
_TEXT = re.compile(
    r"""\b(?:aria-label|label|title|description|placeholder)="[A-Z][a-z]+[^"]*"|>\s*[A-Z][a-z]+ [a-z]+[^<{}]*<"""
)
_IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']""")


def faults(source: Path) -> list[str]:
    """One sentence for each fault; empty when there is none. `source` is the folder `src`."""
    source = source.resolve()
    imports = _imports(source)
    return [
        *_large_folders(source),
        *_page_files(source),
        *_layers(source, imports),
        *_circles(source, imports),
        *_texts(source),
    ]


def _large_folders(source: Path) -> Iterator[str]:
    for folder in sorted([source, *(path for path in source.rglob("*") if path.is_dir())]):
        entries = len(list(folder.iterdir()))
        if entries > MOST_ENTRIES:
            yield f"{folder.relative_to(source.parent)} has {entries} entries; at most {MOST_ENTRIES} are allowed"


def _page_files(source: Path) -> Iterator[str]:
    for file in sorted((source / "pages").glob("*/*.*")):
        if file.name not in PAGE_FILES:
            names = ", ".join(sorted(PAGE_FILES))
            yield f"{file.relative_to(source.parent)}: a page folder holds {names} and subfolders"


def _texts(source: Path) -> Iterator[str]:
    for file in sorted(source.rglob("*.tsx")):
        if ".test." not in file.name and "test" not in file.parts:
            for found in _TEXT.findall(file.read_text(encoding="utf-8")):
                yield f"{file.relative_to(source.parent)}: the text {found.strip()!r} belongs into src/texts"


def _layers(source: Path, imports: dict[Path, list[Path]]) -> Iterator[str]:
    for file, targets in sorted(imports.items()):
        for target in targets:
            if not _allowed(file.relative_to(source).parts, target.relative_to(source).parts):
                yield f"{file.relative_to(source.parent)} must not import {target.relative_to(source.parent)}"


def _allowed(file: tuple[str, ...], target: tuple[str, ...]) -> bool:
    own, other = file[0], target[0]
    if own not in LAYERS or other not in LAYERS or "test" in (own, other):
        return True
    if own == other == "pages":
        return file[1] == target[1]
    return {own, other} == {"app", "pages"} or LAYERS.index(own) <= LAYERS.index(other)


def _circles(source: Path, imports: dict[Path, list[Path]]) -> Iterator[str]:
    """Each circle once, from the file where the search first meets it."""
    done: set[Path] = set()
    for start in sorted(imports):
        way: list[Path] = []
        stack = [(start, iter(imports[start]))] if start not in done else []
        while stack:
            file, targets = stack[-1]
            if len(way) < len(stack):
                way.append(file)
            target = next(targets, None)
            if target is None:
                done.add(file)
                stack.pop()
                way.pop()
            elif target in way:
                circle = [*way[way.index(target) :], target]
                yield "import circle: " + " → ".join(str(path.relative_to(source)) for path in circle)
            elif target not in done:
                stack.append((target, iter(imports[target])))


def _imports(source: Path) -> dict[Path, list[Path]]:
    """The files of `source` that each of them imports, as values, as types or when first used."""
    files = {path for path in source.rglob("*") if path.suffix in (".ts", ".tsx")}
    found: dict[Path, list[Path]] = {}
    for file in files:
        targets = {_resolved(source, file, spec, files) for spec in _IMPORT.findall(file.read_text(encoding="utf-8"))}
        found[file] = sorted(target for target in targets if target is not None)
    return found


def _resolved(source: Path, file: Path, spec: str, files: set[Path]) -> Path | None:
    if not spec.startswith((".", "@/")):
        return None
    named = (source / spec[2:] if spec.startswith("@/") else file.parent / spec).resolve()
    ways = (named, named.parent / f"{named.name}.ts", named.parent / f"{named.name}.tsx", named / "index.ts")
    return next((way for way in ways if way in files), None)
