"""The files of a project: found, read and merged into one tree per section."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.bounds import MAX_PROJECT, bounds, in_megabytes
from penstock.config.values.shapes import kind_of
from penstock.config.yaml.report import Place, Report, suggest
from penstock.config.yaml.tree import Marked, read_marked

SECTIONS = ("credentials", "sources", "datasets", "destinations", "flows")
SUFFIXES = frozenset({".yaml", ".yml"})
NAME = re.compile(r"\w(?:[\w -]*[\w-])?")


def read_files(path: Path, report: Report) -> dict[str, Marked]:
    """Every section of the project with the entries of all files; sections that are in no file are empty."""
    merged: dict[str, dict[str, Marked]] = {name: {} for name in SECTIONS}
    first: dict[str, Marked] = {}
    try:
        files = _files(path, report)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        report.add(Place("", None, str(path)), "unreadable-file", message, "check the rights of the folder")
        files = []
    for file in files:
        for section, node in _sections(file, report).items():
            first.setdefault(section, node)
            for name, item in node.entries().items():
                _add(merged[section], name, item, report)
    return {
        name: Marked(name, first[name].line if name in first else 1, str(path), entries)
        for name, entries in merged.items()
    }


def _add(entries: dict[str, Marked], name: str, item: Marked, report: Report) -> None:
    if NAME.fullmatch(name) is None:
        message = "a name is made of letters, digits, _ and -"
        report.add(item.place, "bad-name", message, "a dot would make paths and NAME.responses ambiguous", name)
    if name in entries:
        other = entries[name]
        message = f"the same name stands in {other.file} (line {other.line}) and in {item.file} (line {item.line})"
        report.add(item.place, "duplicate-name", message, "rename one of the two, or remove it", name)
        return
    entries[name] = item


def _files(path: Path, report: Report) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        if not files:
            message = f"the folder {path} holds no *.yaml and no *.yml file"
            report.add(Place("", None, str(path)), "no-file", message, "`penstock init` writes a project to start from")
        return files
    if not path.is_file():
        message = f"there is no project file {path}"
        hint = "`penstock init` writes one to start from; -f names another"
        report.add(Place("", None, str(path)), "no-file", message, hint)
        return []
    return [path]


def _sections(file: Path, report: Report) -> dict[str, Marked]:
    place = Place("", None, str(file))
    try:
        if file.stat().st_size > bounds().project_bytes:
            message = f"a project has {in_megabytes(bounds().project_bytes)} at most"
            report.add(place, "too-large", message, f"split what belongs to several projects, or raise {MAX_PROJECT}")
            return {}
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        report.add(place._replace(line=line), "not-utf-8", "the file is not UTF-8 text", "save it as UTF-8")
        return {}
    except OSError as error:
        report.add(place, "unreadable-file", f"the file cannot be read: {error.strerror}", "check its rights")
        return {}
    return read_sections(text, str(file), report)


def read_sections(text: str, file: str, report: Report) -> dict[str, Marked]:
    """The sections that are in one YAML text; `file` is what messages call it."""
    root = read_marked(text, file, report)
    if root is None:
        return {}
    if not isinstance(root.value, dict):
        message = f"a project file is a mapping, not {kind_of(root)}"
        report.add(root.place, "wrong-type", message, f"start with one of: {', '.join(SECTIONS)}", kind_of(root))
        return {}
    return {name: node for name, node in root.value.items() if _is_section(name, node, report)}


def _is_section(name: str, node: Marked, report: Report) -> bool:
    if name not in SECTIONS:
        report.add(
            node.place, "unknown-key", f"there is no key `{name}` here", suggest(name, SECTIONS, "known keys"), name
        )
        return False
    if node.value is not None and not isinstance(node.value, dict):
        report.add(node.place, "wrong-type", "a mapping is needed here", "write name: {…}", kind_of(node))
        return False
    return True
