"""Loads a project from a file, or from a folder whose files are merged, into one checked spec.

Also makes the JSON Schema of the project file for editors, from the same declarations, and checks the text of the SQL
of datasets. Only that check imports DuckDB, because the import is slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from penstock.bounds import MAX_PROJECT, bounds, in_megabytes
from penstock.config.credentials import read_credential
from penstock.config.destinations import CheckContext, check_destination, read_destination
from penstock.config.file_destinations import check_same_files
from penstock.config.flows import FLOW, check_flows, read_flow, refuse_circles
from penstock.config.keys import CREDENTIAL, DATASET, DESTINATION, SOURCES
from penstock.config.ledger_target import LEDGER_TO, read_ledger_target
from penstock.config.sections import Section
from penstock.config.shapes import kind_of
from penstock.config.sources import (
    REPLY_KEY,
    RESPONSES,
    check_custify_source,
    check_dataset_source,
    read_dataset,
    read_source,
)
from penstock.config.tree import Marked, Place, Report, read_marked
from penstock.model.errors import InputError, NotAvailableYet, Problem
from penstock.model.spec import (
    CustifySource,
    DatasetSpec,
    ProjectSpec,
    ResponseSource,
    SourceSpec,
)
from penstock.templates.catalogue import load_catalogue

SECTIONS = ("credentials", "sources", "datasets", "destinations", "flows")
TOP_LEVEL = (*SECTIONS, "ledger_to")
SUFFIXES = frozenset({".yaml", ".yml"})
NAME = re.compile(r"\w(?:[\w -]*[\w-])?")
NAMES = r"^[^\s./\\]([^./\\]*[^\s./\\])?$"  # in the syntax that all regular expression engines share
ABOUT = {
    "credentials": "Accounts, by name.",
    "sources": "Sources of records, by name.",
    "datasets": "Keyed sets of records, by name.",
    "destinations": "Destinations, by name.",
    "flows": "Destinations that run together, by name.",
}
T = TypeVar("T")


def load_project(path: Path) -> ProjectSpec:
    """The project of a file, or of a folder whose *.yaml and *.yml files are merged.

    Raises InputError with every problem, or NotAvailableYet if all problems are keys of a later version.
    """
    project, problems = check_project(path)
    if project is not None:
        return project
    if all(problem.code == "not-available-yet" for problem in problems):
        raise NotAvailableYet(*problems)
    raise InputError(*problems)


def check_project(path: Path) -> tuple[ProjectSpec | None, tuple[Problem, ...]]:
    """The project, or its problems by file and line. Never raises for the content of a file."""
    report = Report()
    try:
        tree = read_files(path, report)
        return _checked(tree, (path if path.is_dir() else path.parent).resolve(), report)
    except InputError as error:  # there are more problems than are reported
        return None, error.problems


def load_text(text: str, base: Path, file: str) -> ProjectSpec:
    """The project of a YAML text; messages name it `file`, and relative paths start at `base`. Raises InputError."""
    report = Report()
    found = read_sections(text, file, report)
    empty = {name: Marked(name, 1, file, {}) for name in TOP_LEVEL}
    project, problems = _checked({**empty, **found}, base, report)
    if project is None:
        raise InputError(*problems)
    return project


def load_tree(tree: Mapping[str, Marked], base: Path) -> ProjectSpec:
    """The project of a tree that is not from a file; relative paths start at `base`. Raises InputError."""
    project, problems = _checked(tree, base, Report())
    if project is None:
        raise InputError(*(replace(problem, line=None, file=None) for problem in problems))
    return project


def _checked(tree: Mapping[str, Marked], base: Path, report: Report) -> tuple[ProjectSpec | None, tuple[Problem, ...]]:
    project = _read(tree, base, report)
    _check_together(project, tree, report)
    return (None, report.sorted()) if report.problems else (project, ())


def _check_together(project: ProjectSpec, tree: Mapping[str, Marked], report: Report) -> None:
    """The checks that need several resources: references between them, and keys that exclude each other."""
    for name, dataset in project.datasets.items():
        if dataset.source:
            check_dataset_source(dataset.source, project, tree["datasets"].at(name, "source"), report)
    for name, source in project.sources.items():
        if isinstance(source, CustifySource):
            check_custify_source(source, project, tree["sources"].at(name), report)
    ctx = CheckContext(project, load_catalogue(), report)
    for name, destination in project.destinations.items():
        check_destination(destination, tree["destinations"].at(name), ctx)
    check_same_files(project, tree["destinations"], report)
    check_flows(project, tree["flows"], report)
    refuse_circles(project, tree["destinations"], report)


def _read(tree: Mapping[str, Marked], base: Path, report: Report) -> ProjectSpec:
    credentials = _each(tree["credentials"], lambda name, node: read_credential(name, node, base, report))
    sources = _each(tree["sources"], lambda name, node: read_source(name, node, base, report))
    datasets = _each(tree["datasets"], lambda name, node: read_dataset(name, node, report))
    destinations = _each(tree["destinations"], lambda name, node: read_destination(name, node, report))
    flows = _each(tree["flows"], lambda name, node: read_flow(name, node, report))
    replies: dict[str, SourceSpec] = {
        f"{name}{RESPONSES}": ResponseSource(f"{name}{RESPONSES}", name)
        for name, destination in destinations.items()
        if destination.responses
    }
    marked = [item for name in TOP_LEVEL for item in tree[name].walk() if item.path]
    return ProjectSpec(
        base=base,
        credentials=credentials,
        sources=MappingProxyType({**sources, **replies}),
        datasets=MappingProxyType({**datasets, **{name: DatasetSpec(name, name, REPLY_KEY) for name in replies}}),
        destinations=destinations,
        flows=flows,
        ledger_to=read_ledger_target(tree["ledger_to"], base, report),
        lines=MappingProxyType({item.path: item.line for item in marked}),
        files=MappingProxyType({item.path: item.file for item in marked}),
    )


def _each(node: Marked, read: Callable[[str, Marked], T]) -> Mapping[str, T]:
    entries: Iterable[tuple[str, Marked]] = node.entries().items()
    return MappingProxyType({name: read(name, item) for name, item in entries})


def read_files(path: Path, report: Report) -> dict[str, Marked]:
    """Every section of the project with the entries of all files; missing sections are empty."""
    merged: dict[str, dict[str, Marked]] = {name: {} for name in TOP_LEVEL}
    first: dict[str, Marked] = {}
    try:
        files = _files(path, report)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        report.add(Place("", None, str(path)), "unreadable-file", message, "check the permissions of the folder")
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
        message = "a name can have only letters, digits, _ and -"
        report.add(item.place, "bad-name", message, "write a name without other characters", name)
    if name in entries:
        other = entries[name]
        message = f"the same name is in {other.file} (line {other.line}) and in {item.file} (line {item.line})"
        report.add(item.place, "duplicate-name", message, "rename one of the two, or remove it", name)
        return
    entries[name] = item


def _files(path: Path, report: Report) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        if not files:
            message = f"the folder {path} has no *.yaml or *.yml file"
            report.add(Place("", None, str(path)), "no-file", message, "`penstock init` writes a project to start from")
        return files
    if not path.is_file():
        message = f"there is no project file {path}"
        hint = "`penstock init` writes one to start from; -f selects another"
        report.add(Place("", None, str(path)), "no-file", message, hint)
        return []
    return [path]


def _sections(file: Path, report: Report) -> dict[str, Marked]:
    place = Place("", None, str(file))
    try:
        if file.stat().st_size > bounds().project_bytes:
            message = f"a project can have at most {in_megabytes(bounds().project_bytes)}"
            report.add(place, "too-large", message, f"split the project, or raise {MAX_PROJECT}")
            return {}
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        report.add(place._replace(line=line), "not-utf-8", "the file is not UTF-8 text", "save it as UTF-8")
        return {}
    except OSError as error:
        report.add(place, "unreadable-file", f"the file cannot be read: {error.strerror}", "check its permissions")
        return {}
    return read_sections(text, str(file), report)


def read_sections(text: str, file: str, report: Report) -> dict[str, Marked]:
    """The sections of a YAML text; messages name it `file`."""
    root = read_marked(text, file, report)
    if root is None:
        return {}
    if not isinstance(root.value, dict):
        message = f"a project file must be a mapping, not {kind_of(root)}"
        report.add(root.place, "wrong-type", message, f"start with one of: {', '.join(TOP_LEVEL)}", kind_of(root))
        return {}
    return {name: node for name, node in root.value.items() if _is_section(name, node, report)}


def _is_section(name: str, node: Marked, report: Report) -> bool:
    if name not in TOP_LEVEL:
        report.add_unknown_key(node.place, name, TOP_LEVEL)
        return False
    if node.value is not None and not isinstance(node.value, dict):
        report.add(node.place, "wrong-type", "this must be a mapping", "write name: {…}", kind_of(node))
        return False
    return True


def sql_problems(project: ProjectSpec, datasets: Iterable[str]) -> tuple[Problem, ...]:
    """A problem for each of these datasets whose SQL cannot run, whatever its source contains."""
    written = [(name, sql) for name in datasets if (sql := project.datasets[name].sql) is not None]
    if not written:
        return ()
    from penstock.sources.sql_text import sql_problem  # noqa: PLC0415 - DuckDB costs 0.1 s

    found = [sql_problem(name, sql) for name, sql in written]
    return tuple(
        replace(problem, line=project.lines.get(problem.path), file=project.files.get(problem.path))
        for problem in found
        if problem is not None
    )


def refuse_wrong_sql(project: ProjectSpec, datasets: Iterable[str]) -> None:
    """Raise InputError with a problem for each of these datasets whose SQL cannot run."""
    problems = sql_problems(project, datasets)
    if problems:
        raise InputError(*problems)


def project_json_schema() -> dict[str, object]:
    """A JSON Schema (2020-12) of the project file, with a description for every key."""
    sections = {
        "credentials": CREDENTIAL.schema(),
        "sources": {"oneOf": [_of_type(section, kind) for kind, section in SOURCES.items()]},
        "datasets": DATASET.schema(),
        "destinations": _destination(),
        "flows": FLOW.schema(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Penstock project",
        "description": "A project: sources of records, and how they are sent to Custify.",
        "type": ["object", "null"],
        "properties": {
            **{name: _named(ABOUT[name], each) for name, each in sections.items()},
            "ledger_to": {
                **LEDGER_TO.schema(),
                "type": ["object", "null"],
                "anyOf": [{"required": ["path"]}, {"required": ["url"]}],
            },
        },
        "additionalProperties": False,
    }


def _named(about: str, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": about,
        "type": ["object", "null"],
        "propertyNames": {"pattern": NAMES},
        "additionalProperties": each,
    }


def _of_type(section: Section, kind: str) -> dict[str, Any]:
    schema = section.schema()
    schema["properties"]["type"] = {"description": section.about, "const": kind}
    return schema


def _destination() -> dict[str, Any]:
    schema = DESTINATION.schema()
    templates = [{"const": name, "description": template.title} for name, template in load_catalogue().items()]
    schema["properties"]["template"]["oneOf"] = templates
    endpoints = [{"required": ["template"]}, {"required": ["request"]}]
    schema["oneOf"] = [*endpoints, {"required": ["path"], "not": {"anyOf": endpoints}}]  # the last one is a file
    return schema
