"""Checks of credentials and destinations of the connector `file`: a folder, and the name of a file in it."""

from __future__ import annotations

from pathlib import Path

from penstock.config.output_files import example_file, example_name, reading_source
from penstock.config.tree import Marked, Report
from penstock.model.errors import InputError
from penstock.model.spec import CredentialSpec, DestinationSpec, Mode, ProjectSpec
from penstock.render.file_names import EXTENSIONS, escapes, extension_of
from penstock.render.values.macros import parse_macros

OF_A_FOLDER = ("connector", "path")
OF_A_FILE = frozenset(
    {
        *("dataset", "credential", "path", "append", "fields", "attributes", "exclude", "nulls"),
        *("mode", "on_changed", "active", "new_columns"),
    }
)
OF_A_CUSTIFY_FIELD = ("truncate", "if_unchanged")
FORMATS = ", ".join(EXTENSIONS)
ANOTHER_FOLDER = "write into a folder that no source reads"


def check_folder(credential: CredentialSpec, node: Marked, report: Report) -> None:
    """Checks the keys of a credential by its connector."""
    if credential.connector != "file":
        if "path" in node.entries():
            message = "`path` is the folder of a credential with `connector: file`"
            hint = "remove `path`, or write `connector: file`"
            report.add(node.at("path").place, "key-not-here", message, hint, "path")
        return
    for name, item in node.entries().items():
        if name not in OF_A_FOLDER:
            message = f"`{name}` is for an API, and this credential is a folder of files"
            report.add(item.place, "key-not-here", message, f"remove `{name}`", name)
    if "path" not in node.entries():
        message = "`connector: file` needs the `path` of a folder"
        report.add(node.place.below("path"), "missing-key", message, "write path: folder/")
    elif "\0" in str(credential.path):
        report.add(node.at("path").place, "unknown-value", "a path cannot contain U+0000", "write a folder", "U+0000")


def check_file_destination(destination: DestinationSpec, node: Marked, report: Report) -> None:
    """Checks a destination whose credential is a folder. It has no endpoint, so it has none of an endpoint's keys."""
    _check_keys(destination, node, report)
    if destination.path is None:
        if node.get("path") is None:
            message = "a file destination needs the `path` of its file"
            report.add(node.place.below("path"), "missing-key", message, f"write path: NAME with one of: {FORMATS}")
        return
    _check_name(destination.path, node.at("path"), report)
    if destination.append and extension_of(destination.path) == ".parquet":
        message, hint = "records cannot be added to a Parquet file", "write path: NAME.ndjson, or remove `append`"
        report.add(node.at("append").place, "append-not-here", message, hint, destination.path)
    _check_mode(destination, node, report)


def _check_keys(destination: DestinationSpec, node: Marked, report: Report) -> None:
    for name, item in node.entries().items():
        if name not in OF_A_FILE:
            message = f"`{name}` is for an API, and {destination.name} writes a file"
            report.add(item.place, "key-not-here", message, f"remove `{name}`", name)
    for field, binding in (destination.fields or {}).items():
        for name in OF_A_CUSTIFY_FIELD:
            if getattr(binding, name):
                message = f"`{name}` is for an API, and {destination.name} writes a file"
                report.add(node.at("fields", field, name).place, "key-not-here", message, f"remove `{name}`", name)


def check_same_files(project: ProjectSpec, destinations: Marked, report: Report) -> None:
    """Checks that no destination writes a file that another one writes or a source reads: it would be replaced."""
    first: dict[Path, str] = {}
    for destination in project.destinations.values():
        folder = project.credentials.get(destination.credential)
        if folder is None or folder.connector != "file" or None in (folder.path, destination.path):
            continue
        file = example_file(folder, destination)
        if file is None:  # reported with its own key
            continue
        place = destinations.at(destination.name, "path").place
        other = first.setdefault(file, destination.name)
        if other != destination.name:
            message = f"{other} and {destination.name} write the same file"
            report.add(place, "same-file", message, "give one of them another path", destination.path)
        source = reading_source(project, file)
        if source is not None:
            message = f"{destination.name} would replace a file that the source {source} reads"
            report.add(place, "source-file", message, ANOTHER_FOLDER, destination.path)


def _check_name(path: str, node: Marked, report: Report) -> None:
    try:
        macros = parse_macros(path, "header", path=node.path)
    except InputError as error:
        for problem in error.problems:
            report.add(node.place, problem.code, problem.message, problem.hint, problem.found)
        return
    if macros.fields:
        message = "a file holds all records: its name cannot depend on one of them"
        report.add(node.place, "bad-macro", message, "use {now:%Y-%m-%d} or {run.id}", f"{{record.{macros.fields[0]}}}")
    if escapes(path) or escapes(example_name(path) or path):
        message = "the file would be outside the folder of its credential"
        hint = "write a name below the folder, without `..`"
        report.add(node.place, "outside-folder", message, hint, path)
    elif extension_of(path) not in EXTENSIONS:
        message = "the name of the file has no known extension, which says the format"
        report.add(node.place, "file-extension", message, f"end it with one of: {FORMATS}", path)


def _check_mode(destination: DestinationSpec, node: Marked, report: Report) -> None:
    mode = destination.mode
    if mode in (None, Mode.ALL):
        return
    if mode is Mode.MIRROR:
        message = "a file is written whole: `mode: mirror` is for Custify"
        report.add(node.at("mode").place, "mode-not-here", message, "mode: all", "mirror")
    elif not destination.append:
        message = f"each run replaces the file, and `mode: {mode}` would leave out what did not change"
        report.add(node.at("mode").place, "mode-not-here", message, "mode: all, or `append: true`", mode)
