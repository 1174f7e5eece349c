"""The layout of the code: small folders, short files, and one class to a name."""

import ast
from collections import defaultdict
from pathlib import Path
from statistics import median

from support.docs.source_trees import source_trees

ROOT = Path(__file__).parents[2]
MOST_ENTRIES, MEDIAN_ENTRIES, MOST_LINES = 15, 8, 400
# Folders that may hold more, each with the reason.
CATALOGUES = {
    "src/penstock": "the packages themselves, the modules that every one of them may use, and the two entries",
    "tests": "the packages of src, and beside them the kinds of tests that look at the whole",
    "tests/acceptance/golden": "golden files",
    "tests/templates/golden": "golden files",
    "tests/cases": "one folder a case from the field",
    "tests/fixtures/config/invalid": "one project file a mistake",
}


def _entries(folder: Path) -> int:
    ignored = {"__pycache__", "__init__.py", "py.typed", "web"}  # `web` is built
    return sum(path.name not in ignored for path in folder.iterdir())


def _folders() -> dict[str, int]:
    tops = [ROOT / "src" / "penstock", ROOT / "src" / "penstock_sandbox", ROOT / "tests"]
    found = [folder for top in tops for folder in (top, *top.rglob("*")) if folder.is_dir()]
    kept = [folder for folder in found if not {"__pycache__", "web"} & set(folder.parts)]
    return {folder.relative_to(ROOT).as_posix(): _entries(folder) for folder in kept}


def test_no_folder_has_more_than_fifteen_entries_but_for_catalogues_of_alike_things():
    folders = _folders()
    assert {name: count for name, count in folders.items() if count > MOST_ENTRIES and name not in CATALOGUES} == {}
    assert {name for name in CATALOGUES if folders.get(name, 0) <= MOST_ENTRIES} == set(), "needed no longer"
    assert median(count for name, count in folders.items() if name.startswith("src/penstock/")) <= MEDIAN_ENTRIES


def test_no_source_file_is_longer_than_four_hundred_lines():
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in source_trees()}
    assert {path.name: size for path, size in sizes.items() if size > MOST_LINES} == {}


def test_a_class_name_is_used_once_in_the_package():
    places = defaultdict(set)
    for path, tree in source_trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(path.relative_to(ROOT).as_posix())
    assert {name: sorted(files) for name, files in places.items() if len(files) > 1} == {}


def test_no_class_overrides_a_private_method_of_another():
    trees = source_trees().values()
    classes = {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    overridden = {
        (name, method)
        for name, node in classes.items()
        for base in _bases(node, classes)
        for method in _private_methods(node) & _private_methods(base)
    }
    assert overridden <= {("App", "_present")}


def _bases(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    own = [classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    return [*own, *(further for base in own for further in _bases(base, classes))]


def _private_methods(node: ast.ClassDef) -> set[str]:
    names = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}
