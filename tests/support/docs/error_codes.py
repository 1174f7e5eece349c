"""Every error code that the source can raise, found in its syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from support.docs.source_trees import SOURCE, source_trees

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PROBLEM = {"Problem": {2}}
# made of a word and the kind of a thing: `unknown-{kind}`
MADE = {f"unknown-{kind}" for kind in ("credential", "source", "dataset", "destination", "flow")}


@lru_cache(maxsize=1)
def codes() -> dict[str, str]:
    """Code → a place in the source where it is given."""
    trees = source_trees()
    takers = {_module(path): _takers(tree) for path, tree in trees.items()}
    methods = {name: places for own in takers.values() for name, places in own.items() if name != "note"}
    found = dict.fromkeys(MADE, "engine/surroundings.py")
    for path, tree in trees.items():
        known = PROBLEM | _imported(tree, takers) | takers[_module(path)]
        named = methods | known
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            is_method = isinstance(call.func, ast.Attribute)
            places = named.get(call.func.attr) if is_method else known.get(getattr(call.func, "id", ""))
            for code in _given(call, places):
                found.setdefault(code, f"{path.relative_to(SOURCE)}:{call.lineno}")
    return found


def _module(path: Path) -> str:
    return ".".join(("penstock", *path.relative_to(SOURCE).with_suffix("").parts))


def _imported(tree: ast.Module, takers: dict[str, dict[str, set[int]]]) -> dict[str, set[int]]:
    """The functions that a file imports by name."""
    return {
        alias.asname or alias.name: takers[node.module][alias.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in takers
        for alias in node.names
        if alias.name in takers[node.module]
    }


def _takers(tree: ast.Module) -> dict[str, set[int]]:
    """Functions with a parameter `code`, and where it is among what a caller passes by position."""
    takers: dict[str, set[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            if "code" in names and _is_text(node):
                takers.setdefault(node.name, set()).add(names.index("code") - (names[0] in ("self", "cls")))
            elif "code" in [argument.arg for argument in node.args.kwonlyargs]:
                takers.setdefault(node.name, set())
    return takers


def _is_text(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the parameter is a text: exit codes, grouping code and authorization codes are something else."""
    arguments = (*function.args.posonlyargs, *function.args.args)
    note = next(argument.annotation for argument in arguments if argument.arg == "code")
    return note is not None and ast.unparse(note) == "str"


def _given(call: ast.Call, places: set[int] | None) -> Iterator[str]:
    if places is None:
        return
    for value in [call.args[at] for at in places if at < len(call.args)] + [
        keyword.value for keyword in call.keywords if keyword.arg == "code"
    ]:
        for text in _literals(value):
            if CODE.fullmatch(text):
                yield text


def _literals(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)
